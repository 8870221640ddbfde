"""How each setting looks on the WebUI's settings page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from tag_atelier.settings import Setting


def component_of(setting: Setting) -> tuple[Any, Mapping[str, object]]:
    """gradio component class and its arguments for a setting."""
    if isinstance(setting.default, bool):
        return gr.Checkbox, {}
    if setting.choices:
        return gr.Dropdown, {"choices": list(setting.choices)}
    if setting.minimum is not None and setting.maximum is not None:
        step = 1 if isinstance(setting.default, int) else 0.01
        return gr.Slider, {"minimum": setting.minimum, "maximum": setting.maximum, "step": step}
    return gr.Textbox, {}
