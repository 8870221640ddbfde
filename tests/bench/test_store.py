"""The run on disk by itself: versions, foreign files, names, one writer."""

import sqlite3
from pathlib import Path

import pytest

from tag_atelier.bench.plan import Cell
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store, image_name, read_summary, write_whole
from tag_atelier.errors import Busy, Cancelled, TagAtelierError
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer


def cell(*tags: str, key: str = "ab" * 32) -> Cell:
    return Cell(key, 0, tags, "prompt", "", 7)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (("fox_shadow_puppet",), "fox-shadow-puppet-s7-abababababab.png"),
        ((">:(",), "tag-s7-abababababab.png"),
        ((), "baseline-s7-abababababab.png"),
        (("a" * 90,), f"{'a' * 48}-s7-abababababab.png"),
    ],
)
def test_picture_names_fit_every_file_system(tags: tuple[str, ...], name: str) -> None:
    assert image_name(cell(*tags)) == name


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    database.close()
    with pytest.raises(TagAtelierError, match="schema 99; expected at most 1"):
        Store(tmp_path)


def test_a_foreign_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(TagAtelierError, match="not a benchmark's database"):
        Store(tmp_path)
    assert (tmp_path / "run.sqlite").read_bytes().startswith(b"something else")


def test_one_writer_at_a_time_and_the_hold_ends(tmp_path: Path) -> None:
    with Store(tmp_path) as one, Store(tmp_path) as other:
        with one.writing(), pytest.raises(Busy), other.writing():
            pass
        with other.writing():
            pass


def test_a_folder_can_be_moved_after_closing(tmp_path: Path) -> None:
    with Store(tmp_path / "run") as store:
        store.begin(small_plan(small_host(tmp_path)), {"host": "fake"})
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    with Store(moved) as store:
        assert len(store.cells()) == 12
        assert store.manifest()["host"] == "fake"
        assert store.plan()["name"] == "small"


def test_what_a_kill_left_beside_is_swept_by_the_next_run(tmp_path: Path) -> None:
    with Store(tmp_path / "run") as store:
        left = store.images_folder / "x.png.123.tmp"
        left.write_bytes(b"half")
        store.begin(small_plan(small_host(tmp_path)), {})
        assert not left.exists()


def test_scores_of_cells_without_any_are_not_a_number(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put_scorer("tagger", ["a", "b"])
        values = store.probabilities("tagger", ["nothing"], ["b"])
        assert values.shape == (1, 1)
        assert bool(values[0, 0] != values[0, 0])


def test_a_summary_says_whether_a_run_is_finished(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    with Store(tmp_path / "run") as store:
        assert store.summary()["done"] is False
        with pytest.raises(Cancelled):
            run(small_plan(host), host, scorer, store, FakeProgress(cancel_after=3))
        half = store.summary()
        assert (half["total"], half["done"]) == (12, False)
        run(small_plan(host), host, scorer, store, FakeProgress())
    found = read_summary(tmp_path / "run")
    assert (found["name"], found["total"], found["drawn"], found["done"]) == ("small", 12, 12, True)
    assert found["finished_at"]


def test_a_folder_without_a_readable_run_has_no_summary(tmp_path: Path) -> None:
    assert read_summary(tmp_path) == {}
    (tmp_path / "run.sqlite").write_bytes(b"not a database at all" * 100)
    assert read_summary(tmp_path) == {}
