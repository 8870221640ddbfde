"""Reads the values of one axis as people type them into X/Y/Z plot: lists with quotes, and ranges. Used by the plan's form."""

from __future__ import annotations

import csv
import math
import re
from typing import NoReturn

from tag_atelier.errors import SpecError

MOST_VALUES = 100
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*-\s*({_NUMBER})\s*(?:\(\s*({_NUMBER})\s*\)|\[\s*(\d+)\s*\])?\s*")
WHOLE = ("seed", "steps", "width", "height", "clip_skip")
REAL = ("cfg_scale", "eta")


def axis_values(name: str, text: str) -> list[object]:
    """Values of the axis ``name``: numbers for number axes, texts otherwise; each one once, in order.

    A comma or a line break separates; quotes hold a comma together. Number axes also read ranges with a step in round
    brackets or a count in square ones.

    >>> axis_values("steps", "10-30 (+10), 50")
    [10, 20, 30, 50]
    >>> axis_values("cfg_scale", "4-7 [4]")
    [4.0, 5.0, 6.0, 7.0]
    >>> axis_values("network", '<lora:a:1>, "<lora:b:1> one, two"')
    ['<lora:a:1>', '<lora:b:1> one, two']

    Raises:
        SpecError: what is no number on a number axis, a range without an end, or more than 100 values.
    """
    pieces = [piece.strip() for row in csv.reader(text.splitlines(), skipinitialspace=True) for piece in row]
    pieces = [piece for piece in pieces if piece]
    found: list[object] = list(pieces)
    if name in WHOLE or name in REAL:
        found = [value for piece in pieces for value in _numbers(name, piece)]
    if len(found) > MOST_VALUES:
        raise SpecError(
            "The axis '{name}' has {count} values; expected at most {most}.", name=name, count=len(found), most=MOST_VALUES
        )
    return list(dict.fromkeys(found))


def _numbers(name: str, piece: str) -> list[object]:
    match = _RANGE.fullmatch(piece)
    return [_number(name, piece)] if match is None else _range(name, piece, match)


def _number(name: str, piece: str) -> object:
    try:
        value = float(piece)
    except ValueError:
        _refuse(name, piece)
    if not math.isfinite(value) or (name in WHOLE and not value.is_integer()):
        _refuse(name, piece)
    return int(value) if name in WHOLE else value


def _range(name: str, piece: str, match: re.Match[str]) -> list[object]:
    kind = int if name in WHOLE else float
    first, last = float(match[1]), float(match[2])
    if match[4] is not None:
        count = int(match[4])
        if not 1 <= count <= MOST_VALUES:
            _refuse(name, piece)
        spread = [first + (last - first) * place / max(1, count - 1) for place in range(count)]
        return [kind(round(value) if kind is int else round(value, 6)) for value in spread]
    step = abs(float(match[3])) if match[3] is not None else 1.0
    if step == 0 or math.floor(abs(last - first) / step) >= MOST_VALUES:
        _refuse(name, piece)
    direction = 1 if last >= first else -1
    count = math.floor(abs(last - first) / step + 1e-9) + 1
    return [kind(round(first + direction * step * place, 6)) for place in range(count)]


def _refuse(name: str, piece: str) -> NoReturn:
    raise SpecError(
        "'{piece}' is no value of the axis '{name}'; expected numbers, or a range such as 10-30 (+10) or 4-7 [4], "
        "of at most {most} values.",
        piece=piece,
        name=name,
        most=MOST_VALUES,
    )
