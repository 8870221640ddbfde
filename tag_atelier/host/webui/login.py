"""Who may call our routes: the WebUI does not put extension routes behind its own logins, so we ask for the same ones."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Any

from modules import shared


def admit_for(app: Any) -> Callable[[Any], bool]:
    """A check that accepts the page's login cookie or the ``--api-auth`` credentials, and all where neither flag is set."""

    def admit(request: Any) -> bool:
        options = shared.cmd_opts
        page_login = bool(options.gradio_auth or options.gradio_auth_path)
        if not page_login and not options.api_auth:
            return True
        return (page_login and _has_cookie(app, request)) or (bool(options.api_auth) and _has_credentials(request))

    return admit


def _has_cookie(app: Any, request: Any) -> bool:
    """gradio 3.41 names the cookie ``access-token``, 4.40 adds an id to it."""
    tokens = getattr(app, "tokens", {})
    return any(name.startswith("access-token") and value in tokens for name, value in request.cookies.items())


def _has_credentials(request: Any) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    known = [pair.strip() for pair in shared.cmd_opts.api_auth.split(",")]
    return any(pair and hmac.compare_digest(given, pair.encode("utf-8")) for pair in known)
