"""Under which names the page without a WebUI answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tag_atelier.cli import serve
from tests.fakes import fake_host


@pytest.mark.parametrize(("listen", "status"), [("127.0.0.1", 403), ("localhost", 403), ("0.0.0.0", 404)])
def test_a_page_for_this_machine_answers_to_its_names_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listen: str, status: int
) -> None:
    ran: list[Any] = []

    class Server:
        def __init__(self, config: Any) -> None:
            ran.append(config.app)

        def run(self, sockets: Any) -> None:
            sockets[0].close()

    monkeypatch.setattr("uvicorn.Server", Server)
    said: list[Any] = []
    monkeypatch.setattr(serve, "build_app", lambda atelier: said.append(atelier.options()) or FastAPI(openapi_url=None))
    monkeypatch.setattr(serve, "_host", lambda _given: fake_host(tmp_path))
    assert serve._serve(argparse.Namespace(listen=listen, port=0, language="zh_CN")) == 0
    assert said[0]["language"] == "zh_CN"
    client = TestClient(ran[0])
    assert client.get("/", headers={"Host": "elsewhere.example:7861"}).status_code == status
    assert client.get("/", headers={"Host": "127.0.0.1:7861"}).status_code == 404
