"""The catalogue as one user sees it: ours and our characters, the user's corrections over it, names of the user's files behind.

Built by ``jobs.prompts``; to everybody else it is a ``Catalogue``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_atelier.prompt.catalogue import LISTED_CONFIDENCE, Catalogue, TagEntry
from tag_atelier.prompt.characters import Character, load_characters
from tag_atelier.prompt.labels import SLOT_OF_KIND, Label, Labels
from tag_atelier.prompt.slots import CONFIDENT, UNKNOWN, SlotGuess

_FEWEST_POSTS = 100
"""An artist with fewer posts whose name reads like a tag is more likely meant as the tag."""


class UserCatalogue(Catalogue):
    """Corrections come first, then our rows, then the user's label files, then the rules."""

    def __init__(self, base: Catalogue, corrections: Mapping[str, Mapping[str, Any]], labels: Labels) -> None:
        """``corrections``: canonical tag → ``{slot?, zh?, hidden?}``."""
        entries = {row.name: _of_character(row) for row in load_characters().rows} | dict(base.entries)
        self.hidden = frozenset(name for name, row in corrections.items() if row.get("hidden"))
        for name, row in corrections.items():
            entry = entries.get(name) or _entry_of(labels.get(name), labels) or _unlisted(name, base)
            if row.get("slot"):
                entry = entry._replace(slot=row["slot"], also="", reviewed=True)
            if entry.slot != UNKNOWN:
                entries[name] = entry._replace(zh=row.get("zh", entry.zh))
        super().__init__(entries.values())
        self._labels = labels

    def get(self, tag: str) -> TagEntry | None:
        """The row of ``tag`` in any spelling: corrected, ours, or of the user's files; None where nobody has one."""
        return super().get(tag) or _entry_of(self._labels.get(tag), self._labels)

    def is_series(self, tag: str) -> bool:
        """True for the series of a character in the catalogue or in the user's files."""
        label = self._labels.get(tag)
        return super().is_series(tag) or (label is not None and label.kind == "copyright")

    def _judge(self, name: str) -> SlotGuess:
        known = super()._judge(name)
        label = self._labels.get(name) if name not in self._entries else None
        slot = SLOT_OF_KIND.get(label.kind) if label is not None else None
        if label is None or slot is None or slot == known.slot:
            return known
        reads_like_a_tag = known.confidence >= CONFIDENT and "(" not in name
        if reads_like_a_tag and (label.kind == "artist" or label.posts < _FEWEST_POSTS):
            return known
        return SlotGuess(slot, LISTED_CONFIDENCE)


def _entry_of(label: Label | None, labels: Labels) -> TagEntry | None:
    if label is None or label.kind not in SLOT_OF_KIND:
        return None
    return TagEntry(label.name, SLOT_OF_KIND[label.kind], labels.zh.get(label.name, ""), label.posts, "", True, True, False)


def _of_character(row: Character) -> TagEntry:
    return TagEntry(row.name, "character", row.zh[0] if row.zh else "", 0, row.series, row.who != "other", True, True)


def _unlisted(name: str, base: Catalogue) -> TagEntry:
    return TagEntry(name, base.slot(name).slot, "", 0, "", True, True, False)
