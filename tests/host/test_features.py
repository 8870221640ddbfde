"""Which WebUI is told apart by the files in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.host.webui.features import unsupported


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
