"""Takes a weighted group apart, so that each of its tags can find its own place. Called by arrange on request."""

from __future__ import annotations

import re
from collections.abc import Callable

from tag_atelier.prompt.grammar import Prompt, Segment

_UNFIT = re.compile(r"[{}|<>#\n]|\b(?:AND|BREAK)\b|AND_|ADD(?:BASE|COL|ROW|COMM)")
_SIGN = re.compile(r"\\.|[()\[\],]", re.S)
_NUMBER = re.compile(r":\s*[-+]?[.\d]+\s*\Z")


def split_group(core: str) -> list[str] | None:
    """Members of a group, each with the whole weight in the writer's own notation; None for what is no such group.

    >>> split_group("(smile, hat:1.2)"), split_group("((smile, hat))"), split_group("[smile, hat]")
    (['(smile:1.2)', '(hat:1.2)'], ['((smile))', '((hat))'], ['[smile]', '[hat]'])
    >>> split_group("(((smile)), blush:1.1)")
    ['(((smile)):1.1)', '(blush:1.1)']
    >>> split_group("(smile, [hat]:1.2)"), split_group("[a, b:0.5]"), split_group("(a, b) c"), split_group("(a)")
    (None, None, None, None)
    """
    if core[:1] not in ("(", "[") or "," not in core or _UNFIT.search(core):
        return None
    if core[0] == "[" and (":" in core or "(" in core):
        return None
    members = _members(core)
    if members is None or (core[0] == "(" and "[" in core.replace("\\[", "")):
        return None
    tail = ""
    found = _NUMBER.search(members[-1]) if core[0] == "(" else None
    if found is not None:
        tail, members[-1] = found.group(), members[-1][: found.start()]
    apart: list[str] = []
    for member in members:
        if _NUMBER.search(member):
            return None
        apart += split_group(member.strip()) or [member.strip()]
    apart = [f"{core[0]}{member}{tail}{core[-1]}" for member in apart if member]
    return apart if len(apart) > 1 else None


def distributed(prompt: Prompt, slot_of: Callable[[str], str]) -> str:
    """The text of ``prompt`` with every group taken apart whose members belong in different slots."""
    pieces = []
    for piece in prompt.pieces:
        if isinstance(piece, Segment) and not piece.locked:
            pieces.append(",".join(item.lead + _apart(item.core, slot_of) + item.trail for item in piece.items))
        else:
            pieces.append(piece.render())
    return "".join(pieces)


def _apart(core: str, slot_of: Callable[[str], str]) -> str:
    members = split_group(core)
    if members is None or len({slot_of(member) for member in members}) < 2:
        return core
    return ", ".join(members)


def _members(core: str) -> list[str] | None:
    """What stands between the commas of the outermost bracket; None where that bracket ends before the text does."""
    depth, cuts = 0, [0]
    for found in _SIGN.finditer(core):
        sign = found.group()
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
            if depth == 0 and found.end() < len(core):
                return None
        elif sign == "," and depth == 1:
            cuts.append(found.start())
    if depth:
        return None
    return [core[start + 1 : end] for start, end in zip(cuts, [*cuts[1:], len(core) - 1], strict=True)]
