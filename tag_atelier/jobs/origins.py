"""Whose page a request comes from, and under which name this machine was asked: what ``api``, ``serve`` and our own
``/sdapi`` refuse before anything is read. Plain ASGI, no web framework."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tag_atelier.errors import RequestError

REFUSED = 403

App = Callable[[Any, Any, Any], Awaitable[None]]


class CrossSite(RequestError):
    """Another site's page sent a request that changes something."""

    status = REFUSED


def refuse_other_sites(request: Any) -> None:
    """Let a starlette request pass that comes from our own page, or from a program, which names no site.

    Browsers that do not send Sec-Fetch-Site still name the origin of every POST and DELETE.

    Raises:
        CrossSite: it comes from elsewhere.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    hosts = {request.headers.get("host", ""), request.headers.get("x-forwarded-host", "")} - {""}
    ours = site in ("same-origin", "none") if site is not None else origin is None or origin.partition("://")[2] in hosts
    if not ours:
        raise CrossSite("The request comes from another site; only our own page may do this.")


def is_this_machine(name: str) -> bool:
    """Whether a name, an address or a Host header, with or without its port, means this machine alone.

    >>> [is_this_machine(name) for name in ("localhost:7861", "127.0.0.1", "[::1]:80", "::1")]
    [True, True, True, True]
    >>> [is_this_machine(name) for name in ("", "0.0.0.0", "localhost.elsewhere.example", "127.0.0.1.nip.example:80")]
    [False, False, False, False]
    """
    bare = name.rpartition("]")[0].lstrip("[") if name.startswith("[") else name
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    if bare.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


class OnlyThisMachine:
    """Refuses what asks for this machine under another name, as a page does that had its name point here (DNS rebinding)."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection of an ASGI server."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = next((value for key, value in scope["headers"] if key == b"host"), b"").decode("latin-1")
        if is_this_machine(asked):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            sentence = (
                f"The page was asked for under the name '{asked[:100]}'; expected localhost or 127.0.0.1. Let a proxy in front "
                "send that name, or open the page to other machines with --listen."
            )
            body = json.dumps({"error": "OtherName", "detail": sentence}).encode("ascii")
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
            await send({"type": "http.response.start", "status": REFUSED, "headers": headers})
            await send({"type": "http.response.body", "body": body})
