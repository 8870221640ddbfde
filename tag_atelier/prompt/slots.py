"""The 19 slots and how a tag's name is written down for look-ups. The vocabulary of the whole prompt room."""

from __future__ import annotations

import re
from typing import NamedTuple

SLOTS: tuple[str, ...] = (
    "trigger",
    "subject",
    "character",
    "race",
    "composition",
    "style",
    "theme",
    "main_env",
    "background",
    "action",
    "expression",
    "main_char",
    "body_char",
    "clothing",
    "accessories",
    "items",
    "secondary_env",
    "aesthetics",
    "quality",
)
"""Ids in the order of AIDXL's guide."""

UNKNOWN = "unknown"
CONFIDENT = 0.8
"""From this confidence on a guess counts as sure."""

_ESCAPE = re.compile(r"\\([()\[\]{}\\])")
_SPACES = re.compile(r"[\s_]+")
_UNEVEN = re.compile(r"[^\S ]|[ _]{2}")
"""White space that is not a single blank."""


class SlotGuess(NamedTuple):
    """A slot (or ``unknown``) and how sure that is, 0…1."""

    slot: str
    confidence: float


ABSTAIN = SlotGuess(UNKNOWN, 0.0)


def canonical(tag: str) -> str:
    """Danbooru's spelling: lower case, underscores, no escapes; a face made of signs keeps its signs.

    >>> canonical("Rem \\\\(Re:Zero\\\\)"), canonical(" long  hair "), canonical("^_^")
    ('rem_(re:zero)', 'long_hair', '^_^')
    """
    name = tag.strip()
    if "\\" in name:
        name = _ESCAPE.sub(r"\1", name)
    return (_SPACES.sub("_", name) if _UNEVEN.search(name) else name.replace(" ", "_")).lower()
