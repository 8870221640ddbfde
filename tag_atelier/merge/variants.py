"""Recipes that differ from a given one in one thing: a block's weight, the preset, the method, a model. Used by plot axes.

Loads without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tag_atelier.errors import RecipeError, say
from tag_atelier.merge.methods import get_method
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.merge.weights import get_named_weights, read_number, read_weights


def with_weight(recipe: Recipe, text: str) -> Recipe:
    """B's weight in all blocks, ``0.4``; of another model, ``c 0.4``.

    Raises:
        RecipeError: it is no number, or the recipe has no such model.
    """
    index, rest = _letter(recipe, text)
    return _with_alpha(recipe, index, read_number(rest, say("A weight")))


def with_block(recipe: Recipe, text: str) -> Recipe:
    """B's weight in one block, group or range beside what the recipe says, ``OUT03-OUT05 0.4``; of another model ``c M00 1``.

    Raises:
        RecipeError: it is no block with a number, or the recipe has no such model.
        UnknownName: there is no such block.
    """
    index, rest = _letter(recipe, text)
    pieces = rest.replace(":", " ").replace("=", " ").split()
    if len(pieces) != 2:
        raise RecipeError("'{text}' is no block with a weight; expected for example 'OUT03 0.4'.", text=text)
    value = recipe.weights[index - 1].as_value()
    start = dict(value) if isinstance(value, Mapping) else {"ALL": value}
    return _with_alpha(recipe, index, {**start, pieces[0].upper(): pieces[1]})


def with_preset(recipe: Recipe, text: str) -> Recipe:
    """B's weights from a named preset, ``GRAD_V``, or a share of it, ``GRAD_V 0.5``. Raises RecipeError, UnknownName."""
    index, rest = _letter(recipe, text)
    name, _, scale = rest.strip().partition(" ")
    preset = get_named_weights(name).name
    return _with_alpha(recipe, index, {"preset": preset, "scale": read_number(scale or 1.0, say("The share of a preset"))})


def with_method(recipe: Recipe, text: str) -> Recipe:
    """Another method, its parameters as they come. Raises RecipeError where it takes other models, UnknownName."""
    return _changed(recipe, method=get_method(text.strip()).name, parameters={})


def with_model(recipe: Recipe, text: str) -> Recipe:
    """Another B, ``name``; another model or the base, ``c name``, ``base name``. A stays: it is the loaded model.

    Raises:
        RecipeError: the recipe has no such model.
    """
    if text.startswith("base ") and recipe.base is not None:
        return _changed(recipe, base=text[5:].strip())
    index, rest = _letter(recipe, text)
    models = list(recipe.models)
    models[index] = rest.strip()
    return _changed(recipe, models=models)


VARIANTS: Mapping[str, Callable[[Recipe, str], Recipe]] = {
    "weight": with_weight,
    "block": with_block,
    "preset": with_preset,
    "method": with_method,
    "model": with_model,
}
"""What can be varied → how."""


def _letter(recipe: Recipe, text: str) -> tuple[int, str]:
    """Index of the model that ``text`` begins with the letter of, B where it names none, and the rest."""
    letter, _, rest = text.strip().partition(" ")
    letter = letter.rstrip(":").lower()
    if len(letter) == 1 and letter in LETTERS[1:] and rest:
        index = LETTERS.index(letter)
        if index >= len(recipe.models):
            raise RecipeError(
                "The recipe has no model '{letter}'; it mixes {count}, called a, b and so on.",
                letter=letter,
                count=len(recipe.models),
            )
        return index, rest
    return 1, text.strip()


def _with_alpha(recipe: Recipe, index: int, value: object) -> Recipe:
    if len(recipe.models) < 2:
        raise RecipeError("The recipe mixes no second model, so it has no weight to change.")
    read_weights(value)
    alphas = [weights.as_value() for weights in recipe.weights]
    alphas[index - 1] = value
    return _changed(recipe, alpha=alphas)


def _changed(recipe: Recipe, **fields: Any) -> Recipe:
    return Recipe.from_value({**recipe.as_dict(), "name": recipe.name, **fields})
