"""The page without a WebUI, for ``python -m tag_atelier serve`` and the browser tests."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier.ui.compat import standalone_blocks
from tag_atelier.ui.tab import TITLE, build_content
from tag_atelier.ui.words import words_of


def build_page(atelier: Any, token: str = "") -> gr.Blocks:
    """The whole page: our tab, our script and our style. Mount it on an app that carries the routes, or launch it."""
    words = words_of(atelier)
    page = standalone_blocks(TITLE)
    with page:
        gr.HTML(
            f'<div class="tag-atelier-title"><h1>{TITLE}</h1><p>'
            f"{words.escaped('Write a prompt, measure what the model draws of it, merge towards the one that draws more.')}"
            "</p></div>"
        )
        build_content(atelier, words, token)
    return page


def mount_page(app: Any, atelier: Any, token: str = "") -> Any:
    """``app`` (FastAPI) with the page at ``/``; call it last, for the page answers every path that nothing else does."""
    return gr.mount_gradio_app(app, build_page(atelier, token), path="/")
