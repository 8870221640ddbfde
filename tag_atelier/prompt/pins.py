"""Arranges a prompt and keeps the user's pinned tags in front of their line. Called by ``jobs.prompt_page``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tag_atelier.errors import PromptError
from tag_atelier.prompt import edits
from tag_atelier.prompt.arrange import Arrangement, arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.lanes import Chip, read_chips
from tag_atelier.prompt.meaning import same_meaning
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import canonical

_ROUNDS = 4
"""A pinned tag may have led unknown ones, which find another lead without it; more rounds are never needed."""


def arrange_pinned(
    text: str, profile: Profile, catalogue: Catalogue, pins: Sequence[str], negative: bool = False, distribute: bool = False
) -> Arrangement:
    """``arrange`` with the tags of ``pins`` (canonical names) in front of their line, in that order; idempotent too.

    ``moves`` are those of the sorting alone.
    """
    result = arrange(text, profile, catalogue, negative, distribute)
    if not pins:
        return result
    best = before = result.text
    for _ in range(_ROUNDS):
        best = _in_front(before, profile, catalogue, pins, negative)
        again = arrange(best, profile, catalogue, negative).text
        if _in_front(again, profile, catalogue, pins, negative) == best:
            break
        before = again
    return replace(result, text=best, changed=best != text)


def _in_front(text: str, profile: Profile, catalogue: Catalogue, pins: Sequence[str], negative: bool) -> str:
    for pin in reversed(pins):
        chips = read_chips(text, profile, catalogue, negative)
        for chip in [chip for chip in chips if not chip.reason and chip.tags and canonical(chip.tags[0]) == pin]:
            text = _moved(text, chips, chip, negative)
            chips = read_chips(text, profile, catalogue, negative)
    return text


def _moved(text: str, chips: Sequence[Chip], chip: Chip, negative: bool) -> str:
    """``text`` with the chip first in its line; as it was where that is locked or would mean something else."""
    first = next(other.index for other in chips if other.segment == chip.segment and other.slot)
    try:
        moved = edits.move(text, chips, chip, first, negative).text
    except PromptError:
        return text
    return moved if same_meaning(text, moved, negative) else text
