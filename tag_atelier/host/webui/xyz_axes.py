"""Our axes in the WebUI's X/Y/Z plot: family, order, quality words, negative words. Called by ``panel_script``.

The plot draws each cell from a shallow copy of the job, so a cell's wishes are a new mapping on the copy, never a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tag_atelier.host.webui import options
from tag_atelier.host.webui.plot_axes import add
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.jobs.panel import PanelRequest
from tag_atelier.language import sentence

NOTHING = "none"
_UNKNOWN = "'{name}' is unknown; expected some of: {known}."
_CELL = "tag_atelier_axes"
_SWITCH = {"on": True, "off": False}


def register(atelier: Atelier) -> None:
    """Add the axes to the plot's list where they are not in it yet."""
    for label, key, choices in _axes(atelier):
        add(label, _keep(key), _confirm(label, choices), choices)


def wanted(request: PanelRequest, p: Any) -> PanelRequest:
    """``request`` with what the plot asks of this cell; an axis switches the panel on."""
    cell: Mapping[str, Any] = getattr(p, _CELL, {})
    return replace(request, enabled=True, **cell) if cell else request


def _axes(atelier: Atelier) -> Sequence[tuple[str, str, Callable[[], list[str]]]]:
    def profiles() -> list[str]:
        return [AUTOMATIC, *atelier.prompts.profiles]

    def names(table: str) -> list[str]:
        from tag_atelier.prompt.compose import DEFAULT

        tables = [getattr(profile, table) for profile in atelier.prompts.profiles.values()]
        return [NOTHING, DEFAULT, *dict.fromkeys(name for row in tables for name in row)]

    return (
        ("Tag Atelier profile", "profile", profiles),
        ("Tag Atelier order", "arrange", lambda: list(_SWITCH)),
        ("Tag Atelier quality", "quality", lambda: names("quality")),
        ("Tag Atelier negative", "negative_preset", lambda: names("negative")),
    )


def _keep(key: str) -> Callable[[Any, str, Sequence[str]], None]:
    def keep(p: Any, value: str, _values: Sequence[str]) -> None:
        read: object = _SWITCH[value] if key == "arrange" else value
        if key in ("quality", "negative_preset") and value == NOTHING:
            read = None
        setattr(p, _CELL, {**getattr(p, _CELL, {}), key: read})

    return keep


def _confirm(label: str, choices: Callable[[], list[str]]) -> Callable[[Any, Sequence[str]], None]:
    def confirm(_p: Any, values: Sequence[str]) -> None:
        unknown = [value for value in values if value not in choices()]
        if unknown:  # the plot shows any exception's text and draws nothing
            known = sentence(_UNKNOWN, options.language(), name=unknown[0], known=", ".join(choices()))
            raise RuntimeError(f"{label}: {known}")

    return confirm
