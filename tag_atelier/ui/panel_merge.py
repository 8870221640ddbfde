"""The panel's merge for the pictures of one job: a recipe's text, filled by a saved recipe or by pasting. Used by ``panel``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import RECIPE_INFOTEXT
from tag_atelier.ui.choices import NOTHING
from tag_atelier.ui.compat import listen
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.words import Words


def build(atelier: Any, words: Words, tab: str) -> Any:
    """The text that is the script's argument, where the caller's gradio context stands."""
    with gr.Accordion("Merge for these pictures", open=False, elem_id=element_id(tab, "merge_panel")):
        saved = gr.Dropdown(
            [NOTHING, *atelier.merges.shelf.recipes()],
            value=NOTHING,
            label="Saved recipe",
            elem_id=element_id(tab, "merge_saved"),
        )
        recipe = gr.Textbox(
            "",
            label="Recipe (empty: no merge)",
            lines=2,
            max_lines=12,
            placeholder="models: [A, B]\nalpha: 0.5",
            elem_id=element_id(tab, "merge"),
            elem_classes=["tag-atelier-code"],
        )
    saved.do_not_save_to_config = recipe.do_not_save_to_config = True

    def fill(name: str) -> str:
        try:
            return "" if name == NOTHING else str(atelier.merges.shelf.recipe(name).to_yaml())
        except TagAtelierError as error:
            return f"# {words.said(error.said)}"

    listen(saved.input, fill, [saved], [recipe])
    return recipe


def read(text: object) -> Mapping[str, object] | None:
    """The recipe of the control, None where it is empty. Raises RecipeError, UnknownName."""
    given = text if isinstance(text, (str, Mapping)) else ""
    return Recipe.from_value(given).as_dict() if given and (not isinstance(given, str) or given.strip()) else None


def pasted(parameters: Mapping[str, str]) -> str:
    """What pasting a picture's parameters puts into the control: its recipe, as a text one can edit; empty without one."""
    try:
        return Recipe.from_value(dict(json.loads(parameters.get(RECIPE_INFOTEXT, "null")))).to_yaml()
    except (TypeError, ValueError, TagAtelierError):
        return ""
