"""Tag Atelier: prompt builder, rare-tag benchmark and block-weight merge for anime SDXL checkpoints.

The WebUI imports this package at start; keep it free of torch, numpy, PIL and onnxruntime.
"""

from __future__ import annotations

import re
from pathlib import Path


def _version() -> str:
    """As ``pyproject.toml`` beside this package says, which is its only place; else that of the installed package."""
    try:
        text = Path(__file__).resolve().parent.with_name("pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r'^name = "tag-atelier"\nversion = "([^"]+)"', text, re.MULTILINE)
    if found:
        return found[1]
    from importlib.metadata import version

    return version("tag-atelier")


__version__ = _version()
