"""Writes a run's report: one offline HTML file, Markdown, CSV, JSON and a contact sheet. Valid while the run goes on."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL.Image import Image

from tag_atelier import __version__
from tag_atelier.bench import card, diversity, grid, mosaic, report_page, report_tables, self_test, sheet, verdicts
from tag_atelier.bench.published import Published, published
from tag_atelier.bench.report_data import Passage, ReportData
from tag_atelier.bench.score import evaluate
from tag_atelier.bench.store import Store, StoredCell, write_whole
from tag_atelier.bench.workers import PNG_LEVEL
from tag_atelier.language import Language

SINGLE_FILE_CELLS = 500
"""Up to so many cells the pictures are inside the HTML file; above, they lie in ``thumbs`` beside it."""
MANY_SIDE = 160
"""Longest side of thumbnails above that number: their pictures are shown small, and a browser draws every one in software."""
STAMP = "report.stamp"
"""Says which state of the run the report beside it shows."""


def write(store: Store, folder: str | Path, language: Language = "en", passages: Sequence[Passage] = ()) -> Path:
    """Write the report's files into ``folder``: pages, tables, contact sheet and grid; ``passages`` stand first.

    Returns:
        The path of report.html. A run that is not complete gives a report that says so.

    Raises:
        OSError: the folder cannot be written. Files are moved into place whole, so an older report stays until then.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    stamp = _stamp(store, language)  # taken first: what changes while the report is made makes it stale
    data = dataclasses.replace(read(store, target, language), passages=passages)
    if data.cells:
        _write_picture(target / "sheet.png", sheet.contact_sheet(data, target / "thumbs"))
        _write_picture(target / "grid.png", grid.draw(data, target / "thumbs"))
        characters = mosaic.mosaic(data, target / "thumbs")
        _write_picture(target / "mosaic.png", characters)
        data = dataclasses.replace(data, mosaic=_mosaic_address(characters, len(data.cells) <= SINGLE_FILE_CELLS))
    pages = {
        "card.md": card.card(data, target),
        "report.md": report_tables.markdown(data),
        "results.csv": report_tables.csv_text(data),
        "results.json": report_tables.json_text(data),
        "report.html": report_page.page(data),
    }
    for name, text in pages.items():
        # Spreadsheets on Windows take a csv for UTF-8 only with the mark at its front.
        write_whole(target / name, text.encode("utf-8-sig" if name.endswith(".csv") else "utf-8"))
    if target.resolve() == store.folder.resolve():
        write_whole(target / STAMP, stamp.encode("utf-8"))
    return target / "report.html"


def _mosaic_address(picture: Image | None, embedded: bool) -> str:
    if picture is None:
        return ""
    if not embedded:
        return "mosaic.png"
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def is_fresh(store: Store, language: Language) -> bool:
    """Whether the report in the run's folder shows the run as it is now, in ``language``."""
    path = store.folder / STAMP
    return path.is_file() and path.read_text(encoding="utf-8") == _stamp(store, language)


def _stamp(store: Store, language: Language) -> str:
    """Changes whenever something changes that a report shows."""
    given = store.folder / verdicts.FILE
    vectors = store.folder / diversity.FILE
    parts = [__version__, language, store.revision(), given.read_text(encoding="utf-8") if given.is_file() else ""]
    parts.append(str(vectors.stat().st_mtime_ns) if vectors.is_file() else "")
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()


def _write_picture(path: Path, picture: Image | None) -> None:
    if picture is not None:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=PNG_LEVEL)
        write_whole(path, buffer.getvalue())


def read(store: Store, folder: Path, language: Language = "en") -> ReportData:
    """The run as every form of the report needs it; thumbnails are made here, several at a time."""
    cells = store.cells()
    side = sheet.THUMBNAIL_SIDE if len(cells) <= SINGLE_FILE_CELLS else MANY_SIDE
    with ThreadPoolExecutor(sheet.default_threads()) as pool:
        paths = list(pool.map(lambda stored: sheet.thumbnail(stored, folder / "thumbs", side), cells))
    small = {stored.cell.key: path for stored, path in zip(cells, paths, strict=True) if path is not None}
    evaluation = evaluate(store)
    return ReportData(
        plan=store.plan(),
        manifest=store.manifest(),
        evaluation=evaluation,
        verdicts=verdicts.read(store.folder),
        published=_published(store),
        diversity=diversity.result(store.folder, cells, len(evaluation.checkpoints)),
        self_test=self_test.result(store, evaluation.threshold, evaluation.scorer),
        cells=cells,
        language=language,
        images="images/" if folder.resolve() == store.folder.resolve() else "",
        picture=_addresses(small, embedded=len(cells) <= SINGLE_FILE_CELLS),
    )


def _published(store: Store) -> Published | None:
    spec: Any = store.plan().get("spec", {})
    name = str(spec.get("verdicts", ""))
    return published(name) if name else None


def _addresses(small: dict[str, Path], embedded: bool) -> Callable[[StoredCell], str]:
    def address(stored: StoredCell) -> str:
        path = small.get(stored.cell.key)
        if path is None:
            return ""
        return sheet.data_uri(path) if embedded else f"thumbs/{path.name}"

    return address
