"""Other people's extensions beside ours: where TAG_ATELIER_OTHERS says that they lie, and a WebUI that has them all.

The folder holds one checkout for each extension, under its repository's name, and where they need packages that the WebUI has
not, ``site-packages`` with these. Nothing in it is changed: each WebUI gets copies.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.webui.data_folder import link
from tests.webui.server import Server

PROBE_FOLDER = Path(__file__).resolve().parent / "others_probe_extension"
OTHERS_PROBE = "/tag-atelier-others"
DETECTOR = "tag-atelier-test.pt"
"""A detector for ADetailer that finds the same square in every picture."""
PACKAGES = "site-packages"

TAGCOMPLETE, PROMPTS = "a1111-sd-webui-tagcomplete", "sd-webui-prompt-all-in-one"
DYNAMIC, DETAILER, CONTROLNET = "sd-dynamic-prompts", "adetailer", "sd-webui-controlnet"
SUPERMERGER, MIXER = "sd-webui-supermerger", "sd-webui-model-mixer"

DYNAMIC_SETTINGS: dict[str, object] = {
    **dict.fromkeys(("dp_ignore_whitespace", "dp_write_raw_template", "dp_write_prompts_to_file"), False),
    **dict.fromkeys(("dp_limit_jinja_prompts", "dp_auto_purge_cache", "dp_wildcard_manager_no_dedupe"), False),
    **dict.fromkeys(("dp_wildcard_manager_no_sort", "dp_wildcard_manager_shuffle"), False),
    "dp_parser_variant_start": "{",
    "dp_parser_variant_end": "}",
    "dp_parser_wildcard_wrap": "__",
    "dp_magicprompt_batch_size": 1,
}
"""sd-dynamic-prompts e8326b5 registers its settings after WebUI 1.10.1 has read them (modules/ui.py:262-265): on a fresh
installation it raises AttributeError at every picture, with us and without, until they are in config.json."""


def others_folder() -> Path | None:
    """What TAG_ATELIER_OTHERS names."""
    named = os.environ.get("TAG_ATELIER_OTHERS")
    return Path(named).resolve() if named else None


def installed() -> list[str]:
    """Names of the extensions that lie there."""
    folder = others_folder()
    found = sorted(path.name for path in folder.iterdir() if (path / "scripts").is_dir()) if folder else []
    return [name for name in found if name != PACKAGES]


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips where one of the extensions is not at hand."""
    missing = [name for name in names if name not in installed()]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)} in the folder TAG_ATELIER_OTHERS")


def beside(names: list[str], ours: str = "tag-atelier") -> Callable[[Path, Path], None]:
    """Puts copies of the extensions into a data folder, and ours under the name ``ours``; for ``boot``'s ``prepare``."""

    def prepare(data: Path, python: Path) -> None:
        folder = others_folder()
        assert folder is not None
        for name in names:
            shutil.copytree(folder / name, data / "extensions" / name, ignore=shutil.ignore_patterns(".git"))
        link(PROBE_FOLDER, data / "extensions" / "tag-atelier-others-probe")
        config = data / "config.json"
        options = {**json.loads(config.read_text(encoding="utf-8")), **DYNAMIC_SETTINGS}
        config.write_text(json.dumps(options), encoding="utf-8")
        (data / "extensions" / "tag-atelier").rename(data / "extensions" / ours)
        packages = folder / PACKAGES
        if packages.is_dir():
            place = next(python.parent.parent.rglob("site-packages"))
            (place / "zzz_others.pth").write_text(f"{packages}\n", encoding="utf-8")

    return prepare


def complaints(server: Server) -> list[str]:
    """Lines of the log in which the WebUI says that some extension failed."""
    marks = ("Error loading script", "Error executing callback", "Error calling", "Error running")
    return [line for line in server.log_text().splitlines() if any(mark in line for mark in marks)]
