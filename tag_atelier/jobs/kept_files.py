"""The small JSON files that we keep for a user between versions: which schema each was written in, and what that means here.

Files from before there were schemas count as 0. An older file is brought up to date when it is read, and stored so when it next
changes; a newer one is neither read nor overwritten. Used by ``jobs`` only; run databases have their own (``bench.store``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tag_atelier.errors import TagAtelierError

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


class NewerFile(TagAtelierError):
    """A file that a later version wrote."""


@dataclass(frozen=True)
class Form:
    """How one kind of file is written."""

    schema: int
    """What this version writes."""
    upgrades: Mapping[int, Upgrade]
    """Schema → what makes the next one of its value."""
    key: str = "schema"
    """Where the file says it."""

    def parse(self, text: str, name: str) -> dict[str, Any]:
        """The value in a file's text, brought up to date, with its schema.

        Raises:
            ValueError, RecursionError: it is no JSON object, or of a schema that never was.
            NewerFile: a later version wrote it.
        """
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"it holds {type(value).__name__}, expected an object")
        found = self.of(value)
        self.refuse_newer(found, name)
        while found < self.schema:
            if found not in self.upgrades:
                raise ValueError(f"it holds {self.key} {found}, expected {self.schema}")
            value, found = self.upgrades[found](value), found + 1
        return {**value, self.key: self.schema}

    def of(self, value: Mapping[str, Any]) -> int:
        """The schema of a value; 0 where it names none."""
        found = value.get(self.key, 0)
        return found if type(found) is int else 0

    def refuse_newer(self, found: int, name: str) -> None:
        """Raises NewerFile for a schema that this version does not know."""
        if found > self.schema:
            raise NewerFile(
                "'{name}' was written by a newer Tag Atelier ({key} {found}, this one knows {known}); "
                "update Tag Atelier, or move the file away.",
                name=name,
                key=self.key,
                found=found,
                known=self.schema,
            )

    def render(self, value: Mapping[str, Any]) -> bytes:
        """What to write."""
        return json.dumps({self.key: self.schema, **value}, ensure_ascii=False, indent=1).encode("utf-8")


def read_lines(path: Path, form: Form) -> tuple[Sequence[str], list[Mapping[str, Any]]]:
    """A file of one JSON object a line: all lines as they stand, and the values of those that this version can read."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        return (), []
    values: list[Mapping[str, Any]] = []
    for line in lines:
        try:
            values.append(form.parse(line, path.name))
        except (ValueError, RecursionError, TagAtelierError):
            continue
    return lines, values
