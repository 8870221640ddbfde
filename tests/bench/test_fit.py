"""The batch size that is found by trying: the largest that fits and pays, fixed for the whole run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tag_atelier.bench import fit
from tag_atelier.bench.plan import with_batch_size
from tag_atelier.bench.run import run
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.errors import HostError
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer

MANY = [f"tag{number}" for number in range(20)]


class Machine:
    """A clock that a batch of n pictures moves by ``seconds[n]``; what is not listed does not fit."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {int(size[1:]): value for size, value in seconds.items()}
        self.now = 0.0
        self.drawn: list[tuple[int, int]] = []

    def draw(self, requests: list[Any], parameters: Any) -> None:
        self.drawn.append((len(requests), parameters.steps))
        if len(requests) not in self.seconds:
            raise HostError("The GPU's memory is full; choose a smaller batch or size.")
        self.now += self.seconds[len(requests)]

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("machine", "size"),
    [
        (Machine(n1=1, n2=1.2, n4=1.6, n8=2.4, n16=4), 16),
        (Machine(n1=1, n2=1.2, n4=1.6), 4),
        (Machine(n1=1, n2=1.98, n4=3.9), 1),
        (Machine(n1=1, n2=1.5, n4=2.95, n8=4), 2),
    ],
    ids=["all pay", "memory ends", "never pays", "stops paying"],
)
def test_the_largest_that_fits_and_pays_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: Machine, size: int
) -> None:
    monkeypatch.setattr(fit, "time", SimpleNamespace(perf_counter=machine.perf_counter))
    host = dataclasses.replace(small_host(tmp_path), name="")  # as ``small_plan`` names it in its keys
    plan = small_plan(host, batch_size="auto", tags=MANY, parameters={"steps": 30, "width": 64, "height": 64})
    assert plan.batch_size == 0
    found = fit.fitted(plan, host, 0, machine.draw)
    assert found.batch_size == size
    assert machine.drawn[0] == (1, fit.STEPS), "warmed up first, and never at all steps"
    same = small_plan(host, batch_size=size, tags=MANY, parameters={"steps": 30, "width": 64, "height": 64})
    assert [cell.key for cell in found.cells] == [cell.key for cell in same.cells]


def test_another_failure_is_passed_on(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise HostError("The WebUI could not draw.")

    host = small_host(tmp_path)
    with pytest.raises(HostError, match="could not draw"):
        fit.fitted(small_plan(host, batch_size="auto"), host, 0, fail)


def test_a_batch_coupled_sampler_draws_alone(tmp_path: Path) -> None:
    host = small_host(tmp_path)
    plan = small_plan(host, batch_size="auto", parameters={"sampler": "DPM adaptive"})
    assert fit.fitted(plan, host, 0, lambda *_: pytest.fail("nothing to try")).batch_size == 1


def test_a_run_keeps_the_size_it_was_begun_with_and_its_plan_stays_open(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    plan = small_plan(host, batch_size="auto")
    begun = with_batch_size(plan, 3, host.name)
    with Store(tmp_path / "run") as store:
        store.begin(begun, {"batch_size": begun.batch_size})
        summary = run(plan, host, scorer, store, FakeProgress())
        assert summary.drawn == 12
        assert store.manifest()["batch_size"] == 3
        spec: Any = store.plan()["spec"]
    assert {len(batch) for batch in host.sampler.batches} == {3}
    assert spec["batch_size"] == "auto"
    assert BenchSpec.from_value(spec) == plan.spec


def test_a_new_run_tries_first_and_then_draws_all(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    with Store(tmp_path / "run") as store:
        summary = run(small_plan(host, batch_size="auto"), host, scorer, store, FakeProgress())
        size = store.manifest()["batch_size"]
    assert summary.drawn == summary.planned == 12
    assert size in (1, 2, 4)
    assert {len(batch) for batch in host.sampler.batches[-3:]} == {size}
