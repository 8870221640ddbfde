"""Which WebUI this is. Asked once; everything else asks this file instead of testing names."""

from __future__ import annotations

import importlib.util
from functools import lru_cache


@lru_cache(maxsize=1)
def is_forge() -> bool:
    """True on Forge: ``modules.sd_models`` keeps its names there, but most of it is a silent no-op."""
    return importlib.util.find_spec("modules_forge") is not None and importlib.util.find_spec("backend") is not None
