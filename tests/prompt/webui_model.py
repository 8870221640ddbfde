"""A second reader of prompts, written from what the WebUI does and held to its recorded readings. Used by tests only.

Answers in the shape of ``webui_reader``: ``[networks, [[weight, [[last step, [[text, weight], …]], …]], …]]``.
"""

from __future__ import annotations

import re
from typing import Any

from tag_atelier.prompt.schedule import is_clear

STEPS = 20

Node = tuple[str, list[list[Any]], list[str]]
"""Kind of bracket, its fields (text and nodes mixed), and the signs between them."""

_NETWORK = re.compile(r"<(\w+):([^>]+)>")
_WEIGHT = re.compile(r"\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+))\s*\Z")
_NUMBER = re.compile(r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*\Z")
_TOKEN = re.compile(r"\\.|[()\[\]:|]|[^\\()\[\]:|]+|\\\n?")
_CLOSING_NUMBER = re.compile(r":\s*([+-]?[.\d]+)\s*\)")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


AMBIGUOUS = "?"
"""Stands in front of a part that the WebUI itself may read in two ways, which is then given as it is written."""


class Ambiguous(Exception):
    """Brackets out of balance beside square ones, or schedules in unclear company."""


def read(text: str, negative: bool) -> list[Any] | None:
    """Reading of a prompt; None where the WebUI raises."""
    text = re.sub(r"#[^\n]*(?:\n|\Z)", "\n", text)
    networks: dict[str, list[list[str]]] = {}
    if not negative:
        for kind, arguments in _NETWORK.findall(text):
            networks.setdefault(kind, []).append(arguments.split(":"))
        text = _NETWORK.sub("", text)
    parts = []
    for part in [text] if negative else re.split(r"\bAND\b", text):
        found = None if negative else _WEIGHT.search(part)
        bare = part[: found.start()] if found else part
        try:
            schedule = [[end, _attention(now)] for end, now in _schedule(bare)]
        except Ambiguous:
            schedule = [[STEPS, [[AMBIGUOUS + bare.replace(",", "\0"), 1.0]]]]
        except ValueError:
            return None
        parts.append([float(found.group(1)) if found else 1.0, schedule])
    return [[[kind, rows] for kind, rows in networks.items()], parts]


def _schedule(part: str) -> list[tuple[int, str]]:
    if "[" not in part:
        return [(STEPS, part)]
    root = _tree(part)
    if root is None:
        if "]" in part:
            raise Ambiguous
        return [(STEPS, part)]
    if not is_clear(part):
        raise Ambiguous
    if (part.endswith("\\") and (len(part) - len(part.rstrip("\\"))) % 2) or "\\\n" in part or _stray_bar(root):
        return [(STEPS, part)]
    ends = {STEPS}
    _collect(root, ends)
    return [(end, _at(root, end)) for end in sorted(ends)]


def _tree(part: str) -> Node | None:
    """The part's brackets as a tree; None where they are out of balance."""
    root: Node = ("", [[]], [])
    stack = [root]
    for token in _TOKEN.findall(part):
        if token in ("(", "["):
            node: Node = (token, [[]], [])
            stack[-1][1][-1].append(node)
            stack.append(node)
        elif token in (")", "]"):
            if stack[-1][0] + token not in ("()", "[]"):
                return None
            stack.pop()
        elif token in (":", "|"):
            stack[-1][2].append(token)
            stack[-1][1].append([])
        else:
            stack[-1][1][-1].append(token)
    return root if len(stack) == 1 else None


def _children(node: Node) -> list[Node]:
    return [part for fields in node[1] for part in fields if isinstance(part, tuple)]


def _kind(node: Node) -> str:
    """``plain``, ``schedule``, ``turns`` or ``loose``."""
    kind, fields, signs = node
    if any(_kind(child) == "loose" for child in _children(node)):
        return "loose"
    if kind == "(":
        return "plain" if len(signs) < 2 else "loose"
    if not signs:
        return "plain"
    if set(signs) == {"|"}:
        return "turns"
    number = all(isinstance(part, str) for part in fields[-1]) and _NUMBER.match("".join(map(str, fields[-1])))
    return "schedule" if "|" not in signs and len(signs) < 3 and number else "loose"


def _stray_bar(node: Node) -> bool:
    own = "|" in node[2] and (node[0] != "[" or _kind(node) != "turns")
    return own or any(_stray_bar(child) for child in _children(node))


def _when(node: Node) -> int:
    text = str(_NUMBER.match("".join(node[1][-1])).group(1))  # type: ignore[union-attr]
    return min(STEPS, int(float(text) * (STEPS if "." in text else 1)))


def _collect(node: Node, ends: set[int]) -> None:
    for child in _children(node):
        if _kind(child) == "turns":
            ends.update(range(1, STEPS + 1))
        elif _kind(child) == "schedule" and _when(child) >= 1:
            ends.add(_when(child))
        _collect(child, ends)


def _at(node: Node, step: int) -> str:
    """The node's text at a step, its own brackets included where they stay."""
    kind, fields, signs = node
    texts = ["".join(part if isinstance(part, str) else _at(part, step) for part in row) for row in fields]
    what = _kind(node) if kind == "[" else "plain"
    if what == "turns":
        return texts[(step - 1) % len(texts)]
    if what == "schedule":
        before = texts[0] if len(texts) == 3 else ""
        return before if step <= _when(node) else texts[-2]
    joined = texts[0] + "".join(sign + text for sign, text in zip(signs, texts[1:], strict=True))
    return {"": joined, "(": f"({joined})", "[": f"[{joined}]"}[kind]


def _attention(text: str) -> list[list[Any]]:
    runs: list[list[Any]] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    at = 0

    def multiply(kind: str, factor: float) -> None:
        for run in runs[opened[kind].pop() :]:
            run[1] *= factor

    while at < len(text):
        sign, number = text[at], _CLOSING_NUMBER.match(text, at)
        width = 1
        if sign == "\\":
            width = 2 if text[at + 1 : at + 2] in tuple("()[]\\") else 1
            runs.append([text[at + 1 : at + width], 1.0])
        elif sign in "([":
            opened[sign].append(len(runs))
        elif number is not None and opened["("]:
            width = len(number.group())
            multiply("(", float(number.group(1)))
        elif sign == ")" and opened["("]:
            multiply("(", 1.1)
        elif sign == "]" and opened["["]:
            multiply("[", 1 / 1.1)
        else:
            plain = re.compile(r"[^\\()\[\]:]+").match(text, at)
            word = number.group() if number else plain.group() if plain else sign
            width = len(word)
            for index, piece in enumerate(_BREAK.split(word)):
                runs += [["BREAK", -1]] if index else []
                runs.append([piece, 1.0])
        at += width
    for kind, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while opened[kind]:
            multiply(kind, factor)
    return _joined(runs or [["", 1.0]])


def _joined(runs: list[list[Any]]) -> list[list[Any]]:
    done = [runs[0]]
    for text, weight in runs[1:]:
        if weight == done[-1][1]:
            done[-1] = [done[-1][0] + text, weight]
        else:
            done.append([text, weight])
    return done
