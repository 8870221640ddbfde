"""Writes artists into a prompt in a family's own form and place, and reads them back. Called by ``jobs.prompt_desk``.

AIDXL wants ``by`` in front of a name; one artist stands where the profile's order has triggers, several are a style
merge and stand where the profile says, in the user's own order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tag_atelier.errors import PromptError
from tag_atelier.prompt import edits
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import Item
from tag_atelier.prompt.lanes import Chip, read_chips, unwrap
from tag_atelier.prompt.order import read_entry
from tag_atelier.prompt.profile import Profile

MOST_ARTISTS = 20

_BY = "by "
_WITH_BY = ("aidxl",)
"""Beginnings of the ids of profiles whose triggers begin with ``by``."""


class Artist(NamedTuple):
    """One artist of a mix."""

    name: str
    """As people say it, without ``by`` and without escapes needed."""
    weight: float = 1.0


def says_by(profile: Profile) -> bool:
    """True for families that want ``by`` in front of an artist; a user's own profile says so by its triggers."""
    own = sum(trigger.startswith("by_") for trigger in profile.triggers) * 2 > len(profile.triggers)
    return profile.id.startswith(_WITH_BY) or own


def written(artist: Artist, profile: Profile, catalogue: Catalogue) -> str:
    """The artist as this family reads it: ``(by x:0.9)``, ``by x``, ``(x:0.9)`` or ``x``.

    Raises:
        PromptError: the name is empty or more than one tag, or the weight is out of range.
    """
    name = f"{artist.name.strip()} ".removeprefix(_BY).strip()
    core = edits.escaped(name, catalogue) if name else ""
    if not core or "," in core or "\n" in core:
        raise PromptError("'{name}' is no artist's name; expected one name without commas.", name=artist.name)
    if not 0 < artist.weight <= edits.MAX_WEIGHT:
        sentence = "The weight of '{name}' is {weight}; expected a number above 0, at most {most}."
        raise PromptError(sentence, name=name, weight=f"{artist.weight:g}", most=f"{edits.MAX_WEIGHT:g}")
    return edits.weighed(f"{_BY}{core}" if says_by(profile) else core, artist.weight)


def find_artists(text: str, profile: Profile, catalogue: Catalogue) -> list[tuple[Chip, Artist]]:
    """The artists of a prompt in its order, each with its chip; a group's members share a chip and its weight."""
    found: list[tuple[Chip, Artist]] = []
    for chip in read_chips(text, profile, catalogue):
        if chip.slot != "trigger":
            continue
        whole = unwrap(chip.text)[0] if chip.kind != "schedule" else chip.text
        weight = chip.weight if chip.kind != "schedule" and whole.count("(") == whole.count("\\(") else 1.0
        for tag in chip.tags:
            if read_entry(Item("", tag, "", 0), profile, catalogue).slot == "trigger":
                name = tag.removeprefix(_BY).replace("\\(", "(").replace("\\)", ")")
                found.append((chip, Artist(name, weight)))
    return found


def mix(text: str, artists: Sequence[Artist], profile: Profile, catalogue: Catalogue) -> str:
    """``text`` with exactly these artists, in this order, where the family wants them; all else stays byte for byte.

    Raises:
        PromptError: a name or weight is no artist's, there are more than ``MOST_ARTISTS``, or a place is locked.
    """
    if len(artists) > MOST_ARTISTS:
        raise PromptError("There are {count} artists; expected at most {most}.", count=len(artists), most=MOST_ARTISTS)
    cores = [written(artist, profile, catalogue) for artist in artists]
    old = {chip.index: chip for chip, _ in find_artists(text, profile, catalogue)}
    for index in sorted(old, reverse=True):
        text = edits.remove(text, old[index]).text
    if not cores:
        return text
    joined = ", ".join(cores)
    chips = read_chips(text, profile, catalogue)
    if not any(chip.slot for chip in chips):
        return f"{joined}{', ' if text.strip() else ''}{text.lstrip()}"
    place = edits.place_for(chips, cores[0], profile, catalogue, "trigger")
    if len(cores) > 1:
        part = [chip for chip in edits.first_part(chips) if chip.slot]
        free = [chip for chip in part if not chip.reason]
        behind = profile.several_triggers == "end" and bool(free)
        place = free[-1].index + 1 if behind else (free or part)[0].index
    left, right = (chips[place - 1] if place else None), (chips[place] if place < len(chips) else None)
    return edits.insert(text, joined, left, right).text
