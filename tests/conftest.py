"""What all tests share: no network but this machine's own, one torch thread, bounded hypothesis, the tiny files made once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ["LC_ALL"] = "C.UTF-8"  # what the command line says is compared in English

with suppress(ImportError):
    from hypothesis import settings

    settings.register_profile("atelier", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI")))
    settings.load_profile("atelier")

REPOSITORY = Path(__file__).resolve().parent.parent
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that drives a browser is run once more when it fails: a stalled machine is no fault; a fault fails twice."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _offline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any connection to another machine fails at once, save in tests marked ``network``."""
    if request.node.get_closest_marker("network"):
        yield
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise OSError(f"A test wanted to reach {address[0]}; tests are offline.")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root, which is the extension's folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny checkpoints by name, in one folder; read only."""
    world = pytest.importorskip("tag_atelier.world.tiny_checkpoints", exc_type=ImportError)
    checkpoints: dict[str, Path] = world.make(tmp_path_factory.mktemp("checkpoints"))
    return checkpoints


@pytest.fixture(scope="session")
def tiny_tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``world.tiny_tagger.make`` returns; read only."""
    world = pytest.importorskip("tag_atelier.world.tiny_tagger", exc_type=ImportError)
    folder: Path = world.make(tmp_path_factory.mktemp("taggers"))
    return folder
