"""Tells whether the WebUI can read the square brackets of a prompt in one way only. Called by ``grammar``.

The WebUI's schedule grammar is ambiguous: stray colons and brackets may be read as plain characters, and which reading
wins can depend on what stands elsewhere in the prompt. Where that is possible nothing may be moved.

>>> is_clear("[a:b:0.5], [[red:blue:4]:green:0.5] dress, [x|y|], [soft], :d")
True
>>> is_clear("[re:zero:b:0.5]"), is_clear("[a:b]"), is_clear("[a:b:0.5]:1.2")
(False, False, False)
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\.|[()\[\]:|]|[^\\()\[\]:|]+|\\", re.S)
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*\Z")


def is_clear(part: str) -> bool:
    """True when every ``[ ]`` of ``part`` is plainly a schedule, an alternation or a de-emphasis.

    ``part`` is one side of an AND with balanced brackets, without comments and networks. Without a schedule or an
    alternation in it, it is always clear.
    """
    levels: list[tuple[str, list[str]]] = []
    schedules, odd = False, False
    before = ""
    for token in _TOKEN.findall(part):
        if token in ("[", "("):
            levels.append((token, [""]))
        elif token in ("]", ")") and levels:
            kind, fields = levels.pop()
            schedules = schedules or (kind == "[" and len(fields) > 1)
            odd = odd or not _is_regular(kind, fields)
        elif levels and (token == ":" or (token == "|" and levels[-1][0] == "[")):
            levels[-1][1].append(token)
        elif levels:
            levels[-1][1][-1] += token
        else:
            odd = odd or token == "|" or (token == ":" and before in ("]", ")"))
        before = token
    return not (schedules and odd)


def _is_regular(kind: str, fields: list[str]) -> bool:
    """``fields``: the text of a bracket cut at its own ``:`` and ``|``; each but the first begins with its sign."""
    signs = {field[0] for field in fields[1:]}
    if not signs:
        return True
    if kind == "(":
        return len(fields) == 2
    if signs == {"|"}:
        return True
    return signs == {":"} and len(fields) <= 3 and _NUMBER.match(fields[-1][1:]) is not None
