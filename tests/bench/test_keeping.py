"""Keeping and side effects: what a tag changes besides itself, against the baseline of the same checkpoint and seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from tag_atelier.bench import report
from tag_atelier.bench.keeping import template_tags
from tag_atelier.bench.run import run
from tag_atelier.bench.score import Evaluation, evaluate
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer

LABELS = (
    "1girl",
    "blue_dress",
    "smile",
    "general",
    "hat",
    "gloves",
    "glaring",
    "reaching",
    "hand_gesture",
    "fox_shadow_puppet",
)


class PlannedScorer(FakeScorer):
    """Sees in a picture what ``pictures`` says of its prompt's tag, else what the baseline shows."""

    def __init__(self, labels: Sequence[str], pictures: dict[str, dict[str, float]] | None = None) -> None:
        super().__init__(labels)
        self.pictures = pictures or {}
        self.baseline = {"1girl": 0.9, "blue_dress": 0.9, "smile": 0.9, "general": 0.4}

    def probability(self, label: str, checkpoint: str, prompt: str, seed: int) -> float:
        tag = prompt.split(", ")[1].replace(" ", "_")
        return {**self.baseline, **self.pictures.get(tag, {})}.get(label, 0.01)


def scored(tmp_path: Path, pictures: dict[str, dict[str, float]], **changes: Any) -> tuple[Evaluation, dict[Any, str]]:
    host, scorer = small_host(tmp_path), PlannedScorer(LABELS, pictures)
    template = "1girl, {tag}, blue dress, yellow shoes"
    plan = small_plan(host, scorer, template=template, checkpoints=["model-a"], self_test=0, **changes)
    with Store(tmp_path / "run") as store:
        run(plan, host, scorer, store, FakeProgress())
        report.write(store, tmp_path / "run")
        return evaluate(store), {cell.tags: cell.key for cell in plan.cells}


def test_what_a_tag_drives_out_and_brings_along(tmp_path: Path) -> None:
    pictures = {
        "glaring": {"glaring": 0.9, "blue_dress": 0.1, "smile": 0.1, "hat": 0.5, "gloves": 0.8, "general": 0.9},
        "fox_shadow_puppet": {"fox_shadow_puppet": 0.9, "hand_gesture": 0.9},
    }
    found, key = scored(tmp_path, pictures, tags=["glaring", "fox shadow puppet"])
    change = found.seen[key["glaring",]].change
    assert change is not None
    assert (change.kept, change.keepable, change.lost) == (1, 2, ("blue_dress",))  # smile is not in the template
    assert (change.came, change.came_first) == (2, ("gloves", "hat"))  # a rating is no thing that comes along
    other = found.seen[key["fox_shadow_puppet",]].change
    assert other is not None
    assert (other.keeping, other.came) == (1.0, 0)  # what a tag implies was asked for
    assert found.seen[key[()]].change is None
    (checkpoint,) = found.checkpoints
    assert checkpoint.keeping is not None and checkpoint.keeping.value == pytest.approx(0.75)
    assert checkpoint.came_unasked is not None and checkpoint.came_unasked.value == pytest.approx(1.0)


def test_without_a_baseline_nothing_is_said_of_keeping(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), PlannedScorer(LABELS)
    host.sampler.flat_prompts = {"1girl, blue dress"}
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer, checkpoints=["model-a"]), host, scorer, store, FakeProgress())
        found = evaluate(store)
    assert found.checkpoints[0].keeping is None
    assert [reading.change for reading in found.seen.values()] == [None] * 6


def test_the_report_says_what_came_and_went(tmp_path: Path) -> None:
    scored(tmp_path, {"glaring": {"glaring": 0.9, "blue_dress": 0.1, "hat": 0.5}}, tags=["glaring"])
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "1 of 2 template tags kept · lost: blue dress · 1 came unasked: hat" in page
    assert "A tag leaves 50\N{NO-BREAK SPACE}% of the template&#x27;s tags in the picture, and 1.0 labels come along" in page
    rows = (tmp_path / "run" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert ",1,2,blue_dress,1,done," in rows[2]


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        ("1girl, {tag}, (white apron:1.2), [hat]", ["1girl", "white_apron", "hat"]),
        ("{tag}", []),
        ("ganyu \\(genshin impact\\), {tag}, <lora:ink:0.8>", ["ganyu_(genshin_impact)"]),
    ],
)
def test_template_tags_are_read_without_weights(template: str, tags: Sequence[str]) -> None:
    assert template_tags(template) == tags


def test_a_threshold_asked_for_afterwards_needs_no_drawing(tmp_path: Path) -> None:
    scored(tmp_path, {"glaring": {"glaring": 0.5}}, tags=["glaring"])
    with Store(tmp_path / "run") as store:
        assert [evaluate(store, threshold).checkpoints[0].hits for threshold in (None, 0.4, 0.6)] == [1, 1, 0]
        assert store.scorers() == [PlannedScorer(LABELS).identity]
        key = [stored.cell.key for stored in store.cells()]
        assert [row.dtype for _, row in store.score_rows(store.scorers()[0], key)] == [numpy.dtype("<f4")] * 2
