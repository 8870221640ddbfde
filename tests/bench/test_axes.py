"""Axes of a plan: every combination of values is a column of its own, drawn, keyed and compared like a checkpoint."""

from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench.run import run
from tag_atelier.bench.score import evaluate
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.store import Store
from tag_atelier.errors import SpecError
from tests.bench.bench_parts import LABELS, small_host, small_plan, small_spec
from tests.fakes import FakeProgress, FakeSampler, FakeScorer

AXES = {"steps": [2, 3], "network": ["", "<lora:ink:0.8>"]}


class NotingSampler(FakeSampler):
    """Remembers what each batch was drawn with."""

    def render(self, batch: Any, parameters: Any, checkpoint: Any, deliver: Any, progress: Any) -> None:
        self.used: list[tuple[str, int, str]] = [
            *getattr(self, "used", []),
            (checkpoint.name, parameters.steps, batch[0].prompt),
        ]
        super().render(batch, parameters, checkpoint, deliver, progress)


def test_every_combination_is_a_column(tmp_path: Path) -> None:
    plan = small_plan(small_host(tmp_path), checkpoints=["model-a"], axes=AXES)
    assert [column.name for column in plan.checkpoints] == [
        "model-a · steps 2 · network none",
        "model-a · steps 2 · network <lora:ink:0.8>",
        "model-a · steps 3 · network none",
        "model-a · steps 3 · network <lora:ink:0.8>",
    ]
    assert plan.as_dict()["checkpoints"][3]["setting"] == {"steps": 3, "network": "<lora:ink:0.8>"}  # type: ignore[index]
    assert plan.estimate["images"] == 24
    assert plan.estimate["checkpoint_loads"] == 1
    assert plan.cells[6].prompt == "1girl, blue dress <lora:ink:0.8>"


def test_a_column_with_the_plan_s_own_values_keeps_its_pictures(tmp_path: Path) -> None:
    host = small_host(tmp_path)
    plain = {cell.key for cell in small_plan(host, checkpoints=["model-a"]).cells}
    with_axis = small_plan(host, checkpoints=["model-a"], axes={"steps": [2, 3]}).cells
    assert {cell.key for cell in with_axis if cell.checkpoint == 0} == plain
    assert not plain & {cell.key for cell in with_axis if cell.checkpoint == 1}


def test_columns_are_drawn_with_their_own_parameters_and_compared(tmp_path: Path) -> None:
    from dataclasses import replace

    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    host = replace(host, sampler=NotingSampler(host.checkpoints))
    with Store(tmp_path / "run") as store:
        summary = run(small_plan(host, axes={"steps": [2, 3]}, self_test=0), host, scorer, store, FakeProgress())
        found = evaluate(store)
    assert (summary.planned, summary.missing) == (24, 0)
    assert [(name, steps) for name, steps, _ in host.sampler.used] == [
        (name, steps) for name in ("model-a", "model-b") for steps in (2, 3) for _ in range(2)
    ]
    assert host.checkpoints.loads == ["model-a", "model-b"]
    assert len(found.checkpoints) == 4
    assert len(found.pairs) == 6


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ({"stepz": [1]}, "Unknown key 'stepz' in 'axes'"),
        ({"steps": []}, "expected a list of 1 to 100 values"),
        ({"steps": [0]}, "'steps' is 0"),
        ({"steps": [4, 4.0]}, "holds a value twice"),
        ({"hires": [{}]}, "Unknown key 'hires'"),
        (["steps"], "expected a mapping such as"),
    ],
)
def test_axes_that_cannot_be_drawn_are_refused(axes: object, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        small_spec(axes=axes)


def test_axes_and_sets_come_back_from_yaml() -> None:
    spec = small_spec(axes=AXES, sets={"sizes": [2, 4], "exclusive": [["hat", "cap"]]})
    assert BenchSpec.from_value(spec.to_yaml()) == spec


def test_a_sampler_that_couples_its_batch_is_found_on_an_axis(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="chooses its steps from the whole batch"):
        small_plan(small_host(tmp_path), axes={"sampler": ["Euler a", "DPM adaptive"]})
