"""What a prompt means to the WebUI 1.10.1, as a value that two prompts can be compared by.

Follows the WebUI's own order of work (comments, networks, AND, schedules, attention, BREAK) and shares no splitting
code with ``grammar``, so that arrange's proof is not its own judge. Called by arrange and tests.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tag_atelier.prompt.grammar import COMMENT, NETWORK, trailing_weight, without_networks
from tag_atelier.prompt.schedule import read_brackets

Run = tuple[str, float]
"""Text and its weight; text that begins with NUL is a schedule or alternation, kept whole."""
Tag = tuple[Run, ...]
_Part = tuple[float, list[list[Tag]]]
"""Weight and chunks of one side of an AND."""

_AND = re.compile(r"\bAND\b")
_BREAK = re.compile(r"(?:(?<!\s)\s+)?\bBREAK\b\s*")
_BREAK_AHEAD, _BREAK_BEHIND = re.compile(r"BREAK\b"), re.compile(r"\W?BREAK\Z")
_TOKEN = re.compile(r"\\[()\[\]\\]|:\s*[-+]?[.\d]+\s*\)|[()\[\]]|\\|:|[^\\()\[\]:]+")
# Begins with a set of characters, so that the search leaps over plain text; what was found is then looked back at.
_BRACKET = re.compile(r"[\\()\[\]:|](?:(?<!\\)|(?<=\\).)", re.S)
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
    networks, parts = _read(text, negative)
    return Meaning(networks, tuple(Part(weight, tuple(tuple(sorted(chunk)) for chunk in chunks)) for weight, chunks in parts))


def same_meaning(before: str, after: str, negative: bool = False) -> bool:
    """True when both prompts give the same tags, weights, chunks, parts and networks."""
    (one_networks, one), (other_networks, other) = _read(before, negative), _read(after, negative)
    return one_networks == other_networks and _counted(one) == _counted(other)


def _counted(parts: list[_Part]) -> list[tuple[float, list[Counter[Tag]]]]:
    """The tags of every chunk without their sequence, in less time than sorting them takes."""
    return [(weight, [Counter(chunk) for chunk in chunks]) for weight, chunks in parts]


def _read(text: str, negative: bool) -> tuple[tuple[tuple[str, str], ...], list[_Part]]:
    """Networks and parts; the tags of every chunk as they stand in the text."""
    text = COMMENT.sub("\n", text)
    if negative:
        return (), [(1.0, _chunks(text))]
    networks = tuple((found.group(1), found.group(2)) for found in NETWORK.finditer(text, 0, text.rfind(">") + 1))
    parts = []
    bare = without_networks(text)
    for part in _AND.split(bare) if "AND" in bare else (bare,):
        weight = trailing_weight(part)
        parts.append((1.0, _chunks(part)) if weight is None else (weight[1], _chunks(part[: weight[0]])))
    return networks, parts


def _chunks(part: str) -> list[list[Tag]]:
    whole = _whole_brackets(part)
    if whole:
        brackets = read_brackets(part)
        whole = {} if brackets.given_up else whole if brackets.clear else None
    runs = None if whole is None else _weighted(part, whole)
    if runs is None:
        return [[((part, 1.0),)]]
    return [_tags(chunk) for chunk in _cut_at_breaks(runs)]


def _whole_brackets(part: str) -> dict[int, int] | None:
    """Start → end of every outermost ``[…]`` that may be a schedule or alternation; None when brackets do not nest.

    A schedule with BREAK inside or touching it could put a chunk end anywhere, so such a part is None too, as is one with a
    schedule beside a bracket that is never closed, or with square brackets beside one that closes nothing.
    """
    stack: list[int] = []
    square: list[int] = []
    loud: set[int] = set()
    spans: dict[int, int] = {}
    for found in _BRACKET.finditer(part):
        sign, at = found.group(), found.start()
        if sign in "([":
            stack.append(at)
            if sign == "[":
                square.append(at)
        elif sign in ":|":
            loud.update(square)
        elif sign in ")]" and not stack:
            if "[" in part:
                return None
        elif sign in ")]":
            start = stack.pop()
            if part[start] + sign not in ("()", "[]"):
                return None
            if sign == "]" and square.pop() in loud:
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


def _weighted(part: str, whole: dict[int, int]) -> list[Run] | None:
    """Runs of text with their weights, in order; a BREAK is the run ``("BREAK", -1 × its brackets)``."""
    runs: list[Run] = []
    opened: list[tuple[str, int]] = []
    at = 0
    for start, end in (*whole.items(), (len(part), len(part))):
        for found in _TOKEN.finditer(part, at, start):
            token = found.group()
            sign = token[0]
            if sign not in _SIGNS:
                if "BREAK" in token:
                    _add_with_breaks(runs, token)
                else:
                    runs.append((token, 1.0))
            elif sign in "([":
                opened.append((sign, len(runs)))
            elif token[-1] == ")" and opened and sign != "\\":
                factor = _number(token)
                if factor is None:
                    return None
                _multiply(runs, opened.pop()[1], factor)
            elif sign == "]" and opened:
                _multiply(runs, opened.pop()[1], _DOWN)
            elif token != "\\":
                runs.append((token, 1.0))
            else:
                runs.append(("", 1.0))
        if end > start:
            runs.append(("\0" + part[start:end], 1.0))
        at = end
    for sign, first in opened:
        _multiply(runs, first, _UP if sign == "(" else _DOWN)
    return [run if run[1] == 1.0 else (run[0], round(run[1], 6)) for run in runs]


def _number(token: str) -> float | None:
    """Factor of a closing round bracket; None for ``:1.2.1)``, at which the WebUI stops with an error."""
    if token == ")":
        return _UP
    try:
        return float(token[1:-1].strip())
    except ValueError:
        return None


def _multiply(runs: list[Run], start: int, factor: float) -> None:
    runs[start:] = [(text, weight * factor) for text, weight in runs[start:]]


def _add_with_breaks(runs: list[Run], token: str) -> None:
    for index, text in enumerate(_BREAK.split(token)):
        if index:
            runs.append(("BREAK", -1.0))
        runs.append((text, 1.0))


def _cut_at_breaks(runs: list[Run]) -> Iterator[list[Run]]:
    chunk: list[Run] = []
    for run in runs:
        if run == ("BREAK", -1.0):
            yield chunk
            chunk = []
        else:
            chunk.append(run)
    yield chunk


def _tags(chunk: list[Run]) -> list[Tag]:
    tags: list[Tag] = []
    tag: list[Run] = []
    for text, weight in chunk:
        if "," not in text or text[:1] == "\0":
            tag.append((text, weight))
            continue
        first, *whole, last = text.split(",")
        tags.append(_tidy([*tag, (first, weight)]))
        for piece in whole:
            words = " ".join(piece.split())
            tags.append(((words, weight),) if words else ())
        tag = [(last, weight)]
    tags.append(_tidy(tag))
    return tags


def _tidy(tag: list[Run]) -> Tag:
    """Neighbouring runs of one weight joined, white space made single and cut off at both ends."""
    first, behind = 0, len(tag)
    while first < behind and not tag[first][0].strip():
        first += 1
    while first < behind and not tag[behind - 1][0].strip():
        behind -= 1
    if behind - first < 2:
        return tuple((text if text[0] == "\0" else " ".join(text.split()), weight) for text, weight in tag[first:behind])
    joined: list[Run] = []
    for text, weight in tag[first:behind]:
        if joined and joined[-1][1] == weight and "\0" not in (text[:1], joined[-1][0][:1]):
            joined[-1] = (joined[-1][0] + text, weight)
        elif text:
            joined.append((text, weight))
    tidy = [(text if text[:1] == "\0" else _SPACES.sub(" ", text), weight) for text, weight in joined]
    tidy[0] = (tidy[0][0].lstrip(), tidy[0][1])
    tidy[-1] = (tidy[-1][0].rstrip(), tidy[-1][1])
    return tuple(tidy)
