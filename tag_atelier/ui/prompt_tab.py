"""The sub-tab Prompt: a text goes in, the arranged text, the reasons and the findings come out. Built by ``tab``."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from tag_atelier.ui import render
from tag_atelier.ui.choices import default_profile, profile_choices
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.prompt_answers import arranged, checked
from tag_atelier.ui.words import Words

EXAMPLE = "masterpiece, white hair, sitting, 1girl, smile, school uniform, classroom, cowboy shot, best quality, solo"


def build(atelier: Any, words: Words) -> None:
    """Build the sub-tab where the caller's gradio context stands."""
    with gr.Row(equal_height=False):
        with gr.Column():
            text = gr.Textbox(
                label=words.label("Prompt"), lines=7, placeholder=EXAMPLE, elem_id=element_id("prompt_text"), max_lines=20
            )
            with gr.Row():
                profile = gr.Dropdown(
                    profile_choices(atelier),
                    value=default_profile(atelier),
                    label=words.label("Model family"),
                    elem_id=element_id("prompt_profile"),
                )
                negative = gr.Checkbox(
                    False, label=words.label("This is a negative prompt"), elem_id=element_id("prompt_negative")
                )
            with gr.Row(elem_classes=["tag-atelier-buttons"]):
                arrange = gr.Button(words.label("Arrange"), variant="primary", elem_id=element_id("prompt_arrange"))
                check = gr.Button(words.label("Check only"), elem_id=element_id("prompt_check"))
                example = gr.Button(words.label("Show an example"), elem_id=element_id("prompt_example"))
        with gr.Column():
            answer = gr.Textbox(
                label=words.label("Arranged prompt"),
                lines=7,
                max_lines=20,
                show_copy_button=True,
                elem_id=element_id("prompt_arranged"),
            )
            if words.in_webui:
                with gr.Row(elem_classes=["tag-atelier-buttons"]):
                    send = gr.Button(words.label("Send to txt2img"), elem_id=element_id("prompt_send"))
                script = "(text, negative) => { tagAtelier.sendToTxt2img(text, negative); return []; }"
                listen(send.click, None, [answer, negative], [], javascript=script)
            result = gr.HTML(
                render.note(words("Write a prompt on the left and press Arrange.")), elem_id=element_id("prompt_result")
            )

    asked = [text, profile, negative]
    listen(arrange.click, partial(arranged, atelier, words), asked, [answer, result])
    listen(check.click, partial(checked, atelier, words), asked, [result])
    listen(example.click, lambda: EXAMPLE, [], [text])
