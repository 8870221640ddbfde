"""The foot of the tab: version, what this WebUI is if we are not made for it, notifications, the text for an issue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier import __version__
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.words import Words


def build(atelier: Any, words: Words) -> None:
    """Build it where the caller's gradio context stands."""
    unsupported = str(atelier.host.facts().get("unsupported", ""))
    if unsupported:
        said = words.escaped(
            "Tag Atelier is not made for {webui} and was never tried on it: prompts may work, the rest may not.",
            webui=unsupported,
        )
        gr.HTML(f'<div class="tag-atelier-warning">{said}</div>', elem_id=element_id("unsupported"))
    with gr.Accordion(words.label("About, notifications, help"), open=False, elem_id=element_id("about")):
        gr.HTML(
            f'<p class="tag-atelier-quiet">Tag Atelier {__version__}</p><div data-tag-atelier-about></div>',
            elem_id=element_id("about_content"),
        )
