"""The shared book of trials: a storage that goes away is waited for; a slot has one attempt that counts."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from tag_atelier.errors import HostError
from tag_atelier.tune import ledger
from tag_atelier.tune.ledger import Ledger, studies_in
from tag_atelier.tune.worker_lock import WorkerLock
from tests.tune.planted import planted_book, planted_spec


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "WAITS_S", (0.01, 0.02))


def test_a_storage_that_comes_back_is_waited_for(tmp_path: Path, waits: None, caplog: pytest.LogCaptureFixture) -> None:
    found, away = Ledger("", "x", tmp_path), [OSError("gone"), OSError("gone")]

    def read() -> str:
        if away:
            raise away.pop()
        return "back"

    with caplog.at_level(logging.WARNING, "tag_atelier.tune.ledger"):
        assert found._kept(read) == "back"
    assert caplog.text.count("the study's storage is away") == 2


def test_two_that_make_the_same_database_at_one_moment_both_get_it(
    tmp_path: Path, waits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import optuna
    import sqlalchemy.exc

    first = [True]

    class BeatenOnce(optuna.storages.RDBStorage):  # type: ignore[name-defined,misc]
        def __init__(self, *given: object, **named: object) -> None:
            if first:
                first.clear()
                raise sqlalchemy.exc.IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed: alembic_version"))
            super().__init__(*given, **named)

    monkeypatch.setattr(optuna.storages, "RDBStorage", BeatenOnce)
    assert dict(Ledger("", "x", tmp_path).notes()) == {} and first == []


def test_a_storage_that_stays_away_stops_the_study_with_everything_kept(tmp_path: Path, waits: None) -> None:
    found = Ledger("", "x", tmp_path)

    def read() -> None:
        raise OSError("gone")

    with pytest.raises(HostError, match=r"did not answer for 0.03 s \(OSError\); all that was stored is kept, so resume"):
        found._kept(read)


def test_a_database_that_is_not_there_is_one_sentence_without_its_password(tmp_path: Path, waits: None) -> None:
    pytest.importorskip("psycopg2")
    with pytest.raises(HostError, match=r"The storage of the study \(postgresql://…@127.0.0.1:9/x\) did not answer"):
        Ledger("postgresql://me:secret@127.0.0.1:9/x", "x", tmp_path)


@pytest.mark.parametrize("storage", ["nonsense", "postgres//me:secret@there"])
def test_what_is_no_storage_is_refused(storage: str, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="is no storage; expected a journal file ending in .log, or a URL") as caught:
        Ledger(storage, "x", tmp_path)
    assert "secret" not in str(caught.value)


def test_a_missing_optuna_is_said_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    for work in (lambda: Ledger("", "x", tmp_path), lambda: studies_in("", tmp_path)):
        with pytest.raises(HostError, match="pip install 'optuna>=4'"):
            work()
    assert list(tmp_path.iterdir()) == []


def test_a_slot_that_somebody_is_at_is_not_begun_again(tmp_path: Path) -> None:
    one, other = (Ledger(str(tmp_path / "s.log"), "x", tmp_path / name) for name in "ab")
    with one.working(), other.working():
        first = one.begin("search", "search-1-1", (0.5,))
        assert first is not None and (first.slot, first.point) == ("search-1-1", (0.5,))
        assert other.begin("search", "search-1-1", (0.5,)) is None
        assert other.begin("search", "search-1-2", (0.6,)) is not None
        assert one.finish(first, [0.1], {"objective": 0.1})
    states = [(each.slot, each.state) for each in one.attempts("search")]
    assert states == [("search-1-1", "finished"), ("search-1-1", "lost"), ("search-1-2", "running")]
    assert one.attempts("search")[0].outcome == {"objective": 0.1}


def test_an_attempt_that_was_given_up_for_dead_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PATIENCE_S", -1.0)
    storage = str(tmp_path / "s.log")
    slow, other = Ledger(storage, "x", tmp_path / "a"), Ledger(storage, "x", tmp_path / "b")
    with slow.working(), other.working():
        first = slow.begin("search", "search-1-1", (0.5,))
        assert first is not None
        other.attempts("search")  # hears of it for the first time
        again = other.begin("search", "search-1-1", (0.5,))
        assert again is not None and again.number != first.number
        assert not slow.finish(first, [0.9], {"objective": 0.9})
        assert other.finish(again, [0.1], {"objective": 0.1})
    assert [each.state for each in other.attempts("search")] == ["lost", "finished"]


def test_notes_are_read_by_all_workers(tmp_path: Path) -> None:
    one, other = (Ledger(str(tmp_path / "s.log"), "x", tmp_path) for _ in "ab")
    one.note(stop=True, spec="y")
    assert other.notes() == {"stop": True, "spec": "y"}
    assert studies_in(str(tmp_path / "s.log"), tmp_path) == ["x"]


def test_samplers_see_the_dimensions_and_their_own_stage(tmp_path: Path) -> None:
    spec = planted_spec(sampler="tpe")
    book = planted_book(spec, tmp_path)
    with book.ledger.working():
        book.ledger.begin("parents", "parent-1", ())
        asked = book.ledger.begin("search", "search-1", (), book.spaces["search"])
    assert asked is not None and len(asked.point) == 4
    trial = book.ledger.study("search").get_trials()[0]
    assert list(trial.params) == ["early:b", "deep:b", "rising:b", "late:b"]
    assert asked.point == pytest.approx(list(trial.params.values()))


def test_a_lock_goes_with_its_holder(tmp_path: Path) -> None:
    lock, other = WorkerLock(tmp_path), WorkerLock(tmp_path)
    with lock.held() as name:
        assert other.is_known(name) and not other.is_free(name)
        (tmp_path / "killed-1.lock").touch()
        assert other.is_known("killed-1") and other.is_free("killed-1")
    assert not other.is_known(name)
