"""Which WebUI this is. Asked once; everything else asks this file instead of testing names."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def is_forge() -> bool:
    """True on Forge: ``modules.sd_models`` keeps its names there, but most of it is a silent no-op."""
    return importlib.util.find_spec("modules_forge") is not None and importlib.util.find_spec("backend") is not None


def unsupported(root: Path) -> str:
    """Name of the WebUI in ``root`` where it is one that this extension is not made for; empty where it is."""
    if (root / "installer.py").is_file() and not (root / "modules" / "launch_utils.py").is_file():
        return "SD.Next"
    return "Forge Neo" if (root / "modules_forge" / "packages").is_dir() else ""
