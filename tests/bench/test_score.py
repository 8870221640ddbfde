"""Scores of runs whose truth is planted by the fake tagger."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from tag_atelier.bench.run import run
from tag_atelier.bench.score import Evaluation, evaluate
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer, read_back


class PlantedScorer(FakeScorer):
    """Gives the probability that ``table`` has for (checkpoint, prompted tag or "", label); else 0.1."""

    def __init__(self, table: dict[tuple[str, str, str], float], labels: tuple[str, ...] = LABELS) -> None:
        super().__init__(labels)
        self.table = table

    def score(self, images: Any) -> Any:
        rows = []
        for image in images:
            checkpoint, prompt, _ = read_back(image)
            tag = prompt.replace("\\", "").split(", ")[1].replace(" ", "_")
            tag = "" if tag == "blue_dress" else tag
            rows.append([self.table.get((checkpoint, tag, label), 0.1) for label in self.labels])
        return numpy.array(rows, dtype=numpy.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run") as opened:
        yield opened


def evaluated(tmp_path: Path, store: Store, scorer: FakeScorer, **changes: Any) -> Evaluation:
    host = small_host(tmp_path)
    run(small_plan(host, scorer, **changes), host, scorer, store, FakeProgress())
    return evaluate(store)


def test_hits_false_alarms_lift_and_rank_of_one_tag(tmp_path: Path, store: Store) -> None:
    table = {
        ("model-a", "glaring", "glaring"): 0.6,
        ("model-a", "reaching", "glaring"): 0.8,  # a false alarm that outranks the tag's own picture
        ("model-a", "", "glaring"): 0.35,  # exactly the threshold counts
    }
    found = evaluated(tmp_path, store, PlantedScorer(table), checkpoints=["model-a"])
    glaring = found.checkpoints[0].tags[0]
    assert (glaring.tag, glaring.drawn, glaring.hits) == ("glaring", 1, 1)
    assert (glaring.controls, glaring.false_alarms) == (5, 2)
    assert glaring.lift == pytest.approx(0.6)
    assert glaring.ranks == (2,)
    assert glaring.probabilities == pytest.approx((0.6,))


def test_a_picture_that_implies_the_tag_is_no_control(tmp_path: Path, store: Store) -> None:
    tags = ["hand gesture", "fox shadow puppet", "glaring"]
    table = {("model-a", "fox_shadow_puppet", "hand_gesture"): 0.9}
    found = evaluated(tmp_path, store, PlantedScorer(table), checkpoints=["model-a"], tags=tags)
    gesture, puppet, _ = found.checkpoints[0].tags
    assert (gesture.controls, gesture.false_alarms) == (2, 0)  # baseline and glaring
    assert puppet.controls == 3  # the broader tag's picture is one: it need not show the puppet


def test_unscored_tags_are_in_no_denominator(tmp_path: Path, store: Store) -> None:
    found = evaluated(tmp_path, store, FakeScorer(LABELS))
    assert found.unscored == ("unheard_of",)
    assert found.scored == ("glaring", "reaching", ">:(", "fox_shadow_puppet")
    assert [(item.hits, item.drawn) for item in found.checkpoints] == [(4, 4), (4, 4)]
    assert found.checkpoints[0].accuracy.low == pytest.approx(0.5101, abs=1e-4)  # Wilson 4/4
    assert found.checkpoints[0].first_ranks.value == 1.0
    assert not found.partial


def test_rejected_pictures_are_in_no_denominator_and_make_it_partial(tmp_path: Path, store: Store) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    host.sampler.flat_prompts = {"1girl, glaring, blue dress"}
    run(small_plan(host, scorer), host, scorer, store, FakeProgress())
    found = evaluate(store)
    assert [(item.hits, item.drawn) for item in found.checkpoints] == [(3, 3), (3, 3)]
    assert found.checkpoints[0].tags[0].probabilities == (None,)
    assert math.isnan(found.checkpoints[0].tags[0].rate)
    assert found.partial
    assert found.states == {"done": 10, "planned": 0, "rejected": 2, "failed": 0}


def many_tags(count: int) -> tuple[str, ...]:
    return tuple(f"thing{number}" for number in range(count))


def planted_pair(better: int, worse: int, both: int) -> PlantedScorer:
    """model-a alone hits ``better`` tags, model-b alone ``worse``, both hit ``both``."""
    names = many_tags(better + worse + both)
    table = {("model-a", name, name): 0.9 for name in (*names[:better], *names[better + worse :])}
    table |= {("model-b", name, name): 0.9 for name in names[better:]}
    return PlantedScorer(table, names)


@pytest.mark.parametrize(
    ("better", "worse", "p", "tiers"), [(8, 2, 0.0654297, [1, 1]), (6, 0, 0.015625, [1, 2]), (0, 7, 0.0078125, [2, 1])]
)
def test_checkpoints_are_parted_only_where_the_paired_test_parts_them(
    tmp_path: Path, store: Store, better: int, worse: int, p: float, tiers: list[int]
) -> None:
    scorer = planted_pair(better, worse, 3)
    found = evaluated(tmp_path, store, scorer, tags=list(scorer.labels))
    pair = found.pairs[0]
    assert (pair.first, pair.second, pair.only_first, pair.only_second) == ("model-a", "model-b", better, worse)
    assert pair.p == pair.p_holm == pytest.approx(p)
    assert pair.difference.value == pytest.approx((better - worse) / (better + worse + 3))
    assert [item.tier for item in found.checkpoints] == tiers


def test_seeds_of_one_tag_are_resampled_together(tmp_path: Path, store: Store) -> None:
    scorer = planted_pair(3, 0, 3)
    found = evaluated(tmp_path, store, scorer, tags=list(scorer.labels), seeds=[1, 2], checkpoints=["model-b", "model-a"])
    worse = found.checkpoints[0]
    assert (worse.hits, worse.drawn, worse.accuracy.value) == (6, 12, 0.5)
    assert worse.accuracy.low < 0.2  # six tags, not twelve pictures: Wilson on 6/12 would say 0.25
    assert found.pairs[0].p == pytest.approx(0.125)


def test_versus_the_others_leaves_itself_out(tmp_path: Path, store: Store) -> None:
    scorer = planted_pair(4, 1, 5)
    found = evaluated(tmp_path, store, scorer, tags=list(scorer.labels))
    first, second = (item.versus_others for item in found.checkpoints)
    assert first is not None and second is not None
    assert first.value == pytest.approx(0.3)
    assert second.value == pytest.approx(-0.3)


def test_another_threshold_needs_no_new_picture(tmp_path: Path, store: Store) -> None:
    table = {("model-a", "glaring", "glaring"): 0.6}
    evaluated(tmp_path, store, PlantedScorer(table), checkpoints=["model-a"])
    assert evaluate(store, threshold=0.59).checkpoints[0].hits == 1
    assert evaluate(store, threshold=0.61).checkpoints[0].hits == 0


def test_an_empty_store_has_nothing_to_say(store: Store) -> None:
    found = evaluate(store)
    assert found.checkpoints == ()
    assert found.scored == ()


def test_slots_are_shown_apart(tmp_path: Path, store: Store) -> None:
    table = {("model-a", "glaring", "glaring"): 0.9}
    found = evaluated(tmp_path, store, PlantedScorer(table), checkpoints=["model-a"], tags=["glaring", "reaching"])
    by_slot = found.checkpoints[0].by_slot
    assert (by_slot["expression"].value, by_slot["action"].value) == (1.0, 0.0)
