"""The tag catalogue: what is known about a tag by name, and which slot a tag belongs in.

Reads ``presets/tags/*.csv`` (columns in ``COLUMNS``) and, beside them, ``rare.txt`` (rare tags under their slot) and
``implied.txt`` (narrow tags under a broad one that their row does not name); other tags are left to ``slot_rules``, which may
abstain. Called by arrange, lint, overlap, search, and by the benchmark's plan.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tag_atelier.errors import PromptError, say
from tag_atelier.prompt.slot_rules import guess
from tag_atelier.prompt.slots import ABSTAIN, SLOTS, SlotGuess, canonical
from tag_atelier.settings import PRESETS_FOLDER

COLUMNS = ("name", "slot", "zh", "posts", "broader", "one_person", "safe", "reviewed", "also")
REVIEWED_CONFIDENCE = 0.99
LISTED_CONFIDENCE = 0.95
SHARED_CONFIDENCE = 0.75
"""Of a row that names a second slot: two careful readers would not agree."""
RARE_CONFIDENCE = 0.9
"""Of a tag that has a slot but no row."""
RARE_FILE, IMPLIED_FILE = "rare.txt", "implied.txt"
_ALSO = frozenset((*SLOTS, ""))


class TagEntry(NamedTuple):
    """One row of the catalogue."""

    name: str
    """Danbooru's name: lower case, underscores."""
    slot: str
    """One of ``slots.SLOTS``."""
    zh: str
    """Chinese name; empty where none was written yet."""
    posts: int
    """Posts on Danbooru in January 2025; 0 where the list of that date lacks the tag."""
    broader: str
    """The tag this one implies; for a character, the series. Empty where there is none."""
    one_person: bool
    """Fits a picture of one person."""
    safe: bool
    """False for what is sensitive or explicit."""
    reviewed: bool
    """A person judged this row by itself."""
    also: str = ""
    """The other slot a careful reader might choose; empty where there is no doubt."""

    @property
    def text(self) -> str:
        """The tag as it is written into a prompt: spaces, brackets escaped."""
        spaced = self.name.replace("_", " ") if any(sign.isalpha() for sign in self.name) else self.name
        return spaced.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").replace("[", "\\[").replace("]", "\\]")


class Catalogue:
    """Read-only; ``load`` it once and share it."""

    def __init__(
        self,
        entries: Iterable[TagEntry],
        rare: Iterable[tuple[str, str]] = (),
        implied: Iterable[tuple[str, str]] = (),
    ) -> None:
        """``rare``: names and slots of tags of which nothing else is known. ``implied``: narrow and broad names."""
        self._entries = {entry.name: entry for entry in entries}
        self._rare = dict(rare)
        self._implied: dict[str, list[str]] = {}
        for narrow, broad in implied:
            self._implied.setdefault(narrow, []).append(broad)
        self._guesses: dict[str, SlotGuess] = {}
        self._series = {entry.broader for entry in self._entries.values() if entry.slot == "character" and entry.broader}

    @classmethod
    def load(cls, folder: Path = PRESETS_FOLDER / "tags") -> Catalogue:
        """The catalogue of every csv and both text files in ``folder``; read once, until a file changes.

        Raises:
            PromptError: a file lacks columns, or a row or a heading names no slot.
        """
        files = sorted((*folder.glob("*.csv"), *folder.glob(RARE_FILE), *folder.glob(IMPLIED_FILE)))
        return _load(tuple((path, path.stat().st_mtime_ns) for path in files))

    @property
    def entries(self) -> Mapping[str, TagEntry]:
        """All rows by canonical name."""
        return MappingProxyType(self._entries)

    def get(self, tag: str) -> TagEntry | None:
        """The row of ``tag``, however it is spelled (spaces, underscores, escapes), or None."""
        return self._entries.get(tag) or self._entries.get(canonical(tag))

    def slot(self, tag: str) -> SlotGuess:
        """Where ``tag`` belongs and how sure that is; ``unknown`` with 0.0 where the catalogue abstains."""
        known = self._guesses.get(tag)
        if known is None:
            entry = self._entries.get(tag.replace(" ", "_"))
            known = self._judge(canonical(tag)) if entry is None else _sure(entry)
            if len(self._guesses) > 50_000:
                self._guesses.clear()
            self._guesses[tag] = known
        return known

    def forget(self) -> None:
        """Drop remembered answers, as a measurement of first meetings wants."""
        self._guesses.clear()

    def implied(self, name: str) -> Sequence[str]:
        """Canonical names that the canonical tag ``name`` implies beside what its row names."""
        return self._implied.get(name, ())

    def is_series(self, tag: str) -> bool:
        """True for the series of a character in the catalogue."""
        return canonical(tag) in self._series

    def _judge(self, name: str) -> SlotGuess:
        entry = self._entries.get(name)
        if entry is not None:
            return _sure(entry)
        if not name:
            return ABSTAIN
        rare = self._rare.get(name)
        return guess(name) if rare is None else SlotGuess(rare, RARE_CONFIDENCE)


def _sure(entry: TagEntry) -> SlotGuess:
    sure = REVIEWED_CONFIDENCE if entry.reviewed else LISTED_CONFIDENCE
    return SlotGuess(entry.slot, SHARED_CONFIDENCE if entry.also else sure)


@lru_cache(maxsize=4)
def _load(files: tuple[tuple[Path, int], ...]) -> Catalogue:
    entries: list[TagEntry] = []
    listed: dict[str, list[tuple[str, str]]] = {RARE_FILE: [], IMPLIED_FILE: []}
    for path, _ in files:
        if path.name in listed:
            listed[path.name].extend(_under_headings(path))
        else:
            entries.extend(_rows(path))
    return Catalogue(entries, listed[RARE_FILE], listed[IMPLIED_FILE])


def _under_headings(path: Path) -> Iterator[tuple[str, str]]:
    """Every name with the ``[heading]`` above it."""
    heading = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("[") and line.endswith("]") and " " not in line:
            heading = line[1:-1]
            continue
        if not heading or (path.name == RARE_FILE and heading not in SLOTS):
            raise PromptError(
                "{file} line {number} stands under '{heading}', expected {wanted} in square brackets above it;"
                " mend the heading.",
                file=path.name,
                number=number,
                heading=heading,
                wanted=say("a slot") if path.name == RARE_FILE else say("a broad tag"),
            )
        yield from ((name, heading) for name in line.split())


def _rows(path: Path) -> list[TagEntry]:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            sentence = "{file} begins with '{found}', expected '{columns}'; put that line first."
            found = ",".join(header) or say("an empty file")
            raise PromptError(sentence, file=path.name, found=found, columns=",".join(COLUMNS))
        rows = []
        for number, row in enumerate(reader, start=2):
            if len(row) != len(COLUMNS) or row[1] not in SLOTS or not row[3].isdigit() or row[8] not in _ALSO:
                raise PromptError(
                    "{file} line {number} reads '{row}', expected {count} columns with a slot (not 'unknown') in the second,"
                    " a number in the fourth and a slot or nothing in the last; mend or remove the line.",
                    file=path.name,
                    number=number,
                    row=",".join(row),
                    count=len(COLUMNS),
                )
            name, slot, zh, posts, broader, one_person, safe, reviewed, also = row
            flags = (one_person != "0", safe != "0", reviewed == "1")
            rows.append(TagEntry(name, slot, zh, int(posts), broader, *flags, also))
    return rows
