"""Which WebUI this is. Asked once; everything else asks this file instead of testing names."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def is_forge() -> bool:
    """True on Forge: ``modules.sd_models`` keeps its names there, but most of it is a silent no-op."""
    return importlib.util.find_spec("modules_forge") is not None and importlib.util.find_spec("backend") is not None


@lru_cache(maxsize=1)
def host_name() -> str:
    """``forge``, ``reforge`` or ``webui``: what draws the same prompt differently has another name."""
    if is_forge():
        return "forge"
    return "reforge" if importlib.util.find_spec("modules_forge") is not None else "webui"


def has_parts(model: Any) -> bool:
    """True where the networks lie in ``forge_objects`` under names of their own: on Forge and reForge."""
    return hasattr(model, "forge_objects")


def unsupported(root: Path) -> str:
    """Name of the WebUI in ``root`` where it is one that this extension is not made for; empty where it is."""
    if (root / "installer.py").is_file() and not (root / "modules" / "launch_utils.py").is_file():
        return "SD.Next"
    return "Forge Neo" if (root / "modules_forge" / "packages").is_dir() else ""
