"""The searches in one folder, each in a folder of its own: listed, their reports and pictures, deleted.

Used by ``jobs.studies``.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tag_atelier.errors import TagAtelierError, UnknownName
from tag_atelier.jobs.runs import DELETED, look_up, size_bytes
from tag_atelier.language import Language
from tag_atelier.tune.study import BEST_FILE, SPEC_FILE, Study

logger = logging.getLogger(__name__)

STATUS_FILE = "status.json"
"""What a study showed when it was last left; lists are drawn from it without opening a storage."""
REPORT = "report.html"
FILES = (REPORT, "report.md", BEST_FILE)
"""What is handed out; not the spec, whose storage may hold a password."""


class StudyShelf:
    """Folders of studies, read without optuna."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def folders(self) -> list[Path]:
        """Newest first; only folders that hold a study."""
        if not self._folder().is_dir():
            return []
        found = [path for path in self._folder().iterdir() if not path.name.startswith(".") and (path / SPEC_FILE).is_file()]
        return sorted(found, key=lambda path: (path / SPEC_FILE).stat().st_mtime, reverse=True)

    def folder(self, study: str) -> Path:
        """The folder of one study. Raises UnknownName: names are looked up, never joined as given."""
        known = {path.name: path for path in self.folders()}
        if study not in known:
            raise UnknownName("study", study, list(known))
        return known[study]

    def entry(self, folder: Path) -> dict[str, object]:
        """What a list shows of one: ``{id, name, phase, finished_trials, planned_trials, sentence, files, size_bytes}``."""
        shown = ("name", "phase", "finished_trials", "planned_trials")
        seen = _left(folder)
        result = seen.get("result")
        return {
            "id": folder.name,
            "name": folder.name,
            **{key: seen[key] for key in shown if key in seen},
            "sentence": result["sentence"] if isinstance(result, Mapping) else "",
            "files": self.files(folder),
            "size_bytes": size_bytes(folder),
        }

    def files(self, folder: Path) -> list[str]:
        """Those of ``FILES`` that are there."""
        return [name for name in FILES if (folder / name).is_file()]

    def file(self, study: str, name: str) -> Path:
        """One of ``FILES`` as it lies there. Raises UnknownName."""
        return look_up("study's file", self.folder(study), name, FILES)

    def picture(self, study: str, name: str, size: str) -> Path:
        """A preview picture; ``size`` is ``previews`` or ``thumbs``. Raises UnknownName."""
        previews = self.folder(study) / "previews"
        known = {path.name: path for path in previews.glob("*.png")} if previews.is_dir() else {}
        if size == "thumbs" and name in known:
            from tag_atelier.bench.sheet import thumbnail_of

            small = thumbnail_of(known[name], previews.parent / "thumbs")
            return small if small is not None else known[name]
        return look_up("preview", previews, name, sorted(known))

    def leave(self, study: Study, language: Language) -> None:
        """Write down what the study shows now, with its report. Raises HostError where its storage is away, OSError."""
        from tag_atelier.bench.store import write_whole
        from tag_atelier.tune.report import write

        found = study.status()
        write_whole(study.folder / STATUS_FILE, json.dumps(found.as_dict(), ensure_ascii=False).encode("utf-8"))
        write(study.spec, found, study.folder, language)

    def leave_quietly(self, study: Study, language: Language) -> None:
        """The same at the end of work, whose own error it must not hide."""
        try:
            self.leave(study, language)
        except (TagAtelierError, OSError):
            logger.exception("the report of the study %s could not be written", study.folder.name)

    def delete(self, study: str) -> dict[str, object]:
        """Delete a study's folder for good: ``{deleted, size_bytes}``. Raises UnknownName."""
        folder = self.folder(study)
        freed = size_bytes(folder)
        # The rename is at once: a kill half way leaves something that is no study any more.
        folder.rename(folder.with_name(f"{DELETED}{folder.name}-{time.time_ns()}"))
        for path in self._folder().glob(f"{DELETED}*"):
            shutil.rmtree(path, ignore_errors=True)
        return {"deleted": study, "size_bytes": freed}


def _left(folder: Path) -> Mapping[str, Any]:
    """What the study showed when it was last left; empty where it never was, or where that cannot be read."""
    try:
        found = json.loads((folder / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
