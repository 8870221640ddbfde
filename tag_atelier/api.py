"""The routes under ``/tag-atelier/v1`` over HTTP: plain JSON, the same on FastAPI 0.94/pydantic 1 and 0.104/pydantic 2.

Mounted by ``app`` (WebUI) and ``cli`` (``serve``); what each route does is in ``routes``. Who may call them is the door's
``admit``; see docs/http_api.md and docs/security.md.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tag_atelier.errors import HostError, RequestError, TagAtelierError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.origins import refuse_other_sites
from tag_atelier.jobs.runner import Job
from tag_atelier.jobs.values import read_body
from tag_atelier.language import Language, asked_language, tell
from tag_atelier.routes import ROUTES as ROUTES
from tag_atelier.routes import Route

PREFIX = "/tag-atelier/v1"
TOKEN_HEADER = "X-Tag-Atelier"
PAGE_TOKEN = secrets.token_urlsafe(24)
"""Handed out with the page (so behind the WebUI's login where there is one); lets the page call the routes."""


class Unauthorized(TagAtelierError):
    """A request without the page's token and without a login."""

    status = 401


Admit = Callable[[Any], bool]
"""Whether a starlette request carries valid credentials; never called for a request that carries the page's token."""


def mount(app: Any, atelier: Atelier, admit: Admit) -> None:
    """Add all routes to a FastAPI ``app`` that may be running already."""
    from tag_atelier.openapi import description

    for route in ROUTES:
        app.add_api_route(
            PREFIX + route.path,
            _endpoint(route, atelier, admit),
            methods=[route.method],
            status_code=route.status,
            summary=route.summary,
            name=f"tag_atelier {route.method} {route.path}",
            tags=["Tag Atelier"],
            response_model=None,
            openapi_extra=description(route.method, route.path),
        )


def _endpoint(route: Route, atelier: Atelier, admit: Admit) -> Callable[..., Any]:
    from fastapi import Request
    from fastapi.concurrency import run_in_threadpool

    async def carry_out(request: Any) -> tuple[object, int]:
        try:
            _refuse_strangers(request, admit)
            posted = route.method == "POST"
            body = await read_body(request, route.largest_body) if posted else dict(request.query_params)
            return await run_in_threadpool(route.handler, atelier, request.path_params, body), route.status
        except TagAtelierError as error:
            return _refusal(error)
        except UnicodeError as error:
            return _refusal(
                RequestError("The request holds text that is no Unicode ({error}); leave that character out.", error=error)
            )
        except OSError as error:
            return _refusal(
                HostError("A file could not be read or written ({error}); make room, or free it, and try again.", error=error)
            )

    async def endpoint(request: Any) -> Any:
        result, status = await carry_out(request)
        return _answer(result, status, asked_language(request.headers.get("accept-language", "")))

    # FastAPI reads the annotation, and the class is only known here: fastapi is not loaded with this module.
    endpoint.__annotations__["request"] = Request
    return endpoint


def _refuse_strangers(request: Any, admit: Admit) -> None:
    """Let a request pass that comes from our page or carries a login. Raises CrossSite, Unauthorized."""
    if request.method != "GET":
        refuse_other_sites(request)
    token = request.headers.get(TOKEN_HEADER, "")
    if not (hmac.compare_digest(token.encode(), PAGE_TOKEN.encode()) or admit(request)):
        raise Unauthorized("No valid login was given; expected the page's login or the --api-auth credentials.")


def _refusal(error: TagAtelierError) -> tuple[object, int]:
    return {"error": type(error).__name__, "detail": error.said}, error.status


def _answer(result: object, status: int, language: Language) -> Any:
    """A file as it is, anything else as JSON with its sentences in ``language``.

    The JSON is ASCII: then also a name that is no valid Unicode can be shown.
    """
    from fastapi.responses import FileResponse, Response

    if isinstance(result, Path):
        return FileResponse(result, headers={"X-Content-Type-Options": "nosniff"})
    value = tell(result.as_dict() if isinstance(result, Job) else result, language)
    return Response(json.dumps(value, default=str), status, media_type="application/json")
