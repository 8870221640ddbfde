"""Finds catalogue tags by the beginning of any of their words: English, Chinese or pinyin.

Called by page, API and lint.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tag_atelier.prompt.pinyin import spoken
from tag_atelier.prompt.slots import canonical


def search(catalogue: Catalogue, query: str, limit: int = 20, safe_only: bool = False) -> Sequence[TagEntry]:
    """At most ``limit`` tags, best first: whole names, then beginnings, then words inside; each by posts.

    >>> [entry.name for entry in search(Catalogue([]), "hair")]
    []
    """
    needle = canonical(query)
    if not needle:
        return []
    spoken = _pinyin(catalogue) if needle.isascii() else {}
    ranked = []
    for entry in catalogue.entries.values():
        grade = _grade(entry, needle)
        if grade is None and any(sound.startswith(needle.replace("_", "")) for sound in spoken.get(entry.name, ())):
            grade = 2
        if grade is not None and (entry.safe or not safe_only):
            ranked.append((grade, -entry.posts, entry.name, entry))
    return [row[-1] for row in sorted(ranked)[:limit]]


def by_chinese_name(catalogue: Catalogue, name: str) -> TagEntry | None:
    """The most used tag of this Chinese name, or None."""
    return _chinese_names(catalogue).get(name.strip())


def _grade(entry: TagEntry, needle: str) -> int | None:
    if needle in (entry.name, entry.zh):
        return 0
    if entry.name.startswith(needle) or (entry.zh and entry.zh.startswith(needle)):
        return 1
    if f"_{needle}" in entry.name or f"({needle}" in entry.name:
        return 2
    return 3 if not needle.isascii() and needle in entry.zh else None


@lru_cache(maxsize=4)
def _chinese_names(catalogue: Catalogue) -> dict[str, TagEntry]:
    names: dict[str, TagEntry] = {}
    for entry in sorted(catalogue.entries.values(), key=lambda entry: entry.posts):
        if entry.zh:
            names[entry.zh] = entry
    return names


@lru_cache(maxsize=4)
def _pinyin(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """By tag: what may be typed for its Chinese name in pinyin without tones, and its first letters."""
    return {entry.name: spoken(entry.zh) for entry in catalogue.entries.values() if entry.zh}
