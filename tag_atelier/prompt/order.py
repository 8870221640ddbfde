"""Puts the items of one segment into a profile's order. Called by arrange only.

A known item leads the unknown ones behind it; where several people are drawn, what describes one of them stays
with that one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import Item
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.search import by_chinese_name
from tag_atelier.prompt.slots import UNKNOWN, canonical

SURE_ENOUGH = 0.5
"""A guess below this moves nothing: the item counts as unknown."""

_SCENE = frozenset(
    ["trigger", "subject", "composition", "style", "theme", "main_env", "background", "secondary_env", "aesthetics", "quality"]
)
"""Slots that describe the picture, not a person in it."""
_SEVERAL = re.compile(r"(?:[2-9]|\d\d+|6\+)(?:girls|boys|others)|multiple_(?:girls|boys|others)")
_ONE = re.compile(r"1(?:girl|boy|other)")
_COLOUR = "(?:aqua|black|blonde|blue|brown|green|gr[ea]y|orange|pink|purple|red|silver|white|yellow)"
_HAIR = re.compile(rf"(?:light_|dark_)?{_COLOUR}_hair")
_EYES = re.compile(rf"(?:light_|dark_)?{_COLOUR}_eyes")

Key = tuple[float, ...]


class Entry(NamedTuple):
    """One movable item and what is known about it."""

    item: Item
    tags: tuple[str, ...]
    slot: str
    rank: float | None
    """Place of the slot in the profile's order, with the place in the slot behind the point; None: nothing is known."""
    series: bool = False


def read_entry(item: Item, profile: Profile, catalogue: Catalogue) -> Entry:
    """``item`` with its slot: of several slots in one group, the one that comes first in the profile's order."""
    tags = tags_of(item.core)
    slot, rank, series = UNKNOWN, None, False
    for tag in tags:
        found = _slot(tag, profile, catalogue)
        if found == UNKNOWN:
            continue
        place = float(profile.rank[found])
        if found in profile.sub_slots:
            place += profile.sub_rank(found, tag) / 100
        if rank is None or place < rank:
            slot, rank = found, place
            series = slot == "character" and catalogue.is_series(tag)
    return Entry(item, tags, slot, rank, series)


def _slot(tag: str, profile: Profile, catalogue: Catalogue) -> str:
    """The tag's slot, or unknown; the user's own triggers come before what the catalogue knows."""
    if profile.triggers and canonical(tag) in profile.triggers:
        return "trigger"
    if not tag.isascii() and catalogue.get(tag) is None:
        entry = by_chinese_name(catalogue, tag)
        if entry is not None or any(sign.isalpha() and not sign.isascii() for sign in tag):
            return entry.slot if entry else UNKNOWN
    guess = catalogue.slot(tag)
    if tag.endswith(" theme") and catalogue.get(tag) is None:
        return "theme"
    return guess.slot if guess.confidence >= SURE_ENOUGH else UNKNOWN


def ordered(entries: Sequence[Entry], profile: Profile) -> list[Entry]:
    """``entries`` in the profile's order; stable, and the same again when ordered again."""
    clusters = _clusters(entries)
    heads = [cluster[0] for cluster in clusters]
    keys = _people_keys(heads, profile)
    placed = sorted(range(len(clusters)), key=keys.__getitem__)
    return [entry for index in placed for entry in clusters[index]]


def _clusters(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Every known entry with the unknown ones behind it; unknown ones in front are a cluster of their own."""
    clusters: list[list[Entry]] = []
    for entry in entries:
        if clusters and entry.rank is None:
            clusters[-1].append(entry)
        else:
            clusters.append([entry])
    return clusters


def _people_keys(heads: Sequence[Entry], profile: Profile) -> list[Key]:
    """One sort key per cluster."""
    ranks = _ranks(heads, profile)
    character = profile.rank["character"]
    starts = [index for index, head in enumerate(heads) if head.slot == "character" and not head.series]
    names = {canonical(heads[index].tags[0]) for index in starts}
    if len(names) > 1:
        return _block_keys(heads, ranks, starts, character)
    if _descriptions_mix(heads):
        return [
            (rank,) if head.rank is None or head.slot in _SCENE else (character + 0.5,)
            for head, rank in zip(heads, ranks, strict=True)
        ]
    return [(rank, float(head.series)) for head, rank in zip(heads, ranks, strict=True)]


def _ranks(heads: Sequence[Entry], profile: Profile) -> list[float]:
    """Rank of each cluster; unknown ones in front stay in front, a style merge goes where the profile wants it."""
    merge = sum(head.slot == "trigger" for head in heads) > 1
    behind_all = float(len(profile.order))
    ranks = []
    for head in heads:
        if head.rank is None:
            ranks.append(-1.0)
        elif merge and head.slot == "trigger" and profile.several_triggers == "end":
            ranks.append(behind_all)
        else:
            ranks.append(float(head.rank))
    return ranks


def _block_keys(heads: Sequence[Entry], ranks: Sequence[float], starts: Sequence[int], character: int) -> list[Key]:
    """Scene first or last by rank; between them one block per character, led by its name."""
    keys: list[Key] = []
    block = 0
    for index, (head, rank) in enumerate(zip(heads, ranks, strict=True)):
        if index in starts:
            block += 1
            keys.append((1.0, float(block), -2.0))
        elif head.rank is not None and head.slot in _SCENE:
            keys.append((0.0 if rank < character else 2.0, 0.0, rank))
        elif block == 0:
            keys.append((0.0, 0.0, rank))
        else:
            keys.append((1.0, float(block), -1.0 if head.series else rank))
    return keys


def _descriptions_mix(heads: Sequence[Entry]) -> bool:
    """True when two people are drawn (and nobody is ``solo``) and there are two colours of hair or of eyes."""
    subjects = [canonical(tag) for head in heads if head.slot == "subject" for tag in head.tags]
    people = any(_SEVERAL.fullmatch(name) for name in subjects) or len({n for n in subjects if _ONE.fullmatch(n)}) > 1
    if not people or "solo" in subjects:
        return False
    names = [canonical(tag) for head in heads for tag in head.tags if tag[-4:].lower() in ("hair", "eyes")]
    hair = {name for name in names if _HAIR.fullmatch(name)}
    eyes = {name for name in names if _EYES.fullmatch(name)}
    return len(hair) > 1 or len(eyes) > 1
