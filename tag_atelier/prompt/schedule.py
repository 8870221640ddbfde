"""Tells whether the WebUI can read the square brackets of a prompt in one way only. Called by ``grammar`` and lint.

The WebUI's schedule grammar is ambiguous: stray colons and brackets may be read as plain characters, and beside or around
a schedule the reading even differs from one start of the program to the next. Where that is possible nothing may be moved.

>>> is_clear("[a:b:0.5], [[red:blue:4]:green:0.5] dress, [x|y|], [soft], :d")
True
>>> is_clear("[re:zero:b:0.5], [a:b]"), is_clear("[re:zero:b:0.5], [a:b:3]"), is_clear("|_|, [a:b:0.5]:1.2")
(True, True, True)
>>> is_clear("[a:b:0.5]:1.2"), is_clear("[re:[a:b:3]]"), is_clear("[a:b:3][c:d]")
(False, False, False)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

# Begins with a set of characters, so that the search leaps over plain text; what was found is then looked back at.
_SIGN = re.compile(r"[\\()\[\]:|](?:(?<!\\)|(?<=\\).?)", re.S)
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*\Z")


class Brackets(NamedTuple):
    """How the WebUI reads the square brackets of a part."""

    clear: bool
    """They can be read in one way only."""
    loose: tuple[tuple[int, int], ...] = ()
    """Start and end of every outermost ``[…]`` with a colon that is no schedule but plain text."""
    given_up: bool = False
    """A ``|`` outside ``[ ]`` or a backslash at the end makes the WebUI read no schedule at all."""


@dataclass
class _Bracket:
    """A bracket that is still open, or the part itself."""

    kind: str
    start: int = 0
    beside: bool = False
    """Opened directly behind a schedule or alternation."""
    signs: set[str] = field(default_factory=set)
    fields: int = 1
    last: str = ""
    """Text of the last field."""
    regular: bool = True
    """All brackets inside are read as brackets."""
    active: bool = False
    """A schedule or alternation is inside."""


def is_clear(part: str) -> bool:
    """True when every ``[ ]`` of ``part`` is plainly a schedule, an alternation, a de-emphasis or plain text.

    ``part`` is one side of an AND with balanced brackets, without comments and networks. Where the WebUI finds no schedule at
    all, or gives up reading them, the text stays as it is, which is clear too.
    """
    return read_brackets(part).clear


@lru_cache(maxsize=4)
def read_brackets(part: str) -> Brackets:
    """The same with the places of what looks like a schedule and is none; linear in the length of ``part``."""
    levels = [_Bracket("")]
    loose: list[tuple[int, int]] = []
    unclear = beside = False
    read = 0
    for found in _SIGN.finditer(part):
        token, at, here = found.group(), found.start(), levels[-1]
        was_beside, beside = beside and at == read, False
        if at > read and len(levels) > 1:
            here.last += part[read:at]
        read = found.end()
        if token in ("[", "("):
            levels.append(_Bracket(token, at, was_beside))
        elif token in ("]", ")") and len(levels) > 1:
            verdict = _close(levels)
            if verdict == "given_up":
                return Brackets(True, given_up=True)
            unclear = unclear or verdict == "unclear"
            beside = verdict == "schedule" and len(levels) == 1
            if here.kind == "[" and not here.regular:
                while loose and loose[-1][0] > here.start:
                    loose.pop()
                loose.append((here.start, read))
        elif token in ("\\", "\\\n") or (token == "|" and here.kind != "["):
            return Brackets(True, given_up=True)
        elif token in (":", "|"):
            unclear = unclear or (token == ":" and was_beside)
            here.signs.add(token)
            here.fields, here.last = here.fields + 1, ""
        elif len(levels) > 1:
            here.last += token
    return Brackets(not unclear, tuple(loose))


def _close(levels: list[_Bracket]) -> Literal["plain", "schedule", "unclear", "given_up"]:
    """Take the closed bracket off ``levels`` and say what it is, or that the WebUI gives up reading the part."""
    done, outer = levels.pop(), levels[-1]
    if done.kind == "(":
        done.regular = done.regular and done.fields <= 2
    elif "|" in done.signs:
        if ":" in done.signs or not done.regular:
            return "given_up"
        done.active = True
    else:
        schedule = done.fields in (2, 3) and _NUMBER.match(done.last) is not None
        done.regular = done.regular and (done.fields == 1 or schedule)
        done.active = done.active or (done.regular and schedule)
    outer.regular, outer.active = outer.regular and done.regular, outer.active or done.active
    outer.last += "[]"
    if not done.regular and (done.active or done.beside):
        return "unclear"
    return "schedule" if done.active else "plain"
