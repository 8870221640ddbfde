"""Who may call our routes under each of the WebUI's logins; the extension is a copy of the tracked files here."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tag_atelier.routes import ROUTES
from tests.webui.client import OURS, Client
from tests.webui.data_folder import EXTENSION, files_below
from tests.webui.server import Server

PAGE, SCRIPTS = ("ann", "painter"), ("bob", "robot:7")
GRADIO_AUTH = ("--gradio-auth", ":".join(PAGE))
API_AUTH = ("--api-auth", "bob:robot7")
API_USER = ("bob", "robot7")
Boot = Callable[..., Server]


@contextmanager
def booted(boot: Boot, name: str, *flags: str, credentials: tuple[str, str] | None = None) -> Iterator[Server]:
    """A server that is gone again afterwards, and that has written nothing into the extension's folder."""
    server = boot(name, "copy", *flags, credentials=credentials)
    extension = server.data / "extensions" / EXTENSION
    before = files_below(extension)
    try:
        yield server
    finally:
        server.stop()
        assert files_below(extension) == before


def status_of(client: Client) -> int:
    return client.request("GET", f"{OURS}/status").status


def open_to_anyone(base: str) -> list[str]:
    """Our routes that answer somebody without credentials with anything but 401."""
    paths = {route: OURS + re.sub(r"\{\w+\}", "x", route.path) for route in ROUTES}
    assert len(paths) > 50, "the table of routes was read"
    return [path for route, path in paths.items() if Client(base).request(route.method, path).status != 401]


def logged_in(base: str, user: tuple[str, str] = PAGE) -> Client:
    """A browser that has filled in gradio's login form."""
    anyone = Client(base)
    form = urllib.parse.urlencode({"username": user[0], "password": user[1]}).encode()
    answer = anyone.request("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
    cookies = [value.split(";")[0] for key, value in answer.headers.items() if key.lower() == "set-cookie"]
    return Client(base, headers={"Cookie": "; ".join(cookies)} if cookies else {})


def test_page_login(boot: Boot) -> None:
    with booted(boot, "gradio-auth", *GRADIO_AUTH) as server:
        base = server.client.base
        assert open_to_anyone(base) == []
        assert "login" in Client(base).request("GET", f"{OURS}/status").json()["detail"]
        assert status_of(Client(base, PAGE)) == 401  # the page's login is a cookie, not a header
        assert status_of(Client(base, headers={"Cookie": "access-token=guessed"})) == 401
        assert status_of(Client(base, headers={"X-Tag-Atelier": "1"})) == 401
        assert status_of(logged_in(base, ("ann", "wrong"))) == 401
        assert status_of(logged_in(base)) == 200


def test_api_login(boot: Boot) -> None:
    with booted(boot, "api-auth", *API_AUTH, credentials=API_USER) as server:
        base = server.client.base
        assert open_to_anyone(base) == []
        assert status_of(Client(base, ("bob", "wrong"))) == 401
        assert status_of(Client(base, headers={"Authorization": "Basic ???"})) == 401
        assert status_of(Client(base, headers={"Authorization": "Bearer robot7"})) == 401
        assert status_of(Client(base, headers={"X-Tag-Atelier": "guessed"})) == 401
        assert status_of(server.client) == 200
        drawn = server.client.draw("white hair, 1girl", alwayson_scripts={"Tag Atelier": {"args": [{}]}})
        assert drawn.infotext.splitlines()[0] == "1girl, white hair"
        token = page_token(base)
        assert status_of(Client(base, headers={"X-Tag-Atelier": token})) == 200


def test_both_logins(boot: Boot) -> None:
    with booted(boot, "both", *GRADIO_AUTH, *API_AUTH, credentials=API_USER) as server:
        base = server.client.base
        assert open_to_anyone(base) == []
        assert status_of(Client(base, PAGE)) == 401
        assert status_of(server.client) == 200
        assert status_of(logged_in(base)) == 200
        assert Client(base).request("GET", "/config").status in (401, 404)


def test_without_the_page(boot: Boot) -> None:
    with booted(boot, "nowebui", "--nowebui") as server:
        client = server.client
        assert client.get(f"{OURS}/status")["dirty"] is False
        recipe = {"models": ["tiny-sd15-a", "tiny-sd15-b"], "alpha": 0.5}
        plain = client.draw("white hair, 1girl")
        merged = client.draw("white hair, 1girl", alwayson_scripts={"Tag Atelier": {"args": [{"merge": recipe}]}})
        assert merged.infotext.startswith("1girl, white hair") and merged.pixels != plain.pixels
        assert client.draw("white hair, 1girl").pixels == plain.pixels
        spec = {
            "name": "n",
            "template": "{tag}, 1girl",
            "tags": ["glaring"],
            "parameters": {"steps": 2, "width": 64, "height": 64},
        }
        assert client.job("POST", "/benchmarks", {"spec": spec})["state"] == "done"


def page_token(base: str) -> str:
    """What the page's script finds in the page."""
    import html
    import json
    import re

    text = json.dumps(Client(base).get("/config"))
    found = re.search(r"data-tag-atelier-page=\\\"(.*?)\\\"", text)
    assert found is not None, "the page carries no token"
    return str(json.loads(html.unescape(json.loads(f'"{found[1]}"')))["token"])
