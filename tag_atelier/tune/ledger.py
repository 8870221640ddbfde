"""A study's trials in an Optuna storage that several workers share: SQLite, a journal file or a database by its URL.

Used by ``tune.study``. A candidate is a name (*slot*); what is tried under it is an attempt. Attempts may die or come twice:
one finished attempt per slot counts, and a slot without one stays open.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tag_atelier.errors import HostError, say
from tag_atelier.tune.space import Space
from tag_atelier.tune.worker_lock import WorkerLock

logger = logging.getLogger(__name__)

BEAT_S = 15.0
"""How often a worker tells of itself while it draws."""
PATIENCE_S = 120.0
"""Silence after which a worker of another machine counts as dead."""
WAITS_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Pauses between attempts to reach a storage that is away."""
SEARCHING = ("search", "refine")
"""Stages whose candidates a sampler may choose."""
_NOTES = "confirm"
"""The stage whose study also holds what is noted about the whole."""
_FINISHED, _RUNNING = "COMPLETE", "RUNNING"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Attempt:
    """One attempt at a slot."""

    stage: str
    number: int
    """Optuna's number of the trial within its stage."""
    slot: str
    state: Literal["running", "finished", "lost"]
    point: tuple[float, ...]
    worker: str
    outcome: Mapping[str, Any]
    """What ``finish`` stored; empty before."""
    finished_at: float = 0.0
    """Seconds since 1970; 0 before."""


class Ledger:
    """All trials of one study."""

    def __init__(self, storage: str, name: str, folder: Path, sampler: Any = None, objectives: int = 1) -> None:
        """Open (and begin, where it is new) the study ``name``.

        Args:
            sampler: makes Optuna's sampler of a stage's dimensions; None where points are always given.
            objectives: of a candidate's values; all are to be large.

        Raises:
            HostError: optuna or the database's driver is missing, or the storage stays away.
        """
        _require_optuna()
        self._where = storage or "the study's own database"
        self._name, self._watch = name, _Watch(folder)
        self._storage = self._kept(lambda: _open(storage, folder))
        self._studies: dict[str, Any] = {}
        self._sampler, self._objectives = sampler, objectives
        self.worker = ""

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold a name of one's own while at work; it goes with the process, however that ends."""
        with self._watch.lock.held() as name:
            self.worker = name
            yield

    def study(self, stage: str) -> Any:
        """Optuna's study of one stage; every stage has its own, so that samplers see only what they may."""
        import optuna

        if stage not in self._studies:
            count = self._objectives if stage in SEARCHING else 1
            sampler = self._sampler() if self._sampler and stage in SEARCHING else optuna.samplers.RandomSampler(seed=0)
            self._studies[stage] = self._kept(
                lambda: optuna.create_study(
                    storage=self._storage,
                    study_name=f"{self._name}/{stage}",
                    sampler=sampler,
                    directions=["maximize"] * count,
                    load_if_exists=True,
                )
            )
        return self._studies[stage]

    def note(self, **values: object) -> None:
        """Store facts about the whole study, which all workers read."""
        study = self.study(_NOTES)
        for key, value in values.items():
            self._kept(lambda key=key, value=value: study.set_user_attr(key, value))  # type: ignore[misc]

    def notes(self) -> Mapping[str, Any]:
        """What ``note`` stored."""
        return dict(self._kept(lambda: self.study(_NOTES).user_attrs))

    def attempts(self, stage: str) -> list[Attempt]:
        """All attempts of a stage in the order of their beginning; a dead worker's are closed on the way."""
        found = []
        study = self.study(stage)
        for trial in self._kept(lambda: study.get_trials(deepcopy=False)):
            if trial.state.name == "WAITING":
                continue  # asked for by a worker that has not taken it up yet
            attempt = _read(stage, trial)
            if attempt.state == "running" and self._watch.is_dead(attempt, trial):
                self._close(attempt)
                attempt = _read(stage, trial, "lost")
            found.append(attempt)
        return found

    def begin(self, stage: str, slot: str, point: Sequence[float], space: Space | None = None) -> Attempt | None:
        """Begin an attempt at ``slot``; None where another worker was first.

        Args:
            point: where to try; does not matter where a ``space`` is given.
            space: the stage's sampler says the point, in the dimensions of this space.
        """
        study = self.study(stage)
        if space is None:
            attributes = {"slot": slot, "point": list(point)}
            self._kept(lambda: study.enqueue_trial({}, user_attrs=attributes))
        distributions = {} if space is None else _distributions(space)
        trial = self._kept(lambda: _ask(study, distributions))
        given = dict(trial.user_attrs)
        if "slot" not in given:
            given = {"slot": slot, "point": [_share(trial.params[name], each) for name, each in distributions.items()]}
            for key, value in given.items():
                self._kept(lambda key=key, value=value: trial.set_user_attr(key, value))  # type: ignore[misc]
        self._kept(lambda: trial.set_user_attr("worker", self.worker))
        mine = Attempt(stage, trial.number, given["slot"], "running", tuple(given["point"]), self.worker, {})
        rivals = [each for each in self.attempts(stage) if each.slot == mine.slot and each.number != mine.number]
        if any(each.state == "finished" or (each.state == "running" and each.number < mine.number) for each in rivals):
            self._close(mine)
            return None
        return mine

    def finish(self, attempt: Attempt, values: Sequence[float], outcome: Mapping[str, object]) -> bool:
        """Store what an attempt found; False where it had been given up for dead, and so does not count."""
        import optuna

        study = self.study(attempt.stage)
        identity = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, attempt.number)
        try:
            self._kept(lambda: study._storage.set_trial_user_attr(identity, "outcome", dict(outcome)))
            self._kept(lambda: study.tell(attempt.number, list(values)))
        except (optuna.exceptions.UpdateFinishedTrialError, RuntimeError, ValueError):
            trial = self._kept(lambda: study.get_trials(deepcopy=False)[attempt.number])
            return bool(trial.state.name == _FINISHED and trial.user_attrs.get("worker") == self.worker)
        return True

    def give_up(self, attempt: Attempt) -> None:
        """Leave the slot to others, or to a later session."""
        self._close(attempt)

    @contextlib.contextmanager
    def beating(self, attempt: Attempt) -> Iterator[None]:
        """Tell of oneself every ``BEAT_S`` seconds while the attempt is at work, however long a batch takes."""
        over = threading.Event()
        study = self.study(attempt.stage)

        def beat() -> None:
            identity, count = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, attempt.number), 0
            while not over.wait(BEAT_S):
                count += 1
                with contextlib.suppress(*_away()):  # the next beat, or the end of the attempt, will see whether it stays away
                    study._storage.set_trial_user_attr(identity, "beat", count)

        thread = threading.Thread(target=beat, name="tag-atelier-beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _close(self, attempt: Attempt) -> None:
        import optuna

        study = self.study(attempt.stage)
        with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError, ValueError):  # somebody else was first
            self._kept(lambda: study.tell(attempt.number, state=optuna.trial.TrialState.FAIL))

    def _kept(self, work: Callable[[], _T]) -> _T:
        """``work``, again and again while the storage is away. Raises HostError when it stays away."""
        for wait_s in (*WAITS_S, None):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Optuna marks half of what it documents as experimental
                    return work()
            except _away() as error:
                if wait_s is None:
                    raise HostError(
                        "The storage of the study ({storage}) did not answer for {seconds} s ({reason}); all that was stored "
                        "is kept, so resume the study when it is back.",
                        storage=_hidden(self._where),
                        seconds=f"{sum(WAITS_S):g}",
                        reason=type(error).__name__,
                    ) from error
                logger.warning("the study's storage is away (%s); trying again in %g s", type(error).__name__, wait_s)
                time.sleep(wait_s)
        raise AssertionError("the last round returns or raises")


class _Watch:
    """Tells which workers are dead: their lock in this folder is free, or they have been silent for too long."""

    def __init__(self, folder: Path) -> None:
        self.lock = WorkerLock(folder / "workers")
        self._heard: dict[tuple[str, int], tuple[object, float]] = {}

    def is_dead(self, attempt: Attempt, trial: Any) -> bool:
        """Whether nobody works on ``attempt`` any more. Clocks of other machines are not trusted: only change counts."""
        if attempt.worker and self.lock.is_known(attempt.worker):
            return self.lock.is_free(attempt.worker)
        beat, key = (attempt.worker, trial.user_attrs.get("beat", 0)), (attempt.stage, attempt.number)
        before = self._heard.get(key)
        if before is None or before[0] != beat:
            self._heard[key] = (beat, time.monotonic())
            return False
        return time.monotonic() - before[1] > PATIENCE_S


def studies_in(storage: str, folder: Path) -> list[str]:
    """Names of the studies that a storage holds. Raises HostError."""
    _require_optuna()
    import optuna

    opened = _open(storage, folder)
    ending = f"/{_NOTES}"
    return sorted(name[: -len(ending)] for name in optuna.get_all_study_names(opened) if name.endswith(ending))


def _require_optuna() -> None:
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        raise HostError(
            "A search needs the package 'optuna', which is not installed; press Install on the Search tab, or run: "
            "pip install 'optuna>=4'."
        ) from error


def _open(storage: str, folder: Path) -> Any:
    import optuna
    import sqlalchemy.exc

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if storage.endswith(".log"):
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(storage, lock_obj=JournalFileOpenLock(storage)))
    try:
        if storage:
            return optuna.storages.RDBStorage(_with_driver(storage), engine_kwargs={"pool_pre_ping": True})
        folder.mkdir(parents=True, exist_ok=True)
        return _open_sqlite(folder / "study.sqlite")
    except sqlalchemy.exc.IntegrityError as error:  # several open a new database at the same moment: the next look finds it
        raise optuna.exceptions.StorageInternalError("Another worker is making the same database.") from error
    except ImportError as error:
        driver = "psycopg2-binary" if storage.startswith("postgresql") else say("its driver")
        sentence = "The database of '{storage}' cannot be spoken to; run: pip install {driver}."
        raise HostError(sentence, storage=_hidden(storage), driver=driver) from error
    except (ValueError, sqlalchemy.exc.ArgumentError) as error:
        raise HostError(
            "'{storage}' is no storage; expected a journal file ending in .log, or a URL such as "
            "postgresql://user:password@machine/database.",
            storage=_hidden(storage),
        ) from error


def _with_driver(url: str) -> str:
    """``url`` with the PostgreSQL driver that is installed; SQLAlchemy's own choice differs from version to version."""
    scheme, separator, rest = url.partition("://")
    found = [name for name in ("psycopg2", "psycopg") if importlib.util.find_spec(name) is not None]
    return f"postgresql+{found[0]}{separator}{rest}" if scheme in ("postgresql", "postgres") and found else url


def _open_sqlite(path: Path) -> Any:
    """A file of our own: in WAL mode, since Optuna commits after every single value, and each would wait for the disk."""
    import optuna
    import sqlalchemy

    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    url = f"sqlite:///{path.resolve().as_posix()}"
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})

    @sqlalchemy.event.listens_for(storage.engine, "connect")
    def relax(connection: sqlite3.Connection, _: object) -> None:
        # A killed process loses nothing so; a power cut may lose the last candidates, which are then drawn again.
        connection.execute("PRAGMA synchronous = NORMAL")

    storage.engine.dispose()  # connections that were opened before
    return storage


def _hidden(storage: str) -> str:
    """``storage`` without a password."""
    before, at, after = storage.rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme if slashes else ''}{slashes}…@{after}" if at else storage


def _away() -> tuple[type[BaseException], ...]:
    """Errors that mean that a storage cannot be reached."""
    import optuna
    import sqlalchemy.exc

    return (optuna.exceptions.StorageInternalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, OSError)


def _distributions(space: Space) -> dict[str, Any]:
    import optuna

    return {each.name: optuna.distributions.FloatDistribution(each.low, each.high) for each in space.dimensions}


def _ask(study: Any, distributions: Mapping[str, Any]) -> Any:
    try:
        return study.ask(dict(distributions))
    except ImportError as error:
        sentence = "This way of searching needs one more package ({reason}); run: pip install scipy."
        raise HostError(sentence, reason=str(error)) from error


def _share(weight: float, distribution: Any) -> float:
    width = distribution.high - distribution.low
    return float((weight - distribution.low) / width) if width > 0 else 0.0


def _read(stage: str, trial: Any, state: Literal["running", "finished", "lost"] | None = None) -> Attempt:
    if state is None:
        state = {_FINISHED: "finished", _RUNNING: "running"}.get(trial.state.name, "lost")  # type: ignore[assignment]
    given = trial.user_attrs
    ended = trial.datetime_complete.timestamp() if trial.datetime_complete is not None else 0.0
    point, worker = tuple(given.get("point", ())), str(given.get("worker", ""))
    assert state is not None
    return Attempt(stage, trial.number, str(given.get("slot", "")), state, point, worker, given.get("outcome", {}), ended)
