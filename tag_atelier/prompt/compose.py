"""Adds a family's quality words and negative prompt where that family wants them. Called by page, API and pipeline."""

from __future__ import annotations

from tag_atelier.prompt.grammar import Prompt, Segment, parse
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slots import canonical

DEFAULT = "default"
"""As level or preset: the profile's first one."""


def compose(
    positive: str, negative: str, profile: Profile, quality: str | None = None, negative_preset: str | None = None
) -> tuple[str, str]:
    """Positive and negative prompt with the words of a level and of a preset; words already there are not repeated.

    ``quality`` and ``negative_preset``: a name the profile has, ``"default"`` for its first one, or None (or empty)
    to add nothing. What was written stays byte for byte, but for a comma at its end. The words stand in front or at the
    end of the first AND part; in front also where words at the end would be weighed or cut off.

    Raises:
        UnknownName: the profile has no such level or preset.
    """
    if quality:
        words = profile.quality_words("" if quality == DEFAULT else quality)
        positive = _add(positive, words, at_end=profile.quality_place == "end", negative=False)
    if negative_preset:
        words = profile.negative_words("" if negative_preset == DEFAULT else negative_preset)
        negative = _add(negative, words, at_end=False, negative=True)
    return positive, negative


def _add(text: str, words: str, at_end: bool, negative: bool) -> str:
    prompt = parse(text, negative)
    present = {canonical(tag) for item in prompt.items for tag in tags_of(item.core)}
    wanted = []
    for item in parse(words, negative=True).items:
        missing = [tag for tag in tags_of(item.core) if canonical(tag) not in present]
        if missing:
            wanted.append(item.core)
    addition = ", ".join(wanted)
    if not addition:
        return text
    if not text.strip():
        return addition
    place = _end_of_first_part(prompt) if at_end else None
    if place is None:
        return f"{addition}, {text.lstrip()}"
    before, after = text[:place].rstrip(" ").rstrip(","), text[place:]
    gap = " " if after and not after[0].isspace() else ""
    return f"{before}, {addition}{gap}{after}"


def _end_of_first_part(prompt: Prompt) -> int | None:
    """Offset behind the last item of the first AND part; None where words there would take part in something else."""
    first: list[Segment] = []
    for piece in prompt.pieces:
        if isinstance(piece, Segment):
            first.append(piece)
        elif piece.kind == "weight":
            return None
        elif piece.kind == "and":
            break
    if any(segment.locked for segment in first):
        return None
    filled = [segment for segment in first if any(item.core for item in segment.items)]
    if not filled:
        return None
    segment = filled[-1]
    return segment.start + len(segment.render().rstrip())
