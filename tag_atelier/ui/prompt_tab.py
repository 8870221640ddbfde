"""The sub-tab Prompt: a text goes in, the arranged text, the reasons and the findings come out. Built by ``tab``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.ui import render
from tag_atelier.ui.choices import default_profile, profile_choices
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
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
            arranged = gr.Textbox(
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
                listen(send.click, None, [arranged, negative], [], javascript=script)
            result = gr.HTML(
                render.note(words("Write a prompt on the left and press Arrange.")), elem_id=element_id("prompt_result")
            )

    def arrange_text(text: str, profile_id: str, is_negative: bool) -> tuple[str, str]:
        request = {"text": text or "", "profile": profile_id, "negative": bool(is_negative)}
        if not request["text"].strip():
            return "", render.note(words("The prompt is empty; write one first."))
        try:
            arranged_result, found = atelier.arrange(request), atelier.lint(request)
        except TagAtelierError as error:
            return "", render.problem(error, words)
        return str(arranged_result["text"]), render.arrangement(arranged_result, words) + render.findings(found, words)

    def check_text(text: str, profile_id: str, is_negative: bool) -> str:
        try:
            found = atelier.lint({"text": text or "", "profile": profile_id, "negative": bool(is_negative)})
        except TagAtelierError as error:
            return render.problem(error, words)
        return render.findings(found, words)

    listen(arrange.click, arrange_text, [text, profile, negative], [arranged, result])
    listen(check.click, check_text, [text, profile, negative], [result])
    listen(example.click, lambda: EXAMPLE, [], [text])
