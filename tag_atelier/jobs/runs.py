"""The stored runs as the doors ask for them: list, report, pictures, verdicts, compare, export, delete."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tag_atelier.bench.published import published
from tag_atelier.errors import Busy, RequestError, TagAtelierError, UnknownName, say
from tag_atelier.language import Language

if TYPE_CHECKING:
    from tag_atelier.bench.store import Store

logger = logging.getLogger(__name__)

REPORT_FILES = (
    "report.html", "report.md", "results.csv", "results.json", "sheet.png", "grid.png", "mosaic.png", "verdicts.json",
    "card.md",
)  # fmt: skip
"""What a run's folder holds for reading, besides pictures."""
WRITTEN = tuple(name for name in REPORT_FILES if name != "verdicts.json")
EXPORT = "export.zip"
FRESH_S = 10.0
"""A report of a run that is going on is written again when it is older than this."""
DELETED = ".deleted-"
"""Begins the name of a folder that is being deleted: it is no run any more, whatever is left of it."""


class Runs:
    """The runs in one folder, each in a folder of its own."""

    def __init__(self, folder: Callable[[], Path], language: Callable[[], Language]) -> None:
        self._folder, self._language = folder, language

    def listed(self) -> list[dict[str, object]]:
        """Newest first: ``{id, files, name, total, drawn, done, size_bytes, started_at, finished_at}``.

        ``done`` is false while a run is going on, was stopped, or has cells that could not be drawn; a folder that holds
        no readable run has only ``id``, ``files`` and ``size_bytes``.
        """
        from tag_atelier.bench.store import read_summary

        return [
            {"id": folder.name, "files": _present(folder), "size_bytes": size_bytes(folder)} | read_summary(folder)
            for folder in self.folders()
        ]

    def folders(self) -> list[Path]:
        """Newest first."""
        if not self._folder().is_dir():
            return []
        found = [path for path in self._folder().iterdir() if path.is_dir() and not path.name.startswith(".")]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def folder(self, run: str) -> Path:
        """The folder of one run. Raises UnknownName: names are looked up, never joined as given."""
        known = {path.name: path for path in self.folders()}
        if run not in known:
            raise UnknownName("run", run, list(known))
        return known[run]

    def report_file(self, run: str, name: str) -> Path:
        """One report file of one run, written again where the run has changed since; ``export.zip`` is packed when asked.

        A run that is going on gives a report that says how much of it is missing.

        Raises:
            UnknownName: no such run or file.
        """
        folder = self.folder(run)
        if name == EXPORT:
            return self._export(folder)
        if name in WRITTEN:
            self._refresh(folder)
        return look_up("report file", folder, name, REPORT_FILES)

    def picture_file(self, run: str, name: str, size: str = "images") -> Path:
        """One picture of one run; ``size`` is ``images`` or ``thumbs``. Raises UnknownName as ``report_file`` does."""
        folder = self.folder(run) / size
        if size == "thumbs":
            self._make_thumbnail(folder, name)
        return look_up("picture", folder, name, [path.name for path in folder.glob("*")] if folder.is_dir() else [])

    def cells(self, run: str) -> dict[str, object]:
        """Where every planned picture stands: ``{cells: [{key, tag, checkpoint, seed, state, image}]}``; also while it runs.

        ``image`` is the name of the small picture to ask for; empty where there is none.
        """
        with _opened(self.folder(run)) as store:
            plan: Any = store.plan()
            names = [item["name"] for item in plan.get("checkpoints", [])]
            found = [
                {
                    "key": item.cell.key,
                    "tag": ", ".join(item.cell.tags).replace("_", " "),
                    "checkpoint": names[item.cell.checkpoint],
                    "seed": item.cell.seed,
                    "state": item.state,
                    "image": f"{item.image.stem}{thumbnail_ending()}" if item.image is not None else "",
                }
                for item in store.cells()
            ]
        return {"cells": found}

    def _make_thumbnail(self, folder: Path, name: str) -> None:
        """Make a small picture that is asked for before the report makes all of them."""
        from tag_atelier.bench.sheet import thumbnail_of

        images = folder.parent / "images"
        known = {path.stem: path for path in images.glob("*.png")} if images.is_dir() else {}
        source = known.get(Path(name).stem)
        if source is not None and not (folder / name).is_file():
            thumbnail_of(source, folder)

    def verdicts(self, run: str) -> dict[str, object]:
        """The run's pictures in the order in which to judge them, and what people said so far; see ``verdict_queue``."""
        from tag_atelier.bench import verdicts
        from tag_atelier.bench.verdict_queue import queue

        folder = self.folder(run)
        with _opened(folder) as store:
            spec: Any = store.plan().get("spec", {})
            name = str(spec.get("verdicts", ""))
            found = queue(store, verdicts.read(folder), published(name) if name else None)
            return {"run": run, "name": spec.get("name", ""), **found}

    def add_verdicts(self, run: str, value: object) -> dict[str, object]:
        """Lay verdicts by people over those of a run: ``{run, verdicts: how many}``. Its report shows them from now on.

        Raises:
            UnknownName: there is no such run.
            RequestError: ``value`` is not what page and report export.
        """
        from tag_atelier.bench import verdicts

        return {"run": run, "verdicts": len(verdicts.add(self.folder(run), value))}

    def compare(self, names: Sequence[str]) -> dict[str, object]:
        """Checkpoints of several runs on the tags they share; see ``bench.compare``.

        Raises:
            UnknownName: one of the runs is not there.
            SpecError: fewer than two, or nothing in common.
        """
        from tag_atelier.bench.compare import compare

        with ExitStack() as opened:
            stores = [(name, opened.enter_context(_opened(self.folder(name)))) for name in dict.fromkeys(names)]
            return compare(stores)

    def delete(self, run: str) -> dict[str, object]:
        """Delete a run with its pictures and verdicts for good: ``{deleted, size_bytes}``.

        Raises:
            UnknownName: there is no such run.
            Busy: a job is writing it.
        """
        folder = self.folder(run)
        freed = size_bytes(folder)
        _refuse_while_written(folder)
        # The rename is at once: a kill half way leaves something that is no run any more.
        doomed = folder.with_name(f"{DELETED}{folder.name}-{time.time_ns()}")
        folder.rename(doomed)
        for path in (doomed, *self._folder().glob(f"{DELETED}*")):
            shutil.rmtree(path, ignore_errors=True)
        return {"deleted": run, "size_bytes": freed}

    def _export(self, folder: Path) -> Path:
        from tag_atelier.bench.export import export

        self._refresh(folder)
        return export(folder, folder / EXPORT, (folder.parent.parent, Path.home()))

    def _refresh(self, folder: Path) -> None:
        """Write the report of a run that has changed since; a run that is going on at most every ``FRESH_S`` seconds."""
        from tag_atelier.bench.report import is_fresh, write

        page = folder / "report.html"
        if not _holds_run(folder) or (_age_s(page) < FRESH_S / 10 and not _judged_since(folder, page)):
            return
        with _opened(folder) as store:
            if is_fresh(store, self._language()):
                return
            if _age_s(page) >= FRESH_S or not _partial(store) or _judged_since(folder, page):
                write(store, folder, self._language())


def thumbnail_ending() -> str:
    """Ending of small pictures on this machine."""
    from tag_atelier.bench.sheet import thumbnail_format

    return thumbnail_format()[0]


def size_bytes(folder: Path) -> int:
    """Bytes of all files below ``folder``; one that vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def look_up(kind: str, folder: Path, name: str, known: Sequence[str]) -> Path:
    """``folder / name`` where ``name`` is one of ``known`` and there. Raises UnknownName."""
    if name not in known or not (folder / name).is_file():
        raise UnknownName(kind, name, sorted(known))
    return folder / name


def run_names(text: object) -> list[str]:
    """Run ids from ``"one,two"``. Raises RequestError where there are none."""
    names = [name.strip() for name in str(text or "").split(",") if name.strip()]
    if not names:
        raise RequestError("'runs' is missing; expected the ids of at least two runs, as in ?runs=one,two.")
    return names


def _present(folder: Path) -> list[str]:
    return [name for name in REPORT_FILES if (folder / name).exists()]


def _age_s(file: Path) -> float:
    """Seconds since it was written; endless where it is missing, or said to be from the future."""
    age = time.time() - file.stat().st_mtime if file.is_file() else math.inf
    return age if age >= 0 else math.inf


def _judged_since(folder: Path, page: Path) -> bool:
    """Whether somebody gave a verdict after ``page`` was written, which is to be seen in it at once."""
    verdicts = folder / "verdicts.json"
    return page.is_file() and verdicts.is_file() and verdicts.stat().st_mtime_ns >= page.stat().st_mtime_ns


def _holds_run(folder: Path) -> bool:
    from tag_atelier.bench.store import DATABASE

    return (folder / DATABASE).is_file()


def _partial(store: Store) -> bool:
    return not store.summary()["done"]


def _refuse_while_written(folder: Path) -> None:
    """Raises Busy; a run that cannot be read is written by nobody."""
    try:
        if _holds_run(folder):
            with _opened(folder) as store, store.writing():
                pass
    except Busy:
        raise
    except TagAtelierError:
        logger.info("the run %s is deleted unread", folder.name)


@contextmanager
def _opened(folder: Path) -> Iterator[Store]:
    """The store in ``folder``; nothing is made by looking.

    Raises:
        UnknownName: the folder holds none.
        TagAtelierError: it is damaged; also where that shows only while it is read.
    """
    from tag_atelier.bench.store import DAMAGE, DATABASE, Store

    if not _holds_run(folder):
        raise UnknownName("run", folder.name, remedy=say("The folder holds no '{file}'; delete it.", file=DATABASE))
    try:
        with Store(folder) as store:
            yield store
    except DAMAGE as error:
        logger.warning("the run %s cannot be read", folder.name, exc_info=True)
        raise TagAtelierError(
            "The run '{name}' cannot be read ({reason}): its database is damaged; put a copy of it back, or delete the run.",
            name=folder.name,
            reason=str(error),
        ) from error
