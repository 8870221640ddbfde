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

from tag_atelier.errors import TagAtelierError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.origins import refuse_other_sites
from tag_atelier.jobs.runner import Job
from tag_atelier.jobs.values import read_body
from tag_atelier.routes import ROUTES as ROUTES
from tag_atelier.routes import Route

PREFIX = "/tag-atelier/v1"
TOKEN_HEADER = "X-Tag-Atelier"
PAGE_TOKEN = secrets.token_urlsafe(24)
"""Handed out with the page (so behind the WebUI's login where there is one); lets the page call the routes."""

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

    async def endpoint(request: Any) -> Any:
        try:
            refusal = _refusal(request, admit)
            if refusal is not None:
                return refusal
            posted = route.method == "POST"
            body = await read_body(request, route.largest_body) if posted else dict(request.query_params)
            return _answer(await run_in_threadpool(route.handler, atelier, request.path_params, body), route.status)
        except TagAtelierError as error:
            return _error(error.status, type(error).__name__, str(error))
        except UnicodeError as error:
            return _error(
                422, "RequestError", f"The request holds text that is no Unicode ({error}); leave that character out."
            )
        except OSError as error:
            return _error(
                502, "HostError", f"A file could not be read or written ({error}); make room, or free it, and try again."
            )

    # FastAPI reads the annotation, and the class is only known here: fastapi is not loaded with this module.
    endpoint.__annotations__["request"] = Request
    return endpoint


def _refusal(request: Any, admit: Admit) -> Any:
    """None when the request may go on, else the answer that refuses it. Raises CrossSite."""
    if request.method != "GET":
        refuse_other_sites(request)
    token = request.headers.get(TOKEN_HEADER, "")
    if hmac.compare_digest(token.encode(), PAGE_TOKEN.encode()) or admit(request):
        return None
    return _error(401, "Unauthorized", "No valid login was given; expected the page's login or the --api-auth credentials.")


def _answer(result: object, status: int) -> Any:
    from fastapi.responses import FileResponse

    if isinstance(result, Path):
        return FileResponse(result, headers={"X-Content-Type-Options": "nosniff"})
    value = result.as_dict() if isinstance(result, Job) else result
    return _json(value, status)


def _error(status: int, kind: str, sentence: str) -> Any:
    return _json({"error": kind, "detail": sentence}, status)


def _json(value: object, status: int) -> Any:
    """In ASCII: then also a name that is no valid Unicode can be shown."""
    from fastapi.responses import Response

    return Response(json.dumps(value, default=str), status, media_type="application/json")
