"""Verdicts by people that were published elsewhere, by tag; a plan names a file of them. Loads without numpy.

Used by ``bench.plan``, which refuses unknown ones, and by the report, which shows them beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tag_atelier.bench.fields import only_known, read_mapping, text, texts
from tag_atelier.errors import SpecError, UnknownName
from tag_atelier.prompt.slots import canonical
from tag_atelier.settings import PRESETS_FOLDER

Answer = Literal["drawn", "absent", "unsure", "broken"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)


@dataclass(frozen=True)
class Published:
    """Verdicts on tags from elsewhere, shown beside ours."""

    source: str
    answers: Mapping[str, Answer]
    """By canonical tag."""


def published(name: str, folder: Path = PRESETS_FOLDER / "benchmarks" / "verdicts") -> Published:
    """The published verdicts called ``name``.

    Raises:
        UnknownName: there are none of that name.
        SpecError: the file names a tag twice, or holds something else.
    """
    known = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name not in known:
        raise UnknownName("file of verdicts", name, sorted(known))
    value = read_mapping(known[name].read_text(encoding="utf-8"), name)
    only_known(value, ("source", *ANSWERS), name)
    answers: dict[str, Answer] = {}
    for answer in ANSWERS:
        for tag in map(canonical, texts(value.get(answer, ()), answer)):
            if tag in answers:
                raise SpecError("'{name}' gives two verdicts on '{tag}'; expected one.", name=name, tag=tag)
            answers[tag] = answer
    return Published(text(value.get("source", ""), "source", 1, 300), answers)
