"""Cells drawn alone against the same cells drawn in a batch, and batches that do not fit the memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench import report, self_test
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.errors import HostError
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeSampler, FakeScorer

THRESHOLD = 0.35


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run") as opened:
        yield opened


class CouplingSampler(FakeSampler):
    """Pictures drawn alone are darker by 8 levels, and not what the prompt asked for."""

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        def darker(image: Any) -> None:
            if len(batch) == 1:
                image = replace(image, image=image.image.point(lambda level: max(0, level - 8)))
            deliver(image)

        super().render(batch, parameters, checkpoint, darker, progress)


def drawn(tmp_path: Path, store: Store, sampler: type[FakeSampler] = FakeSampler, **changes: Any) -> Any:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    host = replace(host, sampler=sampler(host.checkpoints))
    changes = {"self_test": 3, **changes}
    run(small_plan(host, scorer, **changes), host, scorer, store, FakeProgress())
    return host


def test_equal_pictures_differ_by_nothing(tmp_path: Path, store: Store) -> None:
    host = drawn(tmp_path, store)
    assert [len(batch) for batch in host.sampler.batches] == [4, 4, 1, 1, 1, 4, 4]
    assert host.checkpoints.loads == ["model-a", "model-b"]
    found = self_test.result(store, THRESHOLD, FakeScorer(LABELS).identity)
    assert found == {"batch_size": 4, "cells": 3, "difference": 0.0, "flips": 0, "judged": 3}


def test_a_host_whose_pictures_depend_on_the_batch_is_found_out(tmp_path: Path, store: Store) -> None:
    drawn(tmp_path, store, CouplingSampler)
    found = self_test.result(store, THRESHOLD, FakeScorer(LABELS).identity)
    assert found["difference"] == pytest.approx(8, abs=0.5)
    assert (found["flips"], found["judged"]) == (3, 3)
    report.write(store, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "of 255 levels on average; 3 of 3 verdicts differ." in page


def test_another_tagger_says_nothing_of_verdicts(tmp_path: Path, store: Store) -> None:
    drawn(tmp_path, store)
    assert self_test.result(store, THRESHOLD, "another tagger")["flips"] is None


def test_the_comparison_is_made_once(tmp_path: Path, store: Store) -> None:
    drawn(tmp_path, store)
    host = drawn(tmp_path, store, tags=["glaring", "reaching", ">:(", "fox shadow puppet", "unheard of", "sitting"])
    assert [len(batch) for batch in host.sampler.batches] == [4, 4]


@pytest.mark.parametrize("changes", [{"batch_size": 1}, {"self_test": 0}])
def test_nothing_is_compared_where_nothing_is_asked(tmp_path: Path, store: Store, changes: dict[str, Any]) -> None:
    drawn(tmp_path, store, **changes)
    assert self_test.result(store, THRESHOLD, "") == {}


class SmallSampler(FakeSampler):
    """Has memory for ``room`` pictures at once."""

    room = 2

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        if len(batch) > self.room:
            raise HostError("CUDA out of memory; choose a smaller batch.")
        super().render(batch, parameters, checkpoint, deliver, progress)


class TinySampler(SmallSampler):
    """Cannot even draw two."""

    room = 1


def test_a_batch_that_does_not_fit_is_halved_for_the_rest_of_the_run(tmp_path: Path, store: Store) -> None:
    host = drawn(tmp_path, store, SmallSampler, self_test=0)
    assert [len(batch) for batch in host.sampler.batches] == [2] * 6
    assert [stored.state for stored in store.cells()] == ["done"] * 12
    assert store.cells()[0].used["batch_size"] == 2
    assert store.manifest()["errors"] == [
        "model-a: the memory did not suffice for 4 pictures at once, so from the baseline on they were drawn 2 at a time."
    ]


def test_a_batch_that_does_not_fit_halved_either_fails(tmp_path: Path, store: Store) -> None:
    with pytest.raises(HostError, match="out of memory"):
        drawn(tmp_path, store, TinySampler, self_test=0)
    assert [stored.state for stored in store.cells()].count("done") == 0
    assert str(store.cells()[0].reason) == "CUDA out of memory; choose a smaller batch."


def test_the_speed_of_a_run_is_written_down(tmp_path: Path, store: Store) -> None:
    drawn(tmp_path, store)
    speed = store.summary()["megapixel_steps_per_second"]
    assert isinstance(speed, float) and speed > 0
