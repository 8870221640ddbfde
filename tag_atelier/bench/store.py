"""One run on disk: an SQLite file, a folder of pictures, and nothing that a kill could leave half-written.

Written by ``bench.run``; read by ``score``, ``report`` and ``sheet``, also while the run goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy
import numpy.typing

from tag_atelier.bench.plan import Cell, Plan
from tag_atelier.errors import Busy, HostError, TagAtelierError

SCHEMA_VERSION = 1
DATABASE = "run.sqlite"
IMAGES = "images"
CellState = Literal["planned", "done", "rejected", "failed"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cell (
    key TEXT PRIMARY KEY,
    position INTEGER,          -- order in the plan; NULL: no longer part of it
    checkpoint INTEGER NOT NULL,
    tags TEXT NOT NULL,        -- JSON list of canonical names; [] is the baseline
    prompt TEXT NOT NULL,
    negative TEXT NOT NULL,
    seed INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned',
    reason TEXT NOT NULL DEFAULT '',
    image TEXT NOT NULL DEFAULT '',
    image_sha256 TEXT NOT NULL DEFAULT '',
    infotext TEXT NOT NULL DEFAULT '',
    used TEXT NOT NULL DEFAULT '{}',
    stored_at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS scorer (identity TEXT PRIMARY KEY, labels TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS score (
    cell TEXT NOT NULL, scorer TEXT NOT NULL, probabilities BLOB NOT NULL, PRIMARY KEY (cell, scorer)
);
"""


DAMAGE = (sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a run raises whose database was damaged or changed by others, besides our own errors."""


@dataclass(frozen=True)
class StoredCell:
    """A planned cell and what became of it."""

    cell: Cell
    state: CellState
    reason: str
    image: Path | None
    infotext: str
    used: Mapping[str, object]


@dataclass(frozen=True)
class Outcome:
    """What a run found out about one cell."""

    key: str
    state: CellState
    reason: str = ""
    image: str = ""
    """File name inside the pictures' folder."""
    image_sha256: str = ""
    infotext: str = ""
    used: Mapping[str, object] | None = None


def read_summary(folder: Path) -> dict[str, object]:
    """``Store.summary`` of the run in ``folder``; empty where there is no run, or none that can be read."""
    if not (folder / DATABASE).is_file():
        return {}
    try:
        with Store(folder) as store:
            return store.summary()
    except (TagAtelierError, *DAMAGE):
        return {}


class Store:
    """The folder of one run. Safe to use from several threads; one writer at a time over all processes."""

    def __init__(self, folder: str | Path) -> None:
        """Open the run in ``folder``, which is made where it is missing.

        Raises:
            TagAtelierError: the file there was written by a newer version, or is no database.
        """
        self.folder = Path(folder)
        self.images_folder = self.folder / IMAGES
        self.images_folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        path = self.folder / DATABASE
        self._connection = sqlite3.connect(path, timeout=30.0, check_same_thread=False, isolation_level=None)
        try:
            self._open()
        except (sqlite3.DatabaseError, ValueError) as error:
            self._connection.close()
            sentence = "'{path}' is not a benchmark's database ({reason}); name another folder."
            raise TagAtelierError(sentence, path=str(path), reason=str(error)) from error
        except TagAtelierError:
            self._connection.close()
            raise

    def _open(self) -> None:
        # A killed process loses nothing so; a power cut may lose the last cells, which are then drawn again.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._transaction() as database:
            for statement in _SCHEMA.split(";\n"):
                database.execute(statement)
            found = database.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
            if found is None:
                database.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
            elif int(found[0]) > SCHEMA_VERSION:
                raise TagAtelierError(
                    "The run in '{name}' has schema {found}; expected at most {known}: update Tag Atelier.",
                    name=self.folder.name,
                    found=found[0],
                    known=SCHEMA_VERSION,
                )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. On Windows the folder can only be moved or deleted afterwards."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run for writing; the hold ends with the process, however that ends.

        Raises:
            Busy: another process or thread is writing this run.
        """
        lock = sqlite3.connect(self.folder / "writer.lock", timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                sentence = "Another job is writing the run in '{name}'; wait for it or cancel it."
                raise Busy(sentence, name=self.folder.name) from error
            yield
        finally:
            lock.close()

    def begin(self, plan: Plan, manifest: Mapping[str, object]) -> None:
        """Write down the plan and every cell in it; what is stored already under the same key stays stored."""
        for left_by_a_kill in self.images_folder.glob("*.tmp"):
            left_by_a_kill.unlink()
        rows = [
            (cell.key, position, cell.checkpoint, json.dumps(cell.tags), cell.prompt, cell.negative, cell.seed)
            for position, cell in enumerate(plan.cells)
        ]
        with self._transaction() as database:
            self._put_meta("plan", plan.as_dict())
            before = self.manifest()
            kept = {key: before[key] for key in ("started_at", "megapixel_steps_per_second") if before.get(key)}
            self._put_meta("manifest", {**manifest, "started_at": now(), **kept})
            database.execute("UPDATE cell SET position = NULL")
            database.executemany(
                "INSERT INTO cell (key, position, checkpoint, tags, prompt, negative, seed) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET position = excluded.position, checkpoint = excluded.checkpoint, "
                "tags = excluded.tags",
                rows,
            )

    def update_manifest(self, values: Mapping[str, object]) -> None:
        """Lay ``values`` over the manifest."""
        with self._transaction():
            self._put_meta("manifest", {**self.manifest(), **values})

    def put_scorer(self, identity: str, labels: Sequence[str]) -> None:
        """Write down a scorer's labels once; every score row of it has one number per label."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO scorer VALUES (?, ?)", (identity, json.dumps(list(labels))))

    def put(self, outcome: Outcome) -> None:
        """Store what became of one cell."""
        with self._transaction() as database:
            database.execute(
                "UPDATE cell SET state = ?, reason = ?, image = ?, image_sha256 = ?, infotext = ?, used = ?, stored_at = ? "
                "WHERE key = ?",
                (
                    outcome.state,
                    outcome.reason,
                    outcome.image,
                    outcome.image_sha256,
                    outcome.infotext,
                    json.dumps(dict(outcome.used or {}), default=str),
                    now(),
                    outcome.key,
                ),
            )

    def put_score(self, key: str, scorer: str, probabilities: numpy.typing.NDArray[numpy.float32]) -> None:
        """Store what ``scorer`` says of a picture that is stored already: float32, shape (labels,)."""
        blob = numpy.ascontiguousarray(probabilities, dtype="<f4").tobytes()
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO score VALUES (?, ?, ?)", (key, scorer, blob))

    def write_image(self, cell: Cell, png: bytes) -> tuple[str, str]:
        """Write a picture beside and move it into place; gives its file name and SHA-256."""
        name = image_name(cell)
        write_whole(self.images_folder / name, png)
        return name, hashlib.sha256(png).hexdigest()

    def cells(self) -> list[StoredCell]:
        """Every cell of the plan, in its order."""
        columns = "key, checkpoint, tags, prompt, negative, seed, state, reason, image, infotext, used"
        rows = self._rows(f"SELECT {columns} FROM cell WHERE position IS NOT NULL ORDER BY position")
        return [
            StoredCell(
                Cell(row[0], row[1], tuple(json.loads(row[2])), row[3], row[4], row[5]),
                row[6],
                row[7],
                self.images_folder / row[8] if row[8] else None,
                row[9],
                json.loads(row[10]),
            )
            for row in rows
        ]

    def summary(self) -> dict[str, object]:
        """Name, number of planned and finished cells, and times, without reading a single cell.

        ``done`` says that nothing is left to do: every planned cell has its picture, and a score of the run's tagger.
        """
        plan, manifest = self.plan(), self.manifest()
        counts = dict(self._rows("SELECT state, COUNT(*) FROM cell WHERE position IS NOT NULL GROUP BY state"))
        scored = self._rows(
            "SELECT COUNT(*) FROM cell JOIN score ON score.cell = cell.key "
            "WHERE position IS NOT NULL AND cell.state = 'done' AND score.scorer = ?",
            (manifest.get("scorer", ""),),
        )[0][0]
        total = sum(counts.values())
        return {
            "name": plan.get("name", ""),
            "total": total,
            "drawn": counts.get("done", 0),
            "done": 0 < total == scored,
            "started_at": manifest.get("started_at", ""),
            "finished_at": manifest.get("finished_at", ""),
            "host": manifest.get("host", ""),
            "megapixel_steps_per_second": manifest.get("megapixel_steps_per_second"),
        }

    def done_keys(self, scorer: str) -> set[str]:
        """Keys of the cells that are drawn, have their picture, and are scored by ``scorer``."""
        rows = self._rows(
            "SELECT cell.key, cell.image FROM cell JOIN score ON score.cell = cell.key "
            "WHERE score.scorer = ? AND cell.state = 'done'",
            (scorer,),
        )
        return {row[0] for row in rows if (self.images_folder / row[1]).is_file()}

    def labels(self, scorer: str) -> list[str]:
        """Canonical labels of a scorer, one per score column; empty where it scored nothing here."""
        rows = self._rows("SELECT labels FROM scorer WHERE identity = ?", (scorer,))
        return list(json.loads(rows[0][0])) if rows else []

    def probabilities(self, scorer: str, keys: Sequence[str], labels: Sequence[str]) -> numpy.typing.NDArray[numpy.float32]:
        """Probabilities, float32, shape (len(keys), len(labels)); NaN where a cell has no score of ``scorer``.

        Only the asked columns are kept, so ten thousand cells of ten thousand labels stay small.
        """
        column = {label: index for index, label in enumerate(self.labels(scorer))}
        picked = [column[label] for label in labels]
        row_of = {key: row for row, key in enumerate(keys)}
        values = numpy.full((len(keys), len(labels)), numpy.nan, dtype=numpy.float32)
        for key, row in self.score_rows(scorer, row_of):
            values[row_of[key]] = row[picked]
        return values

    def score_rows(self, scorer: str, keys: Collection[str]) -> Iterator[tuple[str, numpy.typing.NDArray[numpy.float32]]]:
        """Each of ``keys`` that ``scorer`` scored with its float32 probabilities, shape (labels,), one at a time."""
        with self._lock:
            for key, blob in self._connection.execute("SELECT cell, probabilities FROM score WHERE scorer = ?", (scorer,)):
                if key in keys:
                    yield key, numpy.frombuffer(blob, dtype="<f4")

    def scorers(self) -> list[str]:
        """Identities of all taggers that scored pictures of this run."""
        return [row[0] for row in self._rows("SELECT identity FROM scorer ORDER BY identity")]

    def plan(self) -> dict[str, object]:
        """The plan as ``Plan.as_dict`` gave it; empty before the first run."""
        return self._meta("plan")

    def manifest(self) -> dict[str, object]:
        """Host, sizes, tagger and times of the run; empty before the first run."""
        return self._meta("manifest")

    def revision(self) -> str:
        """Differs whenever cells, scores, plan or manifest differ."""
        cells = self._rows("SELECT key, state, reason, stored_at FROM cell WHERE position IS NOT NULL ORDER BY key")
        scores = self._rows("SELECT scorer, COUNT(*) FROM score GROUP BY scorer ORDER BY scorer")
        return json.dumps([cells, scores, self._rows("SELECT key, value FROM meta ORDER BY key")])

    def self_test(self) -> dict[str, object]:
        """What ``put_self_test`` stored; empty where nothing was."""
        return self._meta("self_test")

    def put_self_test(self, value: Mapping[str, object]) -> None:
        """Store what drawing in batches changed."""
        with self._transaction():
            self._put_meta("self_test", value)

    def _meta(self, key: str) -> dict[str, object]:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return dict(json.loads(rows[0][0])) if rows else {}

    def _put_meta(self, key: str, value: Mapping[str, object]) -> None:
        text = json.dumps(value, ensure_ascii=False, default=str)
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, text))

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full, vanished or locked disk into one sentence.

    Raises:
        HostError: in place of an OSError or SQLite's operational error.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise HostError(
            "The run's folder '{name}' could not be written or read ({reason}); make room there and run it again.",
            name=folder.name,
            reason=reason,
        ) from error


def image_name(cell: Cell) -> str:
    """File name that every file system takes: a readable slug, the seed, twelve digits of the key."""
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(cell.tags).lower()).strip("-")[:48] or ("tag" if cell.tags else "baseline")
    return f"{slug}-s{cell.seed}-{cell.key[:12]}.png"


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, flush it to the disk, and move it into place."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
