"""The merge form's values and the recipe they stand for, both ways. Used by ``merge_tab``; knows no gradio."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.methods import get_method
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.ui.merge_parts import Parts
from tag_atelier.ui.merge_weights import Mixed, row_of, weights_value

KEEP = "keep"
ROWS = 5
"""Models that can be mixed into A on the form; a recipe's text takes more."""
PARAMETERS = 2
"""Numbers of its own that a method may have on the form."""


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
    parts: Parts = field(default_factory=Parts)

    @property
    def is_complete(self) -> bool:
        """Whether there is something to do: a model is mixed into A, or something else is done to A alone."""
        alone = (self.dtype, self.vae, self.parts) != (KEEP, "", Parts())
        return bool(self.first and (self.chosen or alone))

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
    if not form.is_complete:
        raise RecipeError("Model A or B is not chosen; choose the model to start from as A and the one to mix in as B.")
    method = get_method(form.method)
    values: dict[str, object] = {"models": [form.first, *(row.model for row in form.chosen)], "method": form.method}
    if method.base:
        if not form.base:
            raise RecipeError("No base is chosen; this method subtracts it, choose the model that B was made from.")
        values["base"] = form.base
    weights = [weights_value(row, form.layout) for row in form.chosen]
    if weights:
        values["alpha"] = weights[0] if len(weights) == 1 else weights
    values["parameters"] = {parameter.name: value for parameter, value in zip(method.parameters, form.parameters, strict=False)}
    values["options"] = {**form.parts.options(form.dtype), **({"vae": form.vae} if form.vae else {})}
    return Recipe.from_value({**values, **form.parts.fields(form.layout)})


def begin_from(text: str, form: MergeForm) -> tuple[str, tuple[str, ...]]:
    """A shipped recipe's text with the form's models in place of A, B and C, and which of these are not chosen yet.

    C is the base where one is chosen, else the second model that is mixed in.
    """
    recipe = Recipe.from_value(text)
    mixed = [row.model for row in form.chosen]
    chosen = {"A": form.first, "B": "".join(mixed[:1]), "C": form.base or "".join(mixed[1:2])}
    models = tuple(chosen.get(name) or name for name in recipe.models)
    base = chosen.get(recipe.base or "") or recipe.base
    missing = tuple(name for name in recipe.inputs if not chosen.get(name, name))
    return replace(recipe, models=models, base=base).to_yaml(), missing


def from_recipe(recipe: Recipe) -> MergeForm:
    """The form's values for ``recipe``.

    Raises:
        RecipeError: the recipe says more than the form can show; its text is what counts then.
    """
    lines = (*recipe.weights, *(use.weights for use in recipe.options.loras))
    layouts = {weights.layout for weights in lines if weights.line is not None}
    form = MergeForm(
        first=recipe.models[0],
        method=recipe.method,
        base=recipe.base or "",
        dtype=recipe.dtype,
        vae=recipe.vae or "",
        layout=next(iter(layouts), None) or "",
        parameters=tuple(weights.number for _, weights in recipe.parameters),
        mixed=tuple(map(row_of, recipe.models[1:], recipe.weights)),
        parts=Parts.of(recipe),
    )
    if len(form.mixed) > ROWS or not _says_the_same(form, recipe):
        raise RecipeError("This recipe says more than the form can show; edit the text, it is what is carried out.")
    return form


def _says_the_same(form: MergeForm, recipe: Recipe) -> bool:
    try:
        return to_recipe(form).digest == recipe.digest
    except (RecipeError, UnknownName):
        return False


def letter_of(row: int) -> str:
    """What row ``row``, counted from 0, is called: B, C and so on.

    >>> letter_of(0)
    'B'
    """
    return LETTERS[row + 1].upper()
