"""Merge axes in the WebUI's X/Y/Z plot: block, weight, preset, method, model, saved recipe. Used by ``merge_in_job``.

Each cell is merged for itself and undone after it, as a job's own merge is; so the weights are afterwards what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tag_atelier.errors import RecipeError, TagAtelierError
from tag_atelier.host.webui import options
from tag_atelier.host.webui.plot_axes import add
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.language import tell
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.variants import VARIANTS

_CELL = "tag_atelier_merge_axes"
_LABEL = "Tag Atelier merge "


def register(atelier: Atelier) -> None:
    """Add the axes to the plot's list where they are not in it yet."""
    from tag_atelier.merge.methods import METHODS
    from tag_atelier.merge.weights import named_weights

    def checkpoints() -> list[str]:
        return [checkpoint.name for checkpoint in atelier.host.checkpoints.list()]

    choices: Mapping[str, Callable[[], list[str]] | None] = {
        "block": None,
        "weight": None,
        "preset": lambda: list(named_weights()),
        "method": lambda: list(METHODS),
        "model": checkpoints,
    }
    for kind, offered in choices.items():
        add(
            _LABEL + kind,
            _keep(lambda recipe, value, kind=kind: VARIANTS[kind](_given(recipe), value)),
            _confirm(kind),
            offered,
        )
    add(_LABEL + "recipe", _keep(lambda _recipe, value: atelier.merges.shelf.recipe(value)), None,
        lambda: list(atelier.merges.shelf.recipes()))  # fmt: skip


def varies(p: Any) -> bool:
    """Whether the plot varies the merge of this job."""
    return bool(getattr(p, _CELL, ()))


def wanted(start: Mapping[str, object] | Recipe | None, p: Any) -> Recipe | None:
    """The recipe of this cell, made from ``start``; None where the plot varies no merge.

    Raises:
        RecipeError, UnknownName: a value of an axis does not fit the recipe, or there is no recipe to vary.
    """
    edits: Sequence[Callable[[Recipe | None], Recipe]] = getattr(p, _CELL, ())
    recipe = Recipe.from_value(start) if isinstance(start, Mapping) else start
    for edit in edits:
        recipe = edit(recipe)
    return recipe if edits else None


def _given(recipe: Recipe | None) -> Recipe:
    if recipe is None:
        raise RecipeError(
            "There is no merge to vary; give the panel a recipe, or choose or apply one, before plotting its parts."
        )
    return recipe


def _keep(change: Callable[[Recipe | None, str], Recipe]) -> Callable[[Any, str, Sequence[str]], None]:
    def keep(p: Any, value: str, _values: Sequence[str]) -> None:
        # A new tuple on the cell's own copy: the plot's copies of a job share what they hold.
        setattr(p, _CELL, (*getattr(p, _CELL, ()), lambda recipe: change(recipe, value)))

    return keep


def _confirm(kind: str) -> Callable[[Any, Sequence[str]], None]:
    """Refuses before anything is drawn what cannot make sense for any recipe."""
    two = Recipe.from_value({"models": list("abcdefghijklmnopqrstuvwxyz"), "alpha": [0.0] * 25})

    def confirm(_p: Any, values: Sequence[str]) -> None:
        if kind not in ("block", "weight", "preset"):
            return
        for value in values:
            try:
                VARIANTS[kind](two, value)
            except TagAtelierError as error:  # the plot shows any exception's text and draws nothing
                raise RuntimeError(f"{_LABEL}{kind}: {tell(error.said, options.language())}") from error

    return confirm
