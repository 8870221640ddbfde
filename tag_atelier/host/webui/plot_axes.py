"""Adds axes to the WebUI's X/Y/Z plot. Used by ``xyz_axes`` and ``xyz_merge_axes``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modules import scripts

Apply = Callable[[Any, str, Sequence[str]], None]
Confirm = Callable[[Any, Sequence[str]], None]
Choices = Callable[[], "list[str]"]


def add(label: str, apply: Apply, confirm: Confirm | None, choices: Choices | None) -> None:
    """Add an axis of texts where it is not in the list yet; nothing where there is no such script.

    The plot builds its menus from that list in its ``ui()``, which comes after those of always-visible scripts; "Reload
    UI" imports it anew, with an empty list (A1111 scripts/xyz_grid.py:420, Forge :444).
    """
    plot = next((row.module for row in scripts.scripts_data if row.script_class.__module__ == "xyz_grid.py"), None)
    options, axis = getattr(plot, "axis_options", None), getattr(plot, "AxisOption", None)
    if isinstance(options, list) and axis is not None and label not in {option.label for option in options}:
        options.append(axis(label, str, apply, confirm=confirm, choices=choices))
