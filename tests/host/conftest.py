"""The embedded host behind a real server on this machine, once for all tests of this folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tag_atelier.ports import Host


if find_spec("diffusers") is None:
    collect_ignore_glob = ["test_embedded_*.py", "test_contract_remote.py"]


@dataclass(frozen=True)
class Served:
    """A running server and the host behind it."""

    url: str
    host: Host


@pytest.fixture(scope="session")
def served(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``add_routes`` on FastAPI and uvicorn."""
    uvicorn, fastapi = pytest.importorskip("uvicorn"), pytest.importorskip("fastapi")
    from tag_atelier.host.embedded import build
    from tag_atelier.host.embedded.server import add_routes

    folder = next(iter(tiny_checkpoints.values())).parent
    host = build(folder, tmp_path_factory.mktemp("served"), device="cpu")
    app = fastapi.FastAPI()
    add_routes(app, host)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", host)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
