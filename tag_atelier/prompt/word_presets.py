"""Swaps one of a profile's quality levels or negative presets for another. Called by ``jobs.prompt_edits``."""

from __future__ import annotations

from collections.abc import Mapping

from tag_atelier.errors import PromptError
from tag_atelier.prompt import edits
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.compose import compose
from tag_atelier.prompt.grammar import parse
from tag_atelier.prompt.lanes import read_chips
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slots import canonical


def swap_quality(text: str, profile: Profile, level: str, catalogue: Catalogue) -> str:
    """``text`` with the words of ``level`` in the place of those of another level; empty: only takes those away.

    Raises:
        UnknownName: the profile has no such level.
    """
    wanted = profile.quality_words(level) if level else ""
    text = _without_others(text, profile, profile.quality, wanted, catalogue, False)
    return compose(text, "", profile, quality=level or None)[0]


def swap_negative(text: str, profile: Profile, preset: str, catalogue: Catalogue) -> str:
    """A negative prompt with the words of ``preset`` in the place of those of another; empty: only takes those away.

    Raises:
        UnknownName: the profile has no such preset.
    """
    wanted = profile.negative_words(preset) if preset else ""
    text = _without_others(text, profile, profile.negative, wanted, catalogue, True)
    return compose("", text, profile, negative_preset=preset or None)[1]


def _without_others(
    text: str, profile: Profile, presets: Mapping[str, str], wanted: str, catalogue: Catalogue, negative: bool
) -> str:
    """``text`` without the words of every preset that stands in it whole, and without those that ``wanted`` weighs otherwise.

    Where all of ``wanted`` is there already it stays.
    """
    keep = _words(wanted)
    items = parse(text, negative).items
    present = {canonical(tag) for item in items for tag in tags_of(item.core)}
    whole = [words for words in map(_words, presets.values()) if words and set(words) <= present]
    going = {name for words in whole for name in words} | set(keep)
    if keep and set(keep.values()) <= {item.core for item in items}:
        going -= set(keep)
    for chip in reversed(read_chips(text, profile, catalogue, negative)):
        name = canonical(chip.tags[0]) if len(chip.tags) == 1 else ""
        if name in going and not chip.reason and (name not in keep or whole or keep[name] != chip.text):
            try:
                text = edits.remove(text, chip, negative).text
            except PromptError:
                continue
    return text


def _words(text: str) -> dict[str, str]:
    """Canonical name → how the preset writes it, of every tag that is an item of its own."""
    items = [(tags_of(item.core), item.core) for item in parse(text, negative=True).items]
    return {canonical(tags[0]): core for tags, core in items if len(tags) == 1}
