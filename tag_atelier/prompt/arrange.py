"""Sorts a prompt into a model family's slot order without changing what it means, or hands it back untouched.

Called by page, API, command line and the generation pipeline. Every result is proved by re-reading both texts with
``meaning``; what cannot be proved is not returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import Item, Piece, Segment, parse, trailing_weight, without_networks
from tag_atelier.prompt.groups import distributed
from tag_atelier.prompt.meaning import same_meaning
from tag_atelier.prompt.order import Entry, ordered, read_entry
from tag_atelier.prompt.profile import Profile

MAX_CHARACTERS = 65_536

REASONS = {
    "unbalanced": "Not sorted: a bracket is never closed or closes another kind, so what it may weigh was left.",
    "unclear_schedule": "Not sorted: these [ ] may be read as a schedule or as plain text, depending on what stands around.",
    "break_inside": "Not sorted: a BREAK stands inside [ ] or { }, where its place cannot be kept for certain.",
    "bad_number": "Not sorted: a weight such as ':1.2.1' is no number, and the WebUI stops with an error at it.",
    "trailing_weight": "Not sorted: the last tag, because ':number' at the end is to the WebUI the weight of the whole prompt.",
    "placeholder": "Not sorted: {prompt} marks a style text whose place is meant.",
    "too_long": "Not sorted: the prompt is longer than 65,536 characters.",
    "number_last": "Not sorted: every tag ends in ':number', and the last one would become the weight of the whole prompt.",
    "unproved": "Not sorted: the sorted prompt could not be proved to mean the same.",
}
"""Code → sentence for whatever was left as it stood."""


class Move(NamedTuple):
    """One item that changed its place among the prompt's items; places count from 0."""

    tag: str
    slot: str
    source: int
    target: int

    def as_dict(self) -> dict[str, object]:
        """``{"tag", "slot", "from", "to"}``."""
        return {"tag": self.tag, "slot": self.slot, "from": self.source, "to": self.target}


@dataclass(frozen=True)
class Arrangement:
    """What arranging came to."""

    text: str
    changed: bool
    reasons: tuple[str, ...] = ()
    """Codes of ``REASONS`` for segments that were left as they stood; empty when all were sorted."""
    moves: tuple[Move, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """``{"text", "changed", "reason", "reasons", "moves"}``; ``reason`` is the first sentence or empty."""
        return {
            "text": self.text,
            "changed": self.changed,
            "reason": REASONS[self.reasons[0]] if self.reasons else "",
            "reasons": list(self.reasons),
            "moves": [move.as_dict() for move in self.moves],
        }


def arrange(text: str, profile: Profile, catalogue: Catalogue, negative: bool = False, distribute: bool = False) -> Arrangement:
    """``text`` sorted by ``profile``; untouched, with the reason, where its meaning could change. Never raises.

    Arranging a result again changes nothing. Tags, weights, networks, separators and every byte of an item are kept.
    ``distribute`` takes groups such as ``(smile, hat:1.2)`` apart where their tags belong in different slots.
    """
    if len(text) > MAX_CHARACTERS:
        return Arrangement(text, False, ("too_long",))
    prompt = parse(text, negative)
    if distribute:
        apart = distributed(prompt, lambda member: _slot_of(member, profile, catalogue))
        if apart != text and same_meaning(text, apart, negative):
            prompt = parse(apart, negative)
    reasons: list[str] = []
    entries_before: list[Entry] = []
    entries_after: list[Entry] = []
    pieces: list[Piece] = []
    for piece in prompt.pieces:
        if not isinstance(piece, Segment):
            pieces.append(piece)
            continue
        before = [read_entry(item, profile, catalogue) for item in piece.items if item.core]
        after, reason = _sorted_segment(piece, before, profile)
        if reason and reason not in reasons:
            reasons.append(reason)
        entries_before += before
        entries_after += after
        pieces.append(_refill(piece, after))
    arranged = "".join(piece.render() for piece in pieces)
    if arranged == text:
        return Arrangement(text, False, tuple(reasons))
    if not same_meaning(text, arranged, negative):
        return Arrangement(text, False, (*reasons, "unproved"))
    return Arrangement(arranged, True, tuple(reasons), _moves(entries_before, entries_after))


def _slot_of(core: str, profile: Profile, catalogue: Catalogue) -> str:
    return read_entry(Item("", core, "", 0), profile, catalogue).slot


def _sorted_segment(segment: Segment, entries: list[Entry], profile: Profile) -> tuple[list[Entry], str]:
    """All entries of the segment in their new order, and why they stayed where they were (empty: they did not)."""
    if segment.locked:
        free = sum(bool(item.core) for item in segment.items[: segment.free])
        if free > 1:
            part = replace(segment, items=segment.items[: segment.free], locked="", ends_part=False)
            entries = [*_sorted_segment(part, entries[:free], profile)[0], *entries[free:]]
        return entries, segment.locked
    if len(entries) < 2:
        return entries, ""
    fixed = _fixed(segment, entries)
    movable = [entry for index, entry in enumerate(entries) if index not in fixed]
    current = movable
    for _ in range(4):
        following: list[Entry] | None = ordered(current, profile)
        if segment.ends_part and following is not None:
            following = _keep_number_off_the_end(segment, entries, fixed, following)
        if following is None:
            return entries, "number_last"
        if [*map(id, current)] == [*map(id, following)]:
            return _merge(entries, fixed, current), ""
        current = following
    return entries, "unproved"


def _fixed(segment: Segment, entries: Sequence[Entry]) -> frozenset[int]:
    """Indices among ``entries`` that stay: items glued to a border, networks, and what ends in a backslash.

    A network beside text moves with it where it is the segment's only one. A backslash at the very end of a prompt makes
    the WebUI read no schedule at all, so none may come or go there.
    """
    filled = [index for index, item in enumerate(segment.items) if item.core]
    pinned = {place for place, index in enumerate(filled) if index in segment.pinned}
    stuck = {place for place, entry in enumerate(entries) if not entry.tags or entry.item.core.endswith("\\")}
    networks = {place for place, entry in enumerate(entries) if ">" in entry.item.core and _holds_network(entry.item.core)}
    return frozenset(pinned | stuck | (networks if len(networks) > 1 else set()))


def _holds_network(core: str) -> bool:
    return without_networks(core) != core


def _merge(entries: Sequence[Entry], fixed: frozenset[int], movable: Sequence[Entry]) -> list[Entry]:
    rest = iter(movable)
    return [entry if index in fixed else next(rest) for index, entry in enumerate(entries)]


def _keep_number_off_the_end(
    segment: Segment, entries: Sequence[Entry], fixed: frozenset[int], movable: list[Entry]
) -> list[Entry] | None:
    """``movable`` with the last harmless entry moved to the end where the part would otherwise end in ':number'."""
    if not _ends_in_number(segment, _merge(entries, fixed, movable)):
        return movable
    for index in range(len(movable) - 1, -1, -1):
        if trailing_weight(without_networks(movable[index].item.core)) is None:
            tried = [*movable[:index], *movable[index + 1 :], movable[index]]
            return None if _ends_in_number(segment, _merge(entries, fixed, tried)) else tried
    return None


def _ends_in_number(segment: Segment, entries: Sequence[Entry]) -> bool:
    if ":" not in entries[-1].item.core:
        return False
    return trailing_weight(without_networks(_refill(segment, entries).render())) is not None


def _refill(segment: Segment, entries: Sequence[Entry]) -> Segment:
    """The segment with its filled places taken by ``entries``; commas, white space and empty items stay."""
    rest = iter(entries)
    items: list[Item] = []
    for item in segment.items:
        if item.core:
            moved = next(rest).item
            items.append(Item(item.lead, moved.core, item.trail, moved.start))
        else:
            items.append(item)
    return replace(segment, items=tuple(items))


def _moves(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Move, ...]:
    source = {id(entry): index for index, entry in enumerate(before)}
    places = ((entry, source[id(entry)], index) for index, entry in enumerate(after))
    return tuple([Move(entry.item.core, entry.slot, came, went) for entry, came, went in places if came != went])
