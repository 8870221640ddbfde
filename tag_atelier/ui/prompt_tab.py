"""The sub-tab Prompt: two text boxes and, below them, their lanes, which the page's script draws. Built by ``tab``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.ui.choices import default_profile, panel_profile_choices
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.lanes import EXAMPLE, tab_lanes
from tag_atelier.ui.words import Words


def build(atelier: Any, words: Words) -> None:
    """Build the sub-tab where the caller's gradio context stands."""
    # No event of gradio's hangs on these, and without saying so gradio would let nobody change them.
    with gr.Row(equal_height=True):
        gr.Textbox(
            label=words.label("Prompt"),
            lines=4,
            max_lines=16,
            placeholder=EXAMPLE,
            interactive=True,
            elem_id=element_id("prompt_text"),
            elem_classes=["tag-atelier-prompt-box"],
            scale=5,
            min_width=280,
        )
        gr.Textbox(
            label=words.label("Negative prompt"),
            lines=4,
            max_lines=16,
            interactive=True,
            elem_id=element_id("prompt_negative"),
            elem_classes=["tag-atelier-prompt-box"],
            scale=3,
            min_width=280,
        )
        gr.Dropdown(
            panel_profile_choices(atelier),
            value=AUTOMATIC if words.in_webui else default_profile(atelier),
            label=words.label("Model family"),
            interactive=True,
            elem_id=element_id("prompt_profile"),
            scale=2,
        )
    gr.HTML(tab_lanes(words.in_webui), elem_id=element_id("prompt_lanes"))
