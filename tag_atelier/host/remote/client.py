"""JSON over HTTP with the standard library: one place for addresses, credentials, time limits and failures."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Final

from tag_atelier.errors import Cancelled, HostError

PREFIX: Final = "/sdapi/v1"
QUICK_S: Final = 30.0
"""Time limit of calls that only ask or set."""
LOAD_S: Final = 600.0
"""Time limit of loading a checkpoint."""
DRAW_S: Final = 3600.0
"""Time limit of drawing one image, the wait behind other people's jobs included."""
_LONGEST_DETAIL = 400


class Client:
    """Speaks to one WebUI. Safe to use from several threads: it keeps no connection."""

    def __init__(self, url: str, credentials: tuple[str, str] | None = None) -> None:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HostError("'{url}' is not an address of a WebUI; expected one such as http://127.0.0.1:7860.", url=url)
        place = parts.netloc.rpartition("@")[2]
        self.url = urllib.parse.urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
        """Without credentials, so that it may be shown."""
        self._headers = {"Accept": "application/json"}
        if parts.username is not None:  # of several machines each may have a login of its own
            credentials = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        if credentials is not None:
            joined = base64.b64encode(":".join(credentials).encode("utf-8")).decode("ascii")
            self._headers["Authorization"] = f"Basic {joined}"
        # A proxy from the environment is for the wide world, not for a machine that was named by its address.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def get(self, path: str, timeout_s: float = QUICK_S) -> object:
        """The JSON value at ``/sdapi/v1`` + ``path``.

        Raises:
            HostError: no answer, a refusal, or no JSON.
        """
        return self._call(urllib.request.Request(self.url + PREFIX + path, headers=self._headers), timeout_s)

    def post(self, path: str, body: Mapping[str, object], timeout_s: float = QUICK_S) -> object:
        """Send ``body`` and return the JSON answer.

        Raises:
            HostError: no answer, a refusal, or no JSON.
            Cancelled: the other side says that somebody stopped it.
        """
        data = json.dumps(body).encode("utf-8")
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._call(urllib.request.Request(self.url + PREFIX + path, data, headers, method="POST"), timeout_s)

    def interrupt(self) -> None:
        """What the WebUI's Interrupt button does."""
        self.post("/interrupt", {})

    def _call(self, request: urllib.request.Request, timeout_s: float) -> object:
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                received = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(request, error.code, error.read(65536)) from error
        except TimeoutError as error:
            raise HostError(
                "{url} did not answer within {seconds:g} s; is it busy, or switched off?", url=self.url, seconds=timeout_s
            ) from error
        except urllib.error.URLError as error:
            raise HostError(
                "{url} cannot be reached ({reason}); start it with --api, or correct its address.",
                url=self.url,
                reason=error.reason,
            ) from error
        except (http.client.HTTPException, OSError) as error:
            raise HostError(
                "{url} broke off its answer ({reason}); see its console.", url=self.url, reason=error or type(error).__name__
            ) from error
        try:
            return json.loads(received)
        except ValueError as error:
            raise HostError("{url} answered without JSON; expected a WebUI started with --api.", url=self.url) from error

    def _refusal(self, request: urllib.request.Request, status: int, received: bytes) -> Exception:
        path = urllib.parse.urlsplit(request.full_url).path
        if status in (301, 302, 303, 307, 308):
            return HostError(
                "{url} sends {path} to another address ({status}); give the final address of the WebUI.",
                url=self.url,
                path=path,
                status=status,
            )
        if status in (401, 403):
            return HostError(
                "{url} wants a login for {path} ({status}); give the user and password of its --api-auth.",
                url=self.url,
                path=path,
                status=status,
            )
        if status == 404 and path.startswith(PREFIX) and b"detail" in received and _detail(received) == "Not Found":
            return HostError("{url} has no {path}; start that WebUI with --api.", url=self.url, path=path)
        if status == Cancelled.status:
            return Cancelled(_detail(received))
        return HostError(
            "{url} refused {path} ({status}): {detail}", url=self.url, path=path, status=status, detail=_detail(received)
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Credentials go to the address that was named and nowhere else."""

    def redirect_request(self, *_given: object) -> None:
        """Never follow."""
        return


def _detail(received: bytes) -> str:
    """The sentence in an error's body: ``detail``, or the WebUI's ``errors``."""
    text = received.decode("utf-8", errors="replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(value, Mapping):
        value = value.get("detail") or value.get("errors") or value.get("error") or value
    sentence = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return sentence[:_LONGEST_DETAIL] or "it gave no reason."
