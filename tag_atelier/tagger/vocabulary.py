"""The labels of a tagger, in the order of its outputs, under their canonical names. Used by ``tagger.onnx_tagger``."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.errors import TaggerError
from tag_atelier.prompt.slots import canonical


@dataclass(frozen=True)
class Vocabulary:
    """One label per output column."""

    labels: tuple[str, ...]
    """Canonical: lower case, underscores; unique."""

    def column(self, tag: str) -> int | None:
        """Output column of a tag in any spelling; None where the tagger does not know it."""
        name = canonical(tag)
        return self.labels.index(name) if name in self.labels else None


def read_vocabulary(path: Path) -> Vocabulary:
    """Labels from a WD ``selected_tags.csv``, any csv with a ``name`` column, a JSON list or mapping, or a text file.

    Raises:
        TaggerError: the file cannot be read, or holds no labels.
    """
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaggerError(f"The label file '{path}' cannot be read as UTF-8 text; download the tagger again.") from error
    readers = {".csv": _from_csv, ".json": _from_json}
    raw = readers.get(path.suffix.lower(), _from_lines)(source, path)
    if not raw:
        raise TaggerError(f"The label file '{path}' holds no labels; expected one per output of the model.")
    return Vocabulary(_distinct([canonical(name) for name in raw]))


def _from_csv(source: str, path: Path) -> list[str]:
    rows = csv.DictReader(source.splitlines())
    column = next((name for name in ("name", "tag", "label") if name in (rows.fieldnames or ())), None)
    if column is None:
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        raise TaggerError(f"The label file '{path}' has the columns {found}; expected one called 'name'.")
    return [row[column] or "" for row in rows]


def _from_json(source: str, path: Path) -> list[str]:
    try:
        value = json.loads(source)
    except ValueError as error:
        raise TaggerError(f"The label file '{path}' is not valid JSON; download the tagger again.") from error
    if isinstance(value, dict) and all(str(key).isdigit() for key in value):
        value = [value[key] for key in sorted(value, key=int)]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TaggerError(f"The label file '{path}' is neither a list of names nor a mapping of numbers to names.")
    return value


def _from_lines(source: str, path: Path) -> list[str]:
    return [line.strip() for line in source.splitlines() if line.strip()]


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    # Two spellings of one tag: the first keeps the name, the others stay reachable by position only.
    seen: set[str] = set()
    distinct = []
    for position, name in enumerate(names):
        distinct.append(name if name not in seen else f"{name}#{position}")
        seen.add(name)
    return tuple(distinct)
