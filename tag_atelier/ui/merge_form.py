"""The merge form's values and the recipe they stand for, both ways. Used by ``merge_tab``; knows no gradio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tag_atelier.errors import RecipeError
from tag_atelier.merge.layout import architectures
from tag_atelier.merge.methods import get_method
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.weights import BlockWeights, read_weights

_ENTRY = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*[:=]\s*(\S+)\s*")
KEEP = "keep"


@dataclass(frozen=True)
class MergeForm:
    """What the form's controls hold, in their order."""

    first: str = ""
    second: str = ""
    third: str = ""
    """Third model, or the base where the method has one; empty: none."""
    method: str = "weighted_sum"
    second_weight: float = 0.5
    """How much of B where no preset is chosen; what a preset is multiplied with where one is."""
    third_weight: float = 0.0
    preset: str = ""
    blocks: str = ""
    """``IN04: 0.3, OUT03-OUT05: 0.7``, or a pasted line of numbers; empty: no block differs."""
    dtype: str = KEEP
    vae: str = ""


FIELDS = tuple(MergeForm.__dataclass_fields__)


def to_recipe(form: MergeForm) -> Recipe:
    """The recipe that the form stands for.

    Raises:
        RecipeError: a model is missing or the block weights cannot be read.
        UnknownName: no such method, preset or block.
    """
    if not form.first or not form.second:
        raise RecipeError("Model A or B is not chosen; choose the model to start from as A and the one to mix in as B.")
    weights: list[object] = [weights_value(form)]
    models = [form.first, form.second]
    values: dict[str, object] = {"models": models, "method": form.method}
    if get_method(form.method).base:
        if not form.third:
            raise RecipeError("Model C is not chosen; this method subtracts it, choose the model that B was made from.")
        values["base"] = form.third
    elif form.third:
        models.append(form.third)
        weights.append(form.third_weight)
    values["alpha"] = weights[0] if len(weights) == 1 else weights
    values["options"] = {"dtype": form.dtype, **({"vae": form.vae} if form.vae else {})}
    return Recipe.from_value(values)


def weights_value(form: MergeForm) -> object:
    """B's weights as a recipe writes them: a number, a pasted line, or a mapping of blocks.

    Raises:
        RecipeError: the blocks cannot be read.
    """
    text = form.blocks.strip()
    if not text and not form.preset:
        return form.second_weight
    if text and ":" not in text and "=" not in text:
        return {"values": text}
    start: dict[str, object] = {"ALL": form.second_weight}
    if form.preset:
        start = {"preset": form.preset, "scale": form.second_weight}
    return {**start, **read_blocks(text)}


def read_blocks(text: str) -> dict[str, object]:
    """Blocks and weights, separated by commas or line ends.

    >>> read_blocks("IN04: 0.3, OUT03-OUT05=0.7")
    {'IN04': '0.3', 'OUT03-OUT05': '0.7'}

    Raises:
        RecipeError: a piece is no block with a weight.
    """
    found: dict[str, object] = {}
    for piece in filter(str.strip, re.split(r"[,;\n]", text)):
        entry = _ENTRY.fullmatch(piece)
        if entry is None:
            raise RecipeError(f"'{piece.strip()}' is no block weight; expected for example 'IN04: 0.3' or 'OUT03-OUT05: 0.7'.")
        found[entry[1].upper()] = entry[2]
    return found


def from_recipe(recipe: Recipe) -> MergeForm:
    """The form's values for ``recipe``.

    Raises:
        RecipeError: the recipe says more than the form can show; its text is what counts then.
    """
    plain = [weights for weights in recipe.weights[1:] if weights.preset or weights.blocks or weights.line]
    unseen = recipe.elements or recipe.parameters or recipe.adjust
    if len(recipe.models) > 3 or unseen or plain or (recipe.base and len(recipe.models) > 2):
        raise RecipeError("This recipe says more than the form can show; edit the text, it is what is carried out.")
    weights = recipe.weights[0]
    whole = dict(weights.blocks).get("ALL")
    second_weight = weights.scale if weights.preset else weights.number if whole is None else whole
    return MergeForm(
        first=recipe.models[0],
        second=recipe.models[1],
        third=recipe.base or (recipe.models[2] if len(recipe.models) > 2 else ""),
        method=recipe.method,
        second_weight=second_weight,
        third_weight=recipe.weights[1].number if len(recipe.weights) > 1 else 0.0,
        preset=weights.preset or "",
        blocks=_blocks_text(weights),
        dtype=recipe.dtype,
        vae=recipe.vae or "",
    )


def _blocks_text(weights: BlockWeights) -> str:
    if weights.line is not None:
        return ", ".join(f"{value:g}" for value in weights.line)
    return ", ".join(f"{block}: {weight:g}" for block, weight in weights.blocks if block != "ALL")


def resolved(form: MergeForm, architecture: str) -> Mapping[str, float]:
    """B's weight in every block of ``architecture``, as the form stands.

    Raises:
        RecipeError, UnknownName: the weights do not fit this architecture.
    """
    return read_weights(weights_value(form)).resolve(architectures()[architecture])
