"""Our settings on the WebUI's settings page, and their values as it keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modules import sd_models, shared

from tag_atelier.language import Language
from tag_atelier.settings import SETTINGS, Setting

_SECTION = ("tag_atelier", "Tag Atelier")

ComponentOf = Callable[[Setting], "tuple[Any, Mapping[str, object]]"]
"""The page's component class and arguments for a setting; comes from ``ui``, since gradio is not ours to import."""


def add_to_page(component_of: ComponentOf) -> None:
    """For ``on_ui_settings``."""
    for setting in SETTINGS:
        component, arguments = component_of(setting)
        info = shared.OptionInfo(setting.default, setting.label, component, dict(arguments), section=_SECTION)
        shared.opts.add_option(setting.option_name, info)


def values() -> dict[str, bool | int | float | str]:
    """All settings; defaults where the page was never saved. ``auto`` becomes the page's own language."""
    found = {setting.key: shared.opts.data.get(setting.option_name, setting.default) for setting in SETTINGS}
    if found["language"] == "auto":
        found["language"] = "zh_CN" if str(shared.opts.data.get("localization", "")).lower().startswith("zh") else "en"
    return found


def language() -> Language:
    """What the page and the reports are written in."""
    return "zh_CN" if values()["language"] == "zh_CN" else "en"


def live_settings() -> dict[str, object]:
    """What is drawn with next beside the page's fields: the chosen checkpoint's title, and clip skip."""
    chosen = sd_models.checkpoint_aliases.get(shared.opts.sd_model_checkpoint)
    return {"checkpoint": chosen.title if chosen else "", "clip_skip": int(shared.opts.CLIP_stop_at_last_layers)}
