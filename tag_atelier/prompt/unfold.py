"""What a prompt reads at each step: comments and networks cut out, sides of AND apart, schedules and alternations resolved.

Every character keeps its place in the prompt. Follows the WebUI 1.10.1 (prompt_parser.py); called by ``tokens``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tag_atelier.prompt.grammar import COMMENT, NETWORK, trailing_weight
from tag_atelier.prompt.schedule import is_clear

_AND = re.compile(r"\bAND\b")
_SIGN = re.compile(r"\\.|[()\[\]:|]", re.S)
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*\Z")
MOST_STEPS = 150
DEEPEST = 40
"""Brackets in brackets beyond this are taken as plain text, which keeps hostile prompts from taking long."""


class Traced(NamedTuple):
    """Text whose characters know their places in the prompt."""

    text: str
    places: Sequence[int]

    def cut(self, start: int, end: int) -> Traced:
        """The part from ``start`` to ``end``."""
        return Traced(self.text[start:end], self.places[start:end])


def joined(parts: list[Traced]) -> Traced:
    """All parts, one behind the other."""
    return Traced("".join(part.text for part in parts), [place for part in parts for place in part.places])


def readings(prompt: str, negative: bool = False, steps: int = 20) -> Iterator[Traced]:
    """Every text that the WebUI's counter measures: of each side of AND, what it is at each step where it changes."""
    text = _without(Traced(prompt, range(len(prompt))), COMMENT, "\n")
    text = _without(text, NETWORK, "")
    start = 0
    cuts = [] if negative else list(_AND.finditer(text.text))
    for end, following in [*((cut.start(), cut.end()) for cut in cuts), (len(text.text), 0)]:
        side = text.cut(start, end)
        weight = None if negative else trailing_weight(side.text)
        yield from _at_steps(side if weight is None else side.cut(0, weight[0]), steps)
        start = following


def _without(text: Traced, pattern: re.Pattern[str], instead: str) -> Traced:
    parts = []
    done = 0
    last = text.text.rfind(">") + 1 if pattern is NETWORK else len(text.text)
    for found in pattern.finditer(text.text, 0, last):
        parts.append(text.cut(done, found.start()))
        if instead:
            parts.append(Traced(instead, [text.places[found.start()]]))
        done = found.end()
    return text if not parts else joined([*parts, text.cut(done, len(text.text))])


@dataclass
class _Choice:
    """A schedule (``when`` is its last step of the first field) or, without ``when``, an alternation."""

    fields: list[list[Traced | _Choice]]
    when: float | None


def _at_steps(side: Traced, steps: int) -> Iterator[Traced]:
    steps = min(steps, MOST_STEPS)
    tree = _read(side, steps) if "[" in side.text and is_clear(side.text) else None
    if tree is None:
        yield side
        return
    for step in sorted(_changes(tree, steps) | {steps}):
        yield joined(list(_flat(tree, step)))


def _read(side: Traced, steps: int) -> list[Traced | _Choice] | None:
    """``side`` as text and choices; None where the WebUI gives up and takes it as plain text."""
    stack: list[tuple[str, int, list[int]]] = []
    whole: list[tuple[int, int, list[int]]] = []
    for found in _SIGN.finditer(side.text):
        sign, at = found.group(), found.start()
        if sign in ("(", "["):
            stack.append((sign, at, []))
            if len(stack) > DEEPEST:
                return None
        elif sign in (":", "|") and stack and stack[-1][0] == "[":
            stack[-1][2].append(at)
        elif sign == "|":
            return None
        elif sign in (")", "]") and stack:
            opened, start, cuts = stack.pop()
            if opened + sign not in ("()", "[]"):
                return None
            if len({side.text[cut] for cut in cuts}) > 1:
                return None
            if cuts:
                while whole and whole[-1][0] > start:
                    whole.pop()
                whole.append((start, at, cuts))
    return _cut(side, whole, steps)


def _cut(side: Traced, whole: list[tuple[int, int, list[int]]], steps: int) -> list[Traced | _Choice] | None:
    nodes: list[Traced | _Choice] = []
    done = 0
    for start, end, cuts in whole:
        choice = _choice(side, (start, end), cuts, steps)
        if choice is not None:
            nodes += [side.cut(done, start), choice]
            done = end + 1
    return [*nodes, side.cut(done, len(side.text))]


def _choice(side: Traced, span: tuple[int, int], cuts: list[int], steps: int) -> _Choice | None:
    borders = [span[0], *cuts, span[1]]
    fields = [side.cut(left + 1, right) for left, right in pairwise(borders)]
    when = None
    if side.text[cuts[0]] == ":":
        number = _NUMBER.match(fields.pop().text)
        if number is None or len(fields) > 2:
            return None
        when = float(number[1]) * steps if "." in number[1] else float(number[1])
        when = min(steps, int(when))
        fields = [*([Traced("", [])] if len(fields) == 1 else []), *fields]
    read = [_read(field, steps) for field in fields]
    return _Choice([field for field in read if field is not None], when) if None not in read else None


def _changes(nodes: list[Traced | _Choice], steps: int) -> set[int]:
    """Last steps before the text changes."""
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, _Choice):
            found |= set(range(1, steps + 1)) if node.when is None else ({int(node.when)} if node.when >= 1 else set())
            for field in node.fields:
                found |= _changes(field, steps)
    return found


def _flat(nodes: list[Traced | _Choice], step: int) -> Iterator[Traced]:
    for node in nodes:
        if isinstance(node, Traced):
            yield node
        elif node.when is None:
            yield from _flat(node.fields[(step - 1) % len(node.fields)], step)
        else:
            yield from _flat(node.fields[0 if step <= node.when else 1], step)
