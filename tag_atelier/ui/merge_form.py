"""The merge form's values and the recipe they stand for, both ways. Used by ``merge_tab``; knows no gradio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tag_atelier.errors import RecipeError
from tag_atelier.merge.layout import LINE_COUNTS, architectures
from tag_atelier.merge.methods import get_method
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.merge.weights import BlockWeights, read_weights

_ENTRY = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*[:=]\s*(\S+)\s*")
KEEP = "keep"
ROWS = 5
"""Models that can be mixed into A on the form; a recipe's text takes more."""
PARAMETERS = 2
"""Numbers of its own that a method may have on the form."""


@dataclass(frozen=True)
class Mixed:
    """One model that is mixed in, as its row of controls has it."""

    model: str = ""
    weight: float = 0.5
    """How much of it where no preset is chosen; what a preset is multiplied with where one is."""
    preset: str = ""
    blocks: str = ""
    """``IN04: 0.3, OUT03-OUT05: 0.7``, or a pasted line of numbers; empty: no block differs."""


@dataclass(frozen=True)
class MergeForm:
    """What the form's controls hold."""

    first: str = ""
    method: str = "weighted_sum"
    base: str = ""
    dtype: str = KEEP
    vae: str = ""
    layout: str = ""
    """Which tool's meaning a pasted line has; empty: SuperMerger's."""
    parameters: tuple[float, ...] = ()
    """The method's, in its order; those that are not given are as they come."""
    mixed: tuple[Mixed, ...] = field(default_factory=lambda: (Mixed(),))

    @property
    def chosen(self) -> tuple[Mixed, ...]:
        """The rows in which a model is chosen."""
        return tuple(row for row in self.mixed if row.model)


def to_recipe(form: MergeForm) -> Recipe:
    """The recipe that the form stands for.

    Raises:
        RecipeError: a model is missing or the block weights cannot be read.
        UnknownName: no such method, preset or block.
    """
    if not form.first or not form.chosen:
        raise RecipeError("Model A or B is not chosen; choose the model to start from as A and the one to mix in as B.")
    method = get_method(form.method)
    values: dict[str, object] = {"models": [form.first, *(row.model for row in form.chosen)], "method": form.method}
    if method.base:
        if not form.base:
            raise RecipeError("No base is chosen; this method subtracts it, choose the model that B was made from.")
        values["base"] = form.base
    weights = [weights_value(row, form.layout) for row in form.chosen]
    values["alpha"] = weights[0] if len(weights) == 1 else weights
    values["parameters"] = {parameter.name: value for parameter, value in zip(method.parameters, form.parameters, strict=False)}
    values["options"] = {"dtype": form.dtype, **({"vae": form.vae} if form.vae else {})}
    return Recipe.from_value(values)


def weights_value(row: Mixed, layout: str = "") -> object:
    """The row's weights as a recipe writes them: a number, a pasted line, or a mapping of blocks.

    Raises:
        RecipeError: the blocks cannot be read.
    """
    text = row.blocks.strip()
    if not text and not row.preset:
        return row.weight
    if text and ":" not in text and "=" not in text:
        return {"values": text, **({"layout": layout} if layout else {})}
    start: dict[str, object] = {"ALL": row.weight}
    if row.preset:
        start = {"preset": row.preset, "scale": row.weight}
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
    layouts = {weights.layout for weights in recipe.weights if weights.line is not None}
    form = MergeForm(
        first=recipe.models[0],
        method=recipe.method,
        base=recipe.base or "",
        dtype=recipe.dtype,
        vae=recipe.vae or "",
        layout=next(iter(layouts), None) or "",
        parameters=tuple(weights.number for _, weights in recipe.parameters),
        mixed=tuple(map(_row, recipe.models[1:], recipe.weights)),
    )
    if not 0 < len(form.mixed) <= ROWS or not _says_the_same(form, recipe):
        raise RecipeError("This recipe says more than the form can show; edit the text, it is what is carried out.")
    return form


def _says_the_same(form: MergeForm, recipe: Recipe) -> bool:
    try:
        return to_recipe(form).digest == recipe.digest
    except RecipeError:
        return False


def _row(model: str, weights: BlockWeights) -> Mixed:
    whole = dict(weights.blocks).get("ALL")
    weight = weights.scale if weights.preset else weights.number if whole is None else whole
    return Mixed(model, weight, weights.preset or "", _blocks_text(weights))


def _blocks_text(weights: BlockWeights) -> str:
    if weights.line is not None:
        return ", ".join(f"{value:g}" for value in weights.line)
    return ", ".join(f"{block}: {weight:g}" for block, weight in weights.blocks if block != "ALL")


def resolved(row: Mixed, architecture: str, layout: str = "") -> Mapping[str, float]:
    """The row's weight in every block of ``architecture``.

    Raises:
        RecipeError, UnknownName: the weights do not fit this architecture.
    """
    return read_weights(weights_value(row, layout)).resolve(architectures()[architecture])


def letter_of(row: int) -> str:
    """What row ``row``, counted from 0, is called: B, C and so on.

    >>> letter_of(0)
    'B'
    """
    return LETTERS[row + 1].upper()


def is_line(text: str) -> bool:
    """Whether ``text`` is a pasted line of numbers of a length that some tool uses."""
    return ":" not in text and "=" not in text and len(text.replace(",", " ").split()) in LINE_COUNTS
