"""What a plan says before the start: sentences about differences between the models, and warnings. Called by plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tag_atelier.merge.inputs import Inputs, Source
from tag_atelier.merge.recipe import Recipe

DROPPED = "model_ema."
"""Running averages that only training needs."""

MARKS = ("v_pred", "ztsnr")
"""Empty tensors that say what a model predicts."""


def notes(
    recipe: Recipe, inputs: Inputs, missing: Mapping[str, Sequence[str]], extra: Mapping[str, int], pruned: int
) -> Iterator[str]:
    """Sentences on what differs, is left out or was put right. ``missing`` and ``extra`` are ``MergePlan``'s."""
    yield from inputs.notes
    first = inputs.sources[0]
    averages = sum(key.startswith(DROPPED) for key in first.header.tensors)
    if averages:
        yield f"{averages} EMA tensors of '{first.name}' are left out; they are only used in training."
    if pruned:
        yield f"{pruned} tensors of '{first.name}' that no block holds are left out."
    for source in inputs.sources[1:]:
        if source.letter in missing:
            keys = missing[source.letter]
            yield f"'{source.name}' lacks {len(keys)} tensors such as '{keys[0]}'; A's are kept."
        if extra.get(source.letter):
            yield f"{extra[source.letter]} tensors of '{source.name}' that A does not have are left out."
    if any(weights.line is not None for weights in recipe.weights):
        layouts = sorted({weights.layout or "" for weights in recipe.weights if weights.line is not None})
        yield f"The line of numbers is read as {', '.join(layouts)} means it."
    if recipe.vae is None and any(weights.resolve(inputs.architecture)["VAE"] for weights in recipe.weights):
        yield "The VAE is merged too; 'options: {vae: a}' keeps A's."


def warnings(mixed: Sequence[Source], changes: bool) -> Iterator[str]:
    """Sentences on results that are likely not what is wanted. ``mixed``: models and base; ``changes``: something changes."""
    marks = [{mark for mark in MARKS if mark in source.header.tensors} for source in mixed]
    for source, found in zip(mixed[1:], marks[1:], strict=True):
        if found != marks[0]:
            yield (
                f"'{mixed[0].name}' is marked {_spoken(marks[0])} and '{source.name}' {_spoken(found)}; "
                "mixing v-prediction with other models gives noise. The result keeps A's marks."
            )
    if marks[0]:
        yield f"The result is marked {_spoken(marks[0])}; WebUI 1.10 also needs A's .yaml beside it to know."
    if not changes and len(mixed) > 1:
        yield "No tensor changes: every weight is 0, so the result is A itself."


def _spoken(marks: set[str]) -> str:
    return " and ".join(sorted(marks)) or "for noise prediction"
