"""The labels of a tagger, in the order of its outputs, under their canonical names. Used by ``tagger.onnx_tagger``."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.errors import TaggerError
from tag_atelier.prompt.slots import canonical
from tag_atelier.tagger.families import LabelKind

_COLUMN = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Vocabulary:
    """One label per output column."""

    labels: tuple[str, ...]
    """Canonical: lower case, underscores; unique."""
    kind: LabelKind = "table"
    """What sort of file they come from; taggers of one family share one."""

    def column(self, tag: str) -> int | None:
        """Output column of a tag in any spelling; None where the tagger does not know it."""
        name = canonical(tag)
        return self.labels.index(name) if name in self.labels else None


def read_vocabulary(path: Path) -> Vocabulary:
    """Labels from a WD or PixAI ``selected_tags.csv``, any csv with a ``name`` column, a JSON list or mapping (also
    cl_tagger's ``tag_mapping.json`` and camie's metadata), or a text file.

    Raises:
        TaggerError: the file cannot be read, or holds no labels.
    """
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaggerError(
            "The label file '{path}' cannot be read as UTF-8 text; download the tagger again.", path=path
        ) from error
    kind: LabelKind = "table"
    if path.suffix.lower() == ".json":
        raw, kind = _from_json(source, path)
    else:
        raw = (_from_csv if path.suffix.lower() == ".csv" else _from_lines)(source, path)
    if not raw:
        raise TaggerError("The label file '{path}' holds no labels; expected one per output of the model.", path=path)
    return Vocabulary(_distinct([canonical(name) for name in raw]), kind)


def _from_csv(source: str, path: Path) -> list[str]:
    rows = csv.DictReader(source.splitlines())
    column = next((name for name in ("name", "tag", "label") if name in (rows.fieldnames or ())), None)
    if column is None:
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        raise TaggerError(
            "The label file '{path}' has the columns {found}; expected one called 'name'.", path=path, found=found
        )
    try:
        return [row[column] or "" for row in rows]
    except csv.Error as error:
        raise TaggerError(
            "The label file '{path}' is no csv ({error}); download the tagger again.", path=path, error=str(error)
        ) from error


def _from_json(source: str, path: Path) -> tuple[list[str], LabelKind]:
    try:
        value = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise TaggerError("The label file '{path}' is not valid JSON; download the tagger again.", path=path) from error
    value, kind = _unwrapped(value)
    if isinstance(value, dict) and value and all(_COLUMN.fullmatch(str(key)) for key in value):
        ordered = [value[key] for key in sorted(value, key=int)]
        if all(isinstance(item, dict) and isinstance(item.get("tag"), str) for item in ordered):
            ordered, kind = [item["tag"] for item in ordered], "tag_mapping"
        if sorted(map(int, value)) != list(range(len(value))):
            raise TaggerError(
                "The label file '{path}' leaves out numbers; expected every column from 0 on to have a name.", path=path
            )
        value = ordered
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TaggerError("The label file '{path}' is neither a list of names nor a mapping of numbers to names.", path=path)
    return value, kind


def _unwrapped(value: object) -> tuple[object, LabelKind]:
    """The mapping of numbers to names inside camie's metadata; anything else as it is."""
    if not isinstance(value, dict):
        return value, "table"
    if "idx_to_tag" in value:
        return value["idx_to_tag"], "metadata"
    inside = value.get("dataset_info")
    mapping = inside.get("tag_mapping") if isinstance(inside, dict) else None
    if isinstance(mapping, dict) and "idx_to_tag" in mapping:
        return mapping["idx_to_tag"], "metadata_v2"
    return value, "table"


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
