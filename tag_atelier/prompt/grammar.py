"""Reads a prompt the way the WebUI 1.10.1 does and writes it back byte for byte.

A prompt is a row of pieces: segments, which hold comma-separated items, and the borders between them, which nothing
crosses. Called by arrange, lint, compose and tokens. Which bytes are an item is decided here and nowhere else.

>>> [item.core for item in parse("1girl, (smile, hat:1.2), rem \\\\(re:zero\\\\)").items]
['1girl', '(smile, hat:1.2)', 'rem \\\\(re:zero\\\\)']
>>> [border.text for border in parse("forest AND 1boy, beach :0.6").borders]
['AND', ' :0.6']
>>> [border.text for border in parse("lowres AND bad hands :0.5", negative=True).borders]
[]
>>> [(segment.locked, segment.render()) for segment in parse("1girl, (smile, hat").segments]
[('unbalanced', '1girl, (smile, hat')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from tag_atelier.prompt.schedule import is_clear

BorderKind = Literal["and", "break", "region", "newline", "comment", "weight"]
Balance = Literal["even", "open_end", "broken"]
Lock = Literal["", "unbalanced", "unclear_schedule", "break_inside", "bad_number", "trailing_weight", "placeholder"]

# One alternative per thing that means something outside plain text. ``#`` hides the rest of its line even behind a
# backslash, because the WebUI drops comments before it looks at anything else; ``\,`` is no escape there. The bound on
# a network's length keeps hostile text from taking quadratic time; a longer one is caught by arrange's proof. The first
# character comes from a set, so that the search leaps over plain text, and is then looked back at.
_SIGNIFICANT = re.compile(
    r"[()\[\]{},\n\\#<AB](?:"
    r"(?<=[()\[\]{},\n])"
    r"|(?<=\\)[()\[\]{}\\]"
    r"|(?<=\#)[^\n]*(?:\n|\Z)"
    r"|(?<=<)\w+:[^>\#]{1,2000}>"
    r"|(?<=\bA)(?:ND\b|DD(?:BASE|COL|ROW|COMM)\b|ND_\w+)"
    r"|(?<=\bB)REAK\b)"
)
_NUMBER = r"[-+]?(?:\d+\.?|\d*\.\d+)"
_WEIGHT_TAIL = re.compile(rf":\s*({_NUMBER})\Z")
_NO_NUMBER = re.compile(r":\s*[-+]?(?:\d*\.\d*\.[.\d]*|\.)\s*\)")
NETWORK = re.compile(r"<(\w+):([^>]+)>")
COMMENT = re.compile(r"\#[^\n]*(?:\n|\Z)")
_BRACKETS = frozenset("()[]{}")
_SIGNS = _BRACKETS | frozenset(",\n")
_CLOSES = {")": "(", "]": "[", "}": "{"}


class Item(NamedTuple):
    """What stands between two commas: white space before, the bytes themselves, white space behind."""

    lead: str
    core: str
    trail: str
    start: int
    """Offset of ``core`` in the whole prompt."""

    def render(self) -> str:
        """The item's bytes."""
        return self.lead + self.core + self.trail


@dataclass(frozen=True)
class Segment:
    """Items that may change places with each other, unless ``locked`` says why not."""

    items: tuple[Item, ...]
    start: int
    locked: Lock = ""
    free: int = 0
    """Of a locked segment: how many of its first items may change places with each other all the same."""
    pinned: frozenset[int] = frozenset()
    """Indices of items that a line end or a region word glues to their neighbour; they stay where they are."""
    ends_part: bool = False
    """True for the last segment of an AND part, where a final ``:number`` is the weight of the whole part."""

    def render(self) -> str:
        """The segment's bytes."""
        return ",".join([item.lead + item.core + item.trail for item in self.items])


@dataclass(frozen=True)
class Border:
    """Bytes that separate segments."""

    text: str
    kind: BorderKind
    start: int

    def render(self) -> str:
        """The border's bytes."""
        return self.text


Piece = Segment | Border


@dataclass(frozen=True)
class Prompt:
    """A whole prompt; ``render`` returns exactly the text it was parsed from."""

    pieces: tuple[Piece, ...]
    negative: bool = False

    def render(self) -> str:
        """The prompt's bytes."""
        return "".join(piece.render() for piece in self.pieces)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Segment))

    @property
    def borders(self) -> tuple[Border, ...]:
        """The borders in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Border))

    @property
    def items(self) -> tuple[Item, ...]:
        """All items that are not empty, in order."""
        return tuple(item for segment in self.segments for item in segment.items if item.core)


def parse(text: str, negative: bool = False) -> Prompt:
    """Cut ``text`` into segments and borders. Accepts every string; never raises."""
    pieces: list[Piece] = []
    for part in _Scanner(text, negative).parts():
        pieces.extend(_finish_part(part, negative))
    if not negative:
        pieces = _part_weights(pieces)
    return Prompt(tuple(_with_pins(pieces)), negative)


def without_networks(text: str) -> str:
    """``text`` as it is after the WebUI has cut its ``<word:…>`` out. Takes linear time."""
    end = text.rfind(">") + 1
    return NETWORK.sub("", text[:end]) + text[end:] if end else text


def trailing_weight(part: str) -> tuple[int, float] | None:
    """Where the weight of an AND part begins, white space included, and the weight; None where there is none.

    >>> trailing_weight("1boy, beach :0.6")
    (11, 0.6)
    >>> trailing_weight("hat, :3"), trailing_weight("(hat:1.2)")
    ((4, 3.0), None)
    """
    body = part.rstrip()
    colon = body.rfind(":")
    found = _WEIGHT_TAIL.match(body, colon) if colon >= 0 else None
    if found is None:
        return None
    return len(body[:colon].rstrip()), float(found.group(1))


class _Scanner:
    """Walks the text once and hands over the pieces of each AND part (the AND closes the part it ends)."""

    def __init__(self, text: str, negative: bool) -> None:
        self.text, self.negative = text, negative
        self.has_placeholder = "{prompt}" in text
        self.stack: list[str] = []
        self.cuts: list[int] = []
        self.pieces: list[Piece] = []
        self.segment_start = 0
        self.broken = self.stray = self.square = False
        self.lock: Lock = ""

    def parts(self) -> Iterator[tuple[list[Piece], Balance]]:
        """Pieces of each AND part and what became of its brackets."""
        for match in _SIGNIFICANT.finditer(self.text):
            found = match.group()
            first = found[0]
            if first in _SIGNS:
                self._sign(found, match.start())
            elif first == "<":
                # plain text in a negative prompt, where its brackets pair with those around
                self.broken = self.broken or (self.negative and not _BRACKETS.isdisjoint(found))
            elif first == "#":
                self._border(match, "comment")
            elif first != "\\":
                if found == "AND" and not self.negative:
                    self._border(match, "and")
                    yield self._close_part()
                else:
                    self._word(match, found)
        self._close_segment(len(self.text))
        yield self._close_part()

    def _sign(self, sign: str, at: int) -> None:
        if sign == ",":
            if not self.stack:
                self.cuts.append(at)
        elif sign in "([{":
            self.stack.append(sign)
            self.square = self.square or sign == "["
        elif sign in _CLOSES:
            if not self.stack:
                self.stray = True
                self.broken = self.broken or sign != ")"
            elif self.stack.pop() != _CLOSES[sign]:
                self.broken = True
        elif not self.stack:
            self._close_segment(at)
            self.pieces.append(Border("\n", "newline", at))
            self.segment_start = at + 1

    def _word(self, match: re.Match[str], word: str) -> None:
        if word == "AND":
            return
        if word != "BREAK":
            if not self.stack:
                self._border(match, "region")
        elif not self.stack:
            self._border(match, "break")
        elif set(self.stack) != {"("}:
            self.lock = "break_inside"

    def _border(self, match: re.Match[str], kind: BorderKind) -> None:
        self._close_segment(match.start())
        self.pieces.append(Border(match.group(), kind, match.start()))
        self.segment_start = match.end()
        if kind == "comment" and self.stack:
            self.broken = True

    def _close_segment(self, end: int) -> None:
        items: list[Item] = []
        start = self.segment_start
        for cut in [*self.cuts, end]:
            items.append(_item(self.text[start:cut], start))
            start = cut + 1
        lock: Lock = self.lock
        if self.has_placeholder and any("{prompt}" in item.core for item in items):
            lock = "placeholder"
        self.pieces.append(Segment(tuple(items), self.segment_start, lock))
        self.cuts, self.lock = [], ""

    def _close_part(self) -> tuple[list[Piece], Balance]:
        """Pieces so far and what became of their brackets.

        A ``)`` that closes nothing is a plain character, but beside ``[ ]`` the WebUI's schedule reader may pair it otherwise.
        An open bracket reaches over all that follows, which is the part's last item; what stands before is not touched,
        unless a ``]`` makes the schedule reader look at all of it.
        """
        part = self.pieces
        balance: Balance = "even"
        if self.broken or (self.stray and self.square):
            balance = "broken"
        elif self.stack:
            balance = "open_end"
        self.pieces, self.stack = [], []
        self.broken = self.stray = self.square = False
        return part, balance


def _item(raw: str, start: int) -> Item:
    core = raw.strip()
    if not core:
        return Item(raw, "", "", start + len(raw))
    lead = len(raw) - len(raw.lstrip())
    return Item(raw[:lead], core, raw[lead + len(core) :], start + lead)


def _finish_part(part: tuple[list[Piece], Balance], negative: bool) -> list[Piece]:
    """Lock a part that is out of balance or cannot be read in one way only, and mark where its text ends."""
    pieces, balance = part
    bare = "".join(piece.render() for piece in pieces if isinstance(piece, Segment) or piece.kind != "comment")
    bare = bare if negative else without_networks(bare)
    if balance == "open_end" and "]" in bare:
        balance = "broken"
    lock: Lock = "unbalanced" if balance == "broken" else _part_lock(pieces, bare, balance == "even")
    last = _last_segment(pieces)
    done: list[Piece] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, Segment):
            piece = replace(piece, locked=lock or piece.locked, ends_part=index == last and not negative)
            if balance == "open_end" and index == last and not piece.locked:
                piece = replace(piece, locked="unbalanced", free=len(piece.items) - 1)
        done.append(piece)
    return done


def _part_lock(pieces: list[Piece], bare: str, even: bool) -> Lock:
    """Why a part must stay as it is though no bracket closes another kind; empty where it may be sorted."""
    if any(isinstance(piece, Segment) and piece.locked == "break_inside" for piece in pieces):
        return "break_inside"
    if even and "[" in bare and not is_clear(bare):
        return "unclear_schedule"
    return "bad_number" if ":" in bare and _NO_NUMBER.search(bare) else ""


def _last_segment(pieces: list[Piece]) -> int:
    """Index of the segment in which the part's text ends: blank lines and comments behind it do not count."""
    for index in range(len(pieces) - 1, -1, -1):
        piece = pieces[index]
        if isinstance(piece, Segment):
            if len(piece.items) > 1 or piece.items[0].core:
                return index
        elif piece.kind not in ("newline", "comment", "and"):
            return index + 1
    return next(index for index, piece in enumerate(pieces) if isinstance(piece, Segment))


def _part_weights(pieces: list[Piece]) -> list[Piece]:
    """Turn the final ``:number`` of every AND part into a border, or lock its segment where there is no AND."""
    several = any(isinstance(piece, Border) and piece.kind == "and" for piece in pieces)
    done: list[Piece] = []
    for piece in pieces:
        if not isinstance(piece, Segment) or not piece.ends_part or piece.locked:
            done.append(piece)
            continue
        whole = piece.render()
        bare = without_networks(whole)
        if trailing_weight(bare) is None:
            done.append(piece)
        elif not several or bare != whole:
            done.append(replace(piece, locked="trailing_weight", free=_last_filled(piece)))
        else:
            done.extend(_cut_weight(piece))
    return done


def _last_filled(segment: Segment) -> int:
    return max(index for index, item in enumerate(segment.items) if item.core)


def _cut_weight(segment: Segment) -> tuple[Segment, Border]:
    item = segment.items[-1]
    found = trailing_weight(item.core)
    if found is None:
        raise AssertionError("a part's weight stands in its last item")
    core = item.core[: found[0]]
    tail = item.core[found[0] :] + item.trail
    left = _item(item.lead + core, item.start - len(item.lead))
    start = item.start + found[0]
    if not core:
        tail, left = item.lead + tail, Item("", "", "", item.start - len(item.lead))
        start = item.start - len(item.lead)
    return replace(segment, items=(*segment.items[:-1], left)), Border(tail, "weight", start)


def _with_pins(pieces: list[Piece]) -> list[Piece]:
    """Pin the items that no comma separates from a line end with text behind it, or from a region word."""
    done = list(pieces)
    for index, piece in enumerate(pieces):
        if isinstance(piece, Border) and piece.kind == "break":
            _pin_at_break(done, index)
        if not isinstance(piece, Border) or piece.kind not in ("newline", "comment", "region"):
            continue
        left = _touching(pieces, index, -1)
        right = _touching(pieces, index, +1)
        region = piece.kind == "region"
        if left is not None and (region or right is not None):
            _pin(done, left, last=True)
        if right is not None and (region or left is not None):
            _pin(done, right, last=False)
    return done


def _pin_at_break(pieces: list[Piece], index: int) -> None:
    """Pin what stands at a BREAK without white space: a schedule there can make one word of both."""
    left, right = pieces[index - 1], pieces[index + 1]
    if isinstance(left, Segment) and left.items[-1].core and not left.items[-1].trail:
        _pin(pieces, index - 1, last=True)
    if isinstance(right, Segment) and right.items[0].core and not right.items[0].lead:
        _pin(pieces, index + 1, last=False)


def _touching(pieces: list[Piece], index: int, step: int) -> int | None:
    """Index of the segment whose outermost item touches the border, looking through blank lines."""
    at = index + step
    while 0 <= at < len(pieces):
        piece = pieces[at]
        if isinstance(piece, Border):
            if piece.kind not in ("newline", "comment"):
                return None
        elif piece.items[-1 if step < 0 else 0].core:
            return at
        elif len(piece.items) > 1:
            return None
        at += step
    return None


def _pin(pieces: list[Piece], at: int, last: bool) -> None:
    segment = pieces[at]
    if isinstance(segment, Segment):
        index = len(segment.items) - 1 if last else 0
        pieces[at] = replace(segment, pinned=segment.pinned | {index})
