"""Which WebUI it is, by its packages; and those told apart by the files in its folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tag_atelier.host.webui.features import host_name, is_forge, unsupported


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Both remember their answer."""
    for question in (is_forge, host_name):
        question.cache_clear()
    yield
    for question in (is_forge, host_name):
        question.cache_clear()


@pytest.mark.parametrize(
    ("packages", "name"),
    [((), "webui"), (("modules_forge",), "reforge"), (("modules_forge", "backend"), "forge"), (("backend",), "webui")],
)
@pytest.mark.usefixtures("asked_anew")
def test_the_host_is_named_by_its_packages(monkeypatch: pytest.MonkeyPatch, packages: tuple[str, ...], name: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: SimpleNamespace() if asked in packages else None)
    assert host_name() == name


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["modules/launch_utils.py"], ""),
        (["modules/launch_utils.py", "modules_forge/config.py", "backend/loader.py"], ""),
        (["modules/launch_utils.py", "modules_forge/packages/k_diffusion/sampling.py"], "Forge Neo"),
        (["installer.py", "modules/shared.py"], "SD.Next"),
        (["installer.py", "modules/launch_utils.py"], ""),
    ],
)
def test_what_is_not_ours_is_named(tmp_path: Path, files: list[str], name: str) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", encoding="utf-8")
    assert unsupported(tmp_path) == name
