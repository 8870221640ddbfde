"""The tab in a WebUI that we cannot run on: one sentence. Built where ``app`` could not even be loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tag_atelier.ui.words import Words

logger = logging.getLogger(__name__)


def builder(error: ImportError) -> Callable[[], Any]:
    """What builds the tab; why it is needed goes to the console at once."""
    logger.error("Tag Atelier cannot run on this WebUI: %s", error)
    reason = str(error).partition(" (")[0]  # behind it stands the path of the module

    def build() -> Any:
        import gradio as gr

        with gr.Blocks(analytics_enabled=False) as blocks:
            for words in (Words("en"), Words("zh_CN")):
                said = words.escaped(
                    "Made for WebUI 1.10.1, reForge and Forge; Forge Neo and SD.Next are not supported ({reason}).",
                    reason=reason,
                )
                gr.HTML(f"<p>{said}</p>")
        return blocks

    return build
