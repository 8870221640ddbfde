"""Names of characters, artists and series from files that the user has already: tagcomplete's csv, a tagger's label file.

None of them comes with us. Read at first use and again when a file changes; rows that cannot be read are left out.
Called by ``user_catalogue`` and, for searching, by ``jobs.prompt_search``.
"""

from __future__ import annotations

import csv
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tag_atelier.prompt.slots import canonical

KINDS: Mapping[str, str] = {"0": "general", "1": "artist", "3": "copyright", "4": "character"}
"""Danbooru's numbers of tag categories, as both files write them; others (meta, rating) are not read."""
SLOT_OF_KIND: Mapping[str, str] = {"artist": "trigger", "copyright": "character", "character": "character"}

_TAGGER_FILES = ("selected_tags.csv",)
_ODD = re.compile(r"[^\x21-\x40\x5b\x5d-\x7e]|__")
"""A sign that ``canonical`` may change: white space, upper case, a backslash, or none of ASCII."""
_COUNT = re.compile(r"\s*\d{1,18}\s*")
_LARGEST_FILE = 64_000_000
_LONGEST_NAME = 200
_MOST_ALIASES = 12

Stamp = tuple[tuple[Path, int, int], ...]


class Label(NamedTuple):
    """One tag of such a file."""

    name: str
    """Canonical."""
    kind: str
    """One of the values of ``KINDS``."""
    posts: int
    also: tuple[str, ...] = ()
    """Other names that people type for it."""


class Labels:
    """Labels by name, and a search over all their names that takes a few milliseconds for 150,000 of them."""

    def __init__(self, labels: Iterable[Label], zh: Mapping[str, str] | None = None) -> None:
        """``zh``: Chinese names by canonical tag."""
        self._labels = {label.name: label for label in sorted(labels, key=lambda label: (-label.posts, label.name))}
        self.zh = dict(zh or {})
        self._blob = ""
        self._starts = array("L")
        self._owners: list[Label] = []

    def __len__(self) -> int:
        return len(self._labels)

    def get(self, tag: str) -> Label | None:
        """The label of ``tag`` in any spelling, or None."""
        return self._labels.get(tag) or self._labels.get(canonical(tag))

    def search(self, query: str, kinds: Sequence[str], limit: int = 20) -> list[Label]:
        """At most ``limit`` labels of these kinds: whole names, then beginnings, then words inside; each by posts."""
        needle = canonical(query)
        if not needle or limit <= 0:
            return []
        self._index()
        found: dict[str, Label] = {}
        for pattern in (f"\n{needle}\n", f"\n{needle}", f"_{needle}", f"({needle}", *(() if needle.isascii() else (needle,))):
            for label in self._hits(pattern):
                if label.kind in kinds:
                    found.setdefault(label.name, label)
                if len(found) >= limit:
                    return list(found.values())
        return list(found.values())

    def _hits(self, pattern: str) -> Iterator[Label]:
        at = self._blob.find(pattern)
        while at >= 0:
            yield self._owners[bisect_right(self._starts, at + 1) - 1]
            at = self._blob.find(pattern, at + 1)

    def _index(self) -> None:
        """All names and aliases in one text, the most used label first, with the place where each begins."""
        if self._blob or not self._labels:
            return
        names: list[str] = []
        owners: list[Label] = []
        starts, at = array("L"), 1
        for label in self._labels.values():
            for name in (label.name, *label.also, *([self.zh[label.name]] if label.name in self.zh else ())):
                names.append(name)
                owners.append(label)
                starts.append(at)
                at += len(name) + 1
        self._owners, self._starts = owners, starts
        self._blob = "\n" + "\n".join(names) + "\n"


def find_labels(folders: Sequence[Path]) -> Labels:
    """The labels of all files in ``folders``; empty where there are none. Read once, until a file changes.

    A folder may be a WebUI's extensions folder, tagcomplete's own, or one that holds taggers.
    """
    return _load(tuple(_stamps(folders)))


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[Path, int, int]]:
    for folder in folders:
        for path in _files(folder):
            try:
                state = path.stat()
            except OSError:
                continue
            if state.st_size <= _LARGEST_FILE:
                yield path, state.st_mtime_ns, state.st_size


def _files(folder: Path) -> list[Path]:
    """Label files of a folder: all of a tagcomplete, and ``selected_tags.csv`` here or one level below."""
    if not folder.is_dir():
        return []
    lists = [sorted(tags.glob("*.csv")) for tags in (folder / "tags", *sorted(folder.glob("*tagcomplete*/tags")))]
    taggers = [path for name in _TAGGER_FILES for path in (folder / name, *sorted(folder.glob(f"*/{name}")))]
    return [path for found in lists for path in _chosen(found)] + [path for path in taggers if path.is_file()]


def _chosen(files: Sequence[Path]) -> list[Path]:
    """Of several dated lists the newest; files of translations as well. Lists of other sites number kinds otherwise."""
    boorus = [path for path in files if path.stem.lower().startswith("danbooru") and "e621" not in path.stem.lower()]
    plain = [path for path in boorus if path.stem.lower() == "danbooru"]
    translations = [path for path in files if path not in boorus and any(mark in path.stem.lower() for mark in ("zh", "cn"))]
    return [*(plain or boorus[-1:]), *translations]


@lru_cache(maxsize=2)
def _load(files: Stamp) -> Labels:
    labels: dict[str, Label] = {}
    zh: dict[str, str] = {}
    for path, _, _ in files:
        for row in _rows(path):
            translated = _translation(row)
            if translated is not None:
                zh.setdefault(*translated)
                continue
            label = _tagger_row(row) if path.name in _TAGGER_FILES else _list_row(row)
            if label is not None:
                labels.setdefault(label.name, label)
    return Labels(labels.values(), zh)


def _rows(path: Path) -> Iterator[list[str]]:
    """Rows of a csv; what is no UTF-8 in it becomes a replacement character, an unreadable rest is left out."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            yield from csv.reader(line.replace("\0", "") for line in lines)
    except (OSError, csv.Error):
        return


def _list_row(row: list[str]) -> Label | None:
    """A row ``name,kind,posts,"alias,alias"``; None for anything else. Short aliases that begin with / are left out."""
    if len(row) < 3 or row[1] not in KINDS or not _COUNT.fullmatch(row[2]) or not 0 < len(row[0]) <= _LONGEST_NAME:
        return None
    aliases = row[3].split(",")[:_MOST_ALIASES] if len(row) > 3 and row[3] else ()
    known = tuple(name for name in map(_name, aliases) if name and name[0] != "/")
    return Label(_name(row[0]), KINDS[row[1]], int(row[2]), known)


def _name(written: str) -> str:
    """``canonical``, but for the names that are so already, as nearly all of 150,000 are."""
    return canonical(written) if _ODD.search(written) else written


def _tagger_row(row: list[str]) -> Label | None:
    """A row ``id,name,kind,posts`` of a tagger's label file; None for its header and for anything else."""
    return _list_row(row[1:4]) if len(row) >= 4 else None


def _translation(row: list[str]) -> tuple[str, str] | None:
    """Tag and Chinese name of a row ``name,中文`` or ``name,kind,中文``; None for any other row."""
    if len(row) not in (2, 3) or not row[0] or row[-1].isascii() or len(row[-1]) > _LONGEST_NAME:
        return None
    return canonical(row[0]), row[-1].replace("\n", " ").split(",")[0].strip()
