"""Well-known characters: Chinese names, series, main characteristics and usual clothes, in both forms of a trigger.

Reads ``presets/characters.csv``, written by us. Called by ``jobs.prompt_desk``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from tag_atelier.errors import PromptError
from tag_atelier.prompt.slots import canonical
from tag_atelier.settings import PRESETS_FOLDER

COLUMNS = ("name", "who", "zh", "series", "features", "outfit")
Form = Literal["tag", "sentence"]

_WHO = ("girl", "boy", "other")
_LIST = "|"


class Character(NamedTuple):
    """One row."""

    name: str
    """Danbooru's tag."""
    who: str
    """``girl``, ``boy`` or ``other``."""
    zh: tuple[str, ...]
    """Chinese names, the usual one first."""
    series: str
    """Danbooru's tag of the series."""
    features: tuple[str, ...]
    """Hair, eyes and what else the character is known by."""
    outfit: tuple[str, ...]
    """What the character usually wears."""

    @property
    def tag_form(self) -> str:
        """The trigger as a tag, brackets escaped: ``lucy \\(cyberpunk\\)``."""
        return _written(self.name)

    @property
    def sentence_form(self) -> str:
        """The trigger as a phrase: ``a girl named frieren from sousou no frieren series``."""
        name, series = self.name.split("_(")[0].replace("_", " "), self.series.removesuffix("_(series)").replace("_", " ")
        who = self.who if self.who != "other" else "character"
        return f"a {who} named {name}" + (f" from {_escaped(series)} series" if series else "")

    @property
    def costume_tag(self) -> str:
        """How Danbooru calls somebody else in these clothes: ``frieren \\(cosplay\\)``."""
        return f"{_written(self.name)} \\(cosplay\\)"


class Characters:
    """Read-only; found by tag, by tag without its series, and by any Chinese name."""

    def __init__(self, rows: Iterable[Character]) -> None:
        self.rows = tuple(rows)
        self._by_name: dict[str, Character] = {}
        for row in self.rows:
            for key in (row.name, *row.zh, row.name.split("_(")[0]):
                self._by_name.setdefault(key.lower(), row)

    def get(self, name: str) -> Character | None:
        """The character of this tag or name, English or Chinese, or None."""
        spoken = canonical(name.removeprefix("a girl named ").removeprefix("a boy named "))
        return self._by_name.get(name.strip().lower()) or self._by_name.get(spoken)

    @property
    def zh(self) -> Mapping[str, str]:
        """Canonical tag → usual Chinese name."""
        return {row.name: row.zh[0] for row in self.rows if row.zh}


@lru_cache(maxsize=2)
def load_characters(path: Path = PRESETS_FOLDER / "characters.csv") -> Characters:
    """The characters of the file.

    Raises:
        PromptError: a row has other columns than ``COLUMNS``, or names nobody.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    if not rows or tuple(rows[0]) != COLUMNS:
        found = ",".join(rows[0]) if rows else ""
        sentence = "{file} begins with '{found}', expected '{columns}'."
        raise PromptError(sentence, file=path.name, found=found, columns=",".join(COLUMNS))
    return Characters(_character(row, number, path.name) for number, row in enumerate(rows[1:], start=2))


def _character(row: list[str], number: int, file: str) -> Character:
    if len(row) != len(COLUMNS) or not row[0] or row[1] not in _WHO:
        sentence = "{file} line {number} reads '{row}', expected {columns}; mend or remove it."
        raise PromptError(sentence, file=file, number=number, row=",".join(row), columns=", ".join(COLUMNS))
    name, who, zh, series, features, outfit = row
    return Character(name, who, _parts(zh), series, _parts(features), _parts(outfit))


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(_LIST) if part.strip())


def _written(name: str) -> str:
    return _escaped(name.replace("_", " "))


def _escaped(text: str) -> str:
    return text.replace("(", "\\(").replace(")", "\\)")
