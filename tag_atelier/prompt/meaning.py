"""What a prompt means to the WebUI 1.10.1, as a value that two prompts can be compared by.

Follows the WebUI's own order of work (comments, networks, AND, schedules, attention, BREAK) and shares no splitting
code with ``grammar``, so that arrange's proof is not its own judge. Called by arrange and tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tag_atelier.prompt.grammar import COMMENT, NETWORK, trailing_weight, without_networks
from tag_atelier.prompt.schedule import read_brackets

Run = tuple[str, float]
"""Text and its weight; text that begins with NUL is a schedule or alternation, kept whole."""
Tag = tuple[Run, ...]

_AND = re.compile(r"\bAND\b")
_BREAK = re.compile(r"(?:(?<!\s)\s+)?\bBREAK\b\s*")
_BREAK_AHEAD, _BREAK_BEHIND = re.compile(r"BREAK\b"), re.compile(r"\W?BREAK\Z")
_TOKEN = re.compile(r"\\[()\[\]\\]|:\s*[-+]?[.\d]+\s*\)|[()\[\]]|\\|:|[^\\()\[\]:]+")
_BRACKET = re.compile(r"\\.|[()\[\]:|]", re.S)
_SPACES = re.compile(r"\s+")
_SIGNS = frozenset("\\()[]:")
_UP, _DOWN = 1.1, 1 / 1.1


@dataclass(frozen=True)
class Part:
    """One side of an AND."""

    weight: float
    chunks: tuple[tuple[Tag, ...], ...]
    """Tags between two BREAKs, in sorted order: their sequence is no part of the meaning compared here."""


@dataclass(frozen=True)
class Meaning:
    """Networks in their order, and the parts in theirs."""

    networks: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]


def meaning(text: str, negative: bool = False) -> Meaning:
    """The meaning of ``text``. What cannot be read for certain is kept as one verbatim tag.

    >>> meaning("1girl, (smile:1.2)").parts[0].chunks
    (((('1girl', 1.0),), (('smile', 1.2),)),)
    >>> meaning("a, b") == meaning("b, a"), meaning("a, b") == meaning("b BREAK a")
    (True, False)
    """
    text = COMMENT.sub("\n", text)
    if negative:
        return Meaning((), (Part(1.0, _chunks(text)),))
    networks = tuple((found.group(1), found.group(2)) for found in NETWORK.finditer(text, 0, text.rfind(">") + 1))
    parts = []
    for part in _AND.split(without_networks(text)):
        weight = trailing_weight(part)
        parts.append(Part(1.0, _chunks(part)) if weight is None else Part(weight[1], _chunks(part[: weight[0]])))
    return Meaning(networks, tuple(parts))


def same_meaning(before: str, after: str, negative: bool = False) -> bool:
    """True when both prompts give the same tags, weights, chunks, parts and networks."""
    return meaning(before, negative) == meaning(after, negative)


def _chunks(part: str) -> tuple[tuple[Tag, ...], ...]:
    whole = _whole_brackets(part)
    if whole:
        brackets = read_brackets(part)
        whole = {} if brackets.given_up else whole if brackets.clear else None
    runs = None if whole is None else _weighted(part, whole)
    if runs is None:
        return ((((part, 1.0),),),)
    return tuple(tuple(sorted(_tags(chunk))) for chunk in _cut_at_breaks(runs))


def _whole_brackets(part: str) -> dict[int, int] | None:
    """Start → end of every outermost ``[…]`` that may be a schedule or alternation; None when brackets do not nest.

    A schedule with BREAK inside or touching it could put a chunk end anywhere, so such a part is None too, as is one with a
    schedule beside a bracket that is never closed, or with square brackets beside one that closes nothing.
    """
    stack: list[int] = []
    loud: set[int] = set()
    spans: dict[int, int] = {}
    for found in _BRACKET.finditer(part):
        sign, at = found.group(), found.start()
        if sign in "([":
            stack.append(at)
        elif sign in ":|" and any(part[start] == "[" for start in stack):
            loud.update(start for start in stack if part[start] == "[")
        elif sign in ")]" and not stack:
            if "[" in part:
                return None
        elif sign in ")]":
            start = stack.pop()
            if part[start] + sign not in ("()", "[]"):
                return None
            if sign == "]" and start in loud:
                if (
                    _BREAK.search(part, start, at)
                    or _BREAK_AHEAD.match(part, at + 1)
                    or _BREAK_BEHIND.match(part, start - 6, start)
                ):
                    return None
                while spans and next(reversed(spans)) > start:
                    spans.popitem()
                spans[start] = at + 1
    return None if stack and spans else spans


def _weighted(part: str, whole: dict[int, int]) -> list[tuple[str, float]] | None:
    """Runs of text with their weights, in order; a BREAK is the run ``("BREAK", -1 × its brackets)``."""
    texts: list[str] = []
    weights: list[float] = []
    opened: list[tuple[str, int]] = []
    at = 0
    while at < len(part):
        if at in whole:
            _add(texts, weights, "\0" + part[at : whole[at]], 1.0)
            at = whole[at]
            continue
        found = _TOKEN.match(part, at)
        if found is None:
            return None
        token, at = found.group(), found.end()
        if token[0] not in _SIGNS:
            if "BREAK" in token:
                _add_with_breaks(texts, weights, token)
            else:
                _add(texts, weights, token, 1.0)
        elif token in "([":
            opened.append((token, len(texts)))
        elif token[-1] == ")" and opened and token[0] != "\\":
            factor = _number(token)
            if factor is None:
                return None
            _multiply(weights, opened.pop()[1], factor)
        elif token == "]" and opened:
            _multiply(weights, opened.pop()[1], _DOWN)
        elif token[0] == "\\":
            _add(texts, weights, token if len(token) > 1 else "", 1.0)
        else:
            _add(texts, weights, token, 1.0)
    for sign, start in opened:
        _multiply(weights, start, _UP if sign == "(" else _DOWN)
    return [(text, round(weight, 6)) for text, weight in zip(texts, weights, strict=True)]


def _number(token: str) -> float | None:
    """Factor of a closing round bracket; None for ``:1.2.1)``, at which the WebUI stops with an error."""
    if token == ")":
        return _UP
    try:
        return float(token[1:-1].strip())
    except ValueError:
        return None


def _multiply(weights: list[float], start: int, factor: float) -> None:
    for index in range(start, len(weights)):
        weights[index] *= factor


def _add(texts: list[str], weights: list[float], text: str, weight: float) -> None:
    texts.append(text)
    weights.append(weight)


def _add_with_breaks(texts: list[str], weights: list[float], token: str) -> None:
    for index, text in enumerate(_BREAK.split(token)):
        if index:
            _add(texts, weights, "BREAK", -1.0)
        _add(texts, weights, text, 1.0)


def _cut_at_breaks(runs: list[tuple[str, float]]) -> Iterator[list[tuple[str, float]]]:
    chunk: list[tuple[str, float]] = []
    for run in runs:
        if run == ("BREAK", -1.0):
            yield chunk
            chunk = []
        else:
            chunk.append(run)
    yield chunk


def _tags(chunk: list[tuple[str, float]]) -> Iterator[Tag]:
    tag: list[Run] = []
    for text, weight in chunk:
        if text.startswith("\0") or "," not in text:
            tag.append((text, weight))
            continue
        first, *whole, last = text.split(",")
        yield _tidy([*tag, (first, weight)])
        for piece in whole:
            words = " ".join(piece.split())
            yield ((words, weight),) if words else ()
        tag = [(last, weight)]
    yield _tidy(tag)


def _tidy(tag: list[Run]) -> Tag:
    """Neighbouring runs of one weight joined, white space made single and cut off at both ends."""
    if len(tag) == 1 and not tag[0][0].startswith("\0"):
        text = " ".join(tag[0][0].split())
        return ((text, tag[0][1]),) if text else ()
    joined: list[Run] = []
    for text, weight in tag:
        if joined and joined[-1][1] == weight and "\0" not in (text[:1], joined[-1][0][:1]):
            joined[-1] = (joined[-1][0] + text, weight)
        elif text:
            joined.append((text, weight))
    tidy = [(text if text[:1] == "\0" else _SPACES.sub(" ", text), weight) for text, weight in joined]
    while tidy and not tidy[0][0].strip():
        tidy.pop(0)
    while tidy and not tidy[-1][0].strip():
        tidy.pop()
    if tidy:
        tidy[0] = (tidy[0][0].lstrip(), tidy[0][1])
        tidy[-1] = (tidy[-1][0].rstrip(), tidy[-1][1])
    return tuple(tidy)
