"""What a plan says before the start: sentences about differences between the models, and warnings. Called by plan.

The sentences are said by ``say``, so that the page can say them in another language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tag_atelier.language import Said, say

if TYPE_CHECKING:
    from tag_atelier.merge.inputs import Inputs, Source
    from tag_atelier.merge.recipe import Recipe

DROPPED = "model_ema."
"""Running averages that only training needs."""

MARKS = ("v_pred", "ztsnr")
"""Empty tensors that say what a model predicts."""

_EXAMPLES = 20

NOT_FINITE = "'{name}' has NaN or infinite values there"
CUT = "values too large for {dtype} were cut to its largest"
TOO_LARGE = "mixed values are too large for {dtype}"
WHY_REPLACED = (NOT_FINITE, CUT, TOO_LARGE)
"""Why A's tensor was taken instead of the mixed one; ``evaluate`` finds out."""


def notes(
    recipe: Recipe, inputs: Inputs, missing: Mapping[str, Sequence[str]], extra: Mapping[str, int], pruned: int
) -> Iterator[str]:
    """Sentences on what differs, is left out or was put right. ``missing`` and ``extra`` are ``MergePlan``'s."""
    yield from inputs.notes
    first = inputs.sources[0]
    averages = sum(key.startswith(DROPPED) for key in first.header.tensors)
    if averages:
        template = "{count} EMA tensors of '{name}' are left out; they are only used in training."
        yield say(template, count=averages, name=first.name)
    if pruned:
        yield say("{count} tensors of '{name}' that no block holds are left out.", count=pruned, name=first.name)
    for source in inputs.sources[1:]:
        if source.letter in missing:
            keys = missing[source.letter]
            template = "'{name}' lacks {count} tensors such as '{key}'; A's are kept."
            yield say(template, name=source.name, count=len(keys), key=keys[0])
        if extra.get(source.letter):
            template = "{count} tensors of '{name}' that A does not have are left out."
            yield say(template, count=extra[source.letter], name=source.name)
    if any(weights.line is not None for weights in recipe.weights):
        layouts = sorted({weights.layout or "" for weights in recipe.weights if weights.line is not None})
        yield say("The line of numbers is read as {tool} means it.", tool=", ".join(layouts))
    if recipe.vae is None and any(weights.resolve(inputs.architecture)["VAE"] for weights in recipe.weights):
        yield say("The VAE is merged too; the option 'vae: a' keeps A's.")


def warnings(mixed: Sequence[Source], changes: bool) -> Iterator[str]:
    """Sentences on results that are likely not what is wanted. ``mixed``: models and base; ``changes``: something changes."""
    marks = [{mark for mark in MARKS if mark in source.header.tensors} for source in mixed]
    for source, found in zip(mixed[1:], marks[1:], strict=True):
        if found != marks[0]:
            yield say(
                "'{first}' is marked {marks} and '{other}' {others}; mixing v-prediction with other models gives noise. "
                "The result keeps A's marks.",
                first=mixed[0].name,
                marks=_spoken(marks[0]),
                other=source.name,
                others=_spoken(found),
            )
    if marks[0]:
        template = "The result is marked {marks}; WebUI 1.10 also needs A's .yaml beside it to know."
        yield say(template, marks=_spoken(marks[0]))
    if not changes and len(mixed) > 1:
        yield say("No tensor changes: every weight is 0, so the result is A itself.")


def by_reason(replaced: Mapping[str, str]) -> list[dict[str, object]]:
    """What was taken from A instead of being mixed (key → why) as plain values: a reason, how many tensors, some of them."""
    keys: dict[str, list[str]] = {}
    for key, why in replaced.items():
        keys.setdefault(why, []).append(key)
    return [
        {
            "why": str(why),
            "count": len(found),
            "keys": found[:_EXAMPLES],
            **({"template": why.template, "values": why.values} if isinstance(why, Said) else {}),
        }
        for why, found in keys.items()
    ]


def _spoken(marks: set[str]) -> str:
    """The marks, or what a model without any predicts."""
    return " + ".join(sorted(marks)) or "eps"
