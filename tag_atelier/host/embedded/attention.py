"""Reads a prompt's weights the way WebUI 1.10.1 does and refuses what this host cannot draw. Used by ``conditioning``.

>>> weighted_runs("a (smile:1.2), [hat], rem \\\\(re\\\\)")
[('a ', 1.0), ('smile', 1.2), (', ', 1.0), ('hat', 0.9090909090909091), (', rem (re)', 1.0)]
>>> weighted_runs("forest BREAK white dress")
[('forest', 1.0), None, ('white dress', 1.0)]
>>> weighted_runs("((x)), (open")
[('x', 1.2100000000000002), (', ', 1.0), ('open', 1.1)]
>>> read_prompt("1girl, hat, :3")
('1girl, hat, ', 3.0)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tag_atelier.errors import PromptError
from tag_atelier.prompt.grammar import COMMENT, NETWORK

Run = tuple[str, float]

_UP: Final = 1.1
_AND = re.compile(r"\bAND\b")
_PART_WEIGHT = re.compile(r":\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*\Z")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_TOKEN = re.compile(r"\\[()\[\]\\]|\\|:\s*[-+]?[.\d]+\s*\)|[()\[\]]|[^\\()\[\]:]+|:", re.S)
_SCHEDULE_TAIL = re.compile(r":\s*(?:\d+\.?\d*|\.\d+)\s*\Z")


def read_prompt(text: str, negative: bool = False) -> tuple[str, float]:
    """What is encoded of ``text``, and the weight of the whole (a positive prompt's trailing ``:number``).

    Raises:
        PromptError: networks, AND or schedules, which this host does not draw.
    """
    text = COMMENT.sub("\n", text) if "#" in text else text
    _refuse_schedules(text)
    if negative:
        return text, 1.0
    network = NETWORK.search(text)
    if network:
        raise PromptError(
            "The prompt asks for '{network}'; this host draws without networks: take it out.", network=network.group()
        )
    if _AND.search(text):
        raise PromptError("The prompt joins parts with AND; this host draws one part: split it into two prompts.")
    found = _PART_WEIGHT.search(text)
    return (text[: found.start()], float(found.group(1))) if found else (text, 1.0)


def weighted_runs(text: str) -> list[Run | None]:
    """Text and weight of each run, in order; None where BREAK ends a chunk. Inside brackets BREAK is a word.

    Raises:
        PromptError: a weight such as ``1.2.1`` that is no number.
    """
    texts: list[str] = []
    weights: list[float] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def multiply(start: int, factor: float) -> None:
        weights[start:] = [weight * factor for weight in weights[start:]]

    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in opened:
            opened[token].append(len(texts))
        elif token.endswith(")") and token[0] != "\\" and opened["("]:
            multiply(opened["("].pop(), _factor(token))
        elif token == "]" and opened["["]:
            multiply(opened["["].pop(), 1 / _UP)
        else:
            for number, piece in enumerate(_BREAK.split(token.removeprefix("\\"))):
                texts += ["BREAK", piece] if number else [piece]
                weights += [-1.0, 1.0] if number else [1.0]
    for start in opened["("]:
        multiply(start, _UP)
    for start in opened["["]:
        multiply(start, 1 / _UP)
    return _joined(zip(texts, weights, strict=True))


def _factor(token: str) -> float:
    number = token[1:-1].strip()
    try:
        return float(number) if len(token) > 1 else _UP
    except ValueError:
        raise PromptError(
            "'{token}' ends a bracket with '{number}', which is no number; write one such as 1.2.", token=token, number=number
        ) from None


def _joined(runs: Iterable[Run]) -> list[Run | None]:
    result: list[Run | None] = []
    for text, weight in runs:
        last = result[-1] if result else None
        if (text, weight) == ("BREAK", -1.0):
            result.append(None)
        elif last is not None and last[1] == weight:
            result[-1] = (last[0] + text, weight)
        elif text:
            result.append((text, weight))
    return result


def _refuse_schedules(text: str) -> None:
    """Stop at ``[from:to:when]`` and ``[a|b]``; ``[x]`` is a weight."""
    opened: list[int] = []
    for found in re.finditer(r"\\.|[\[\]]", text, re.S):
        if found.group() == "[":
            opened.append(found.end())
        elif found.group() == "]" and opened:
            inside = text[opened.pop() : found.start()]
            if "|" in inside or _SCHEDULE_TAIL.search(inside):
                raise PromptError(
                    "'[{inside}]' changes the prompt while it is drawn; this host draws one wording: choose one.", inside=inside
                )
