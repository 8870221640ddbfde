"""The tab "Tag Atelier" with its sub-tabs. ``app`` hands it to the WebUI, ``standalone`` puts it on a page of its own."""

from __future__ import annotations

import html
import json
from typing import Any

import gradio as gr

from tag_atelier.ui import about, bench_tab, merge_tab, prompt_tab, search_tab
from tag_atelier.ui.hints import HINTS
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.menu_words import menu_table
from tag_atelier.ui.words import Words, words_of

TITLE = "Tag Atelier"


def build(atelier: Any, in_webui: bool, token: str = "") -> gr.Blocks:
    """The tab as blocks of its own; ``token`` is what the page's requests to ``/tag-atelier/v1`` carry."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        build_content(atelier, words_of(atelier, in_webui), token)
    return blocks


def build_content(atelier: Any, words: Words, token: str = "") -> None:
    """Build the sub-tabs where the caller's gradio context stands."""
    with gr.Column(elem_id=element_id("root"), elem_classes=["tag-atelier"]):
        gr.HTML(page_data(words, token), elem_id=element_id("page_data"), elem_classes=["tag-atelier-hidden"])
        rooms = {}
        with gr.Tabs(elem_id=element_id("tabs")):
            for name, title, room in (
                ("prompt", "Prompt", prompt_tab),
                ("bench", "Benchmark", bench_tab),
                ("merge", "Merge", merge_tab),
                ("search", "Search", search_tab),
            ):
                with gr.TabItem(words.label(title), id=element_id("tab", name), elem_id=element_id("tab", name)):
                    rooms[name] = room.build(atelier, words)
        rooms["search"].take_models_from(rooms["merge"].search, rooms["merge"].recipe)
        about.build(atelier, words)


def page_data(words: Words, token: str) -> str:
    """What the script needs to know, as attributes of a hidden element."""
    hints = {identifier: words(hint) for identifier, hint in HINTS.items()}
    page = {"token": token, "language": words.language.replace("_", "-")}
    values = {"words": words.script_table(), "hints": json.dumps(hints), "page": json.dumps(page)}
    values["menu-words"] = menu_table()
    attributes = " ".join(f'data-tag-atelier-{name}="{html.escape(value)}"' for name, value in values.items())
    return f"<div {attributes}></div>"
