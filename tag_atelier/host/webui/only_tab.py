"""Shows a tab and nothing else, in a WebUI that lacks what the rest of us needs. Called by ``scripts/tag_atelier.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modules import script_callbacks


def register(build_tab: Callable[[], Any]) -> None:
    """Hook the tab in."""
    script_callbacks.on_ui_tabs(lambda: [(build_tab(), "Tag Atelier", "tag_atelier")])
