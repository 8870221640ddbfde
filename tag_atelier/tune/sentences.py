"""What a study says in whole sentences, as English templates that page and report translate. Loads without numpy."""

from __future__ import annotations

from collections.abc import Mapping

from tag_atelier.tune.status import Score

BEATS = "The answer beats the best parent '{parent}' on tags that it was not chosen by: lift {value} ({low} to {high})."
FEW_TAGS = (
    "The answer beats the best parent '{parent}' on other prompts of these validation tags, but there are too few "
    "tags to say so of others: lift {value} ({low} to {high})."
)
NOTHING_BEATS = "Nothing was found that beats the best parent '{parent}' beyond chance: lift {value} ({low} to {high})."
MEAN_OF_BEST = "Mean of the best third of the candidates"
HALFWAY = "Halfway between the distribution's mean and the mean of the best third of the candidates"
ENDED_EARLY = "The search was ended early; its answer averages what was tried until then."
EXPLAINS_LITTLE = "The weights explain little of the scores' differences, so the groups' importance says little."

SENTENCES = (BEATS, FEW_TAGS, NOTHING_BEATS, MEAN_OF_BEST, HALFWAY, ENDED_EARLY, EXPLAINS_LITTLE)


def outcome(parent: str, difference: Score, by_prompt: Score) -> tuple[str, Mapping[str, str]]:
    """The sentence of a study's outcome, as careful as the intervals want it, and what it is filled with.

    Args:
        difference: answer less best parent on validation, tags resampled.
        by_prompt: the same, prompts resampled.

    >>> template, values = outcome("a", Score(0.1, 0.05, 0.15), Score(0.1, 0.08, 0.12))
    >>> template.format(**values)
    "The answer beats the best parent 'a' on tags that it was not chosen by: lift +0.100 (+0.050 to +0.150)."
    """
    shown = zip(("value", "low", "high"), (difference.value, difference.low, difference.high), strict=True)
    values = {"parent": parent, **{name: f"{number:+.3f}" for name, number in shown}}
    if difference.low > 0:
        return BEATS, values
    if difference.value > 0 and by_prompt.low > 0:
        return FEW_TAGS, values
    return NOTHING_BEATS, values
