"""Where the page's script puts the lanes of a pair of text boxes. Used by ``prompt_tab`` and by ``panel``."""

from __future__ import annotations

import html
import json

from tag_atelier.ui.ids import element_id

EXAMPLE = "masterpiece, white hair, sitting, 1girl, smile, school uniform, classroom, cowboy shot, best quality, solo"


def tab_lanes(in_webui: bool) -> str:
    """The holder of the sub-tab Prompt, as HTML; what it knows of the WebUI's settings are those of txt2img."""
    boxes = {"prompt": _box(element_id("prompt_text")), "negative": _box(element_id("prompt_negative"))}
    return _holder(
        name="tab",
        boxes=boxes,
        profile="#" + element_id("prompt_profile"),
        tab="txt2img" if in_webui else "",
        send=in_webui,
        example=EXAMPLE,
    )


def panel_lanes(tab: str) -> str:
    """The holder inside the panel of ``txt2img`` or ``img2img``, as HTML, for the WebUI's own prompt boxes."""
    boxes = {"prompt": _box(f"{tab}_prompt"), "negative": _box(f"{tab}_neg_prompt")}
    return _holder(name=tab, boxes=boxes, profile="#" + element_id(tab, "profile"), tab=tab, send=False, example="")


def _box(identifier: str) -> str:
    return f"#{identifier} textarea"


def _holder(**options: object) -> str:
    return f'<div data-tag-atelier-lanes="{html.escape(json.dumps(options))}"></div>'
