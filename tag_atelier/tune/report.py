"""Writes a study's report: one offline HTML file with its pictures inside, and Markdown. Valid while the study goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tag_atelier.bench.sheet import data_uri, thumbnail_of
from tag_atelier.bench.store import write_whole
from tag_atelier.language import Language
from tag_atelier.tune.report_data import Strip, StudyData
from tag_atelier.tune.report_page import page
from tag_atelier.tune.report_text import markdown
from tag_atelier.tune.status import StudyStatus
from tag_atelier.tune.study import COST_FILE
from tag_atelier.tune.study_spec import StudySpec

SIDE = 200
"""Longest side of a preview in the report."""


def write(spec: StudySpec, status: StudyStatus, folder: Path, language: Language = "en") -> Path:
    """Write ``report.html`` and ``report.md`` into the study's folder; the path of the first.

    Raises:
        OSError: the folder cannot be written. Files are moved into place whole, so an older report stays until then.
    """
    data = StudyData(spec, status, _cost(folder), language, _strips(status, folder))
    write_whole(folder / "report.md", markdown(data).encode("utf-8"))
    write_whole(folder / "report.html", page(data).encode("utf-8"))
    return folder / "report.html"


def _cost(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / COST_FILE).read_text(encoding="utf-8"))
    return found


def _strips(status: StudyStatus, folder: Path) -> tuple[Strip, ...]:
    """Columns of previews: parents, every improvement, the answer; those that another machine drew are not here."""
    columns = []
    for trial in status.trials:
        if trial.previews and (trial.phase == "parents" or trial.improved):
            parent = status.parents[int(trial.candidate.rpartition("-")[2]) - 1].name if trial.phase == "parents" else ""
            columns.append(Strip(parent, trial.number, _pictures(trial.previews, folder)))
    if status.answer is not None and status.answer.previews:
        columns.append(Strip("", 0, _pictures(status.answer.previews, folder)))
    return tuple(column for column in columns if any(column.pictures))


def _pictures(names: Sequence[str], folder: Path) -> tuple[str, ...]:
    found = []
    for name in names:
        small = thumbnail_of(folder / name, folder / "thumbs", SIDE) if (folder / name).is_file() else None
        found.append(data_uri(small) if small is not None else "")
    return tuple(found)
