"""What the WebUI pays for us at its start: our modules, nothing heavy, no connection."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def said(repository: Path) -> str:
    """What the probe printed, run in a Python of its own."""
    if not (repository / "scripts" / "tag_atelier.py").exists():
        pytest.skip("scripts/tag_atelier.py is not there yet")
    probe = [sys.executable, "-X", "utf8", str(repository / "tests" / "startup_probe.py")]
    done = subprocess.run(probe, capture_output=True, text=True, cwd=repository.parent, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_heavy_is_loaded_and_nothing_is_asked_of_the_network_at_the_webuis_start(said: str) -> None:
    found = re.fullmatch(r"start: (\d+) modules of ours, (\d+) in all, (\d+) ms\n", said)
    assert found, said
    assert int(found[1]) > 3, "the probe did not load the extension"


def test_light_rooms_load_without_anything_heavy(repository: Path) -> None:
    """The rooms that plan, in a fresh Python in which importing anything heavy is an error."""
    rooms = [
        "prompt",
        "ports",
        "settings",
        "language",
        "bench.spec",
        "bench.plan",
        "merge.recipe",
        "merge.weights",
        "merge.layout",
    ]
    block = "import sys; sys.modules.update(dict.fromkeys(['torch', 'numpy', 'PIL', 'onnxruntime', 'safetensors', 'gradio']));"
    program = block + "import " + ", ".join(f"tag_atelier.{room}" for room in rooms)
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_webui_that_lacks_what_we_use_gets_a_tab_that_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gradio")
    tabs: list[Callable[[], list[tuple[Any, str, str]]]] = []
    webui = types.ModuleType("modules")
    webui.script_callbacks = types.SimpleNamespace(on_ui_tabs=tabs.append)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "modules", webui)
    monkeypatch.setitem(sys.modules, "tag_atelier.app", None)
    monkeypatch.delattr("tag_atelier.app", raising=False)
    runpy.run_path(str(repository / "scripts" / "tag_atelier.py"))
    ((blocks, title, _),) = tabs[0]()
    shown = [str(part["props"].get("value")) for part in blocks.get_config_file()["components"]]
    assert title == "Tag Atelier"
    assert any("Forge Neo and SD.Next are not supported" in text for text in shown)
    assert any("不支持 Forge Neo 与 SD.Next" in text for text in shown)
