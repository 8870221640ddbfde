"""Which tags an item holds: brackets and weights taken off, the first choice of every schedule and alternation taken.

Called by ``order`` to give an item its slot, and by lint and overlap to compare tags. Never used to write a prompt.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tag_atelier.prompt.grammar import without_networks

_MARKED = re.compile(r"[()\[\]{}<|]")
_TOKEN = re.compile(r"\\.|[()\[\]{}|]|:|[^\\()\[\]{}|:]+|\\", re.S)
_WEIGHT = re.compile(r":\s*[-+]?[.\d]+\s*\Z")
_BARE_WEIGHT = re.compile(r"(?<=\w):\s*[-+]?[.\d]+\s*\Z")
_VARIANTS = re.compile(r"\A[\d-]*(?:\$\$)?")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SIGNS = frozenset("()[]{}|:")


@lru_cache(maxsize=8192)
def tags_of(core: str) -> tuple[str, ...]:
    """Names in ``core`` in reading order, escapes kept.

    >>> tags_of("(smile, ((hat)):1.2)"), tags_of("[red hair:blue hair:0.5]"), tags_of("[cat|dog|] girl")
    (('smile', 'hat'), ('red hair',), ('cat girl',))
    >>> tags_of("(:d:1.2)"), tags_of("rem \\\\(re:zero\\\\)"), tags_of("{a|b} sky"), tags_of("<lora:x:1>")
    ((':d',), ('rem \\\\(re:zero\\\\)',), ('a sky',), ())
    """
    if not _MARKED.search(core):
        return (_BARE_WEIGHT.sub("", core) if ":" in core else core,) if core else ()
    text = _first_reading(without_networks(core))
    return tuple(name for name in (piece.strip() for piece in text.split(",")) if name)


def _first_reading(text: str) -> str:
    """``text`` with brackets gone; inside ``[ ]`` and ``{ }`` only the first choice that is not empty stays."""
    levels: list[tuple[str, list[str]]] = [("", [""])]
    for token in _TOKEN.findall(text):
        kind, choices = levels[-1]
        if token not in _SIGNS:
            choices[-1] += token
        elif token in "([{":
            levels.append((token, [""]))
        elif token in _PAIRS and kind == _PAIRS[token]:
            levels.pop()
            levels[-1][1][-1] += _close(token, choices)
        elif (token == "|" and kind in ("[", "{")) or (token == ":" and kind == "["):
            choices.append("")
        else:
            choices[-1] += token
    while len(levels) > 1:
        _, choices = levels.pop()
        levels[-1][1][-1] += choices[0]
    return levels[0][1][0]


def _close(sign: str, choices: list[str]) -> str:
    if sign == ")":
        return _WEIGHT.sub("", choices[0])
    if sign == "}":
        choices[0] = _VARIANTS.sub("", choices[0])
    return next((choice for choice in choices if choice.strip()), "")
