"""What is tried next follows from what is finished; the answer leaves little of a planted square's regret."""

from __future__ import annotations

import numpy
import pytest

from tag_atelier.merge.layout import architectures
from tag_atelier.tune.cma import Cloud, Finished
from tag_atelier.tune.schedule import Schedule, Slot, Tried, first_open, keeps_on
from tag_atelier.tune.space import Space
from tag_atelier.tune.study_spec import StudySpec
from tests.tune.planted import planted_spec, regret


def schedule(spec: StudySpec) -> Schedule:
    return Schedule(spec, {"search": Space(spec, architectures()["sdxl"], spec.space.groups)})


def carry_out(spec: StudySpec, noise: float, seed: int) -> tuple[float, float]:
    """Share of the start's regret that is left in the answer, and in the luckiest candidate."""
    space = Space(spec, architectures()["sdxl"], spec.space.groups)
    plan, luck = schedule(spec), numpy.random.default_rng(seed)
    start = regret(space.recipe(space.start(), ""))
    tried: dict[str, Tried] = {}
    while slots := plan.candidates("search", tried, None):
        slot = first_open(slots, tried, ())
        assert slot is not None and slot.point is not None
        score = -regret(space.recipe(slot.point, "")) + noise * start * luck.standard_normal()
        tried[slot.name] = Tried(slot.name, slot.point, True, score)
    assert len(tried) == plan.budgets["search"]
    answer = plan.answer("search", tried, None)
    assert answer is not None
    luckiest = max(tried.values(), key=lambda each: each.objective)
    return regret(space.recipe(answer, "")) / start, regret(space.recipe(luckiest.point, "")) / start


def test_a_fifth_of_the_regret_at_most_is_left_after_80_trials_under_noise() -> None:
    left = [carry_out(planted_spec(seed=seed, trials=82), 0.1, seed) for seed in range(1, 6)]
    assert sum(share <= 0.2 for share, _ in left) >= 4, left
    assert sum(share for share, _ in left) < 0.7 * sum(luckiest for _, luckiest in left), "the average beats the luckiest"


def test_the_theatre_goes_on_from_the_better() -> None:
    # Its steps are small and its partners come by chance, so it goes a part of the way only.
    left = [carry_out(planted_spec(seed=seed, sampler="theatre", trials=62), 0.0, seed)[0] for seed in range(1, 3)]
    assert max(left) < 0.9, left


def test_candidates_follow_from_the_finished_ones_alone() -> None:
    spec = planted_spec()
    one, other = schedule(spec), schedule(spec)
    first = one.candidates("search", {}, None)
    assert first == other.candidates("search", {}, None)
    assert [slot.name for slot in first] == [f"search-1-{i}" for i in range(1, 9)]
    done = {slot.name: Tried(slot.name, slot.point or (), True, float(i)) for i, slot in enumerate(first)}
    backwards = dict(reversed(done.items()))
    second = one.candidates("search", done, None)
    assert second == other.candidates("search", backwards, None) != first
    assert one.candidates("search", {name: done[name] for name in list(done)[:5]}, None) == first
    assert schedule(planted_spec(seed=2)).candidates("search", {}, None) != first


def test_two_stages_share_the_trials_and_the_finer_starts_at_the_answer() -> None:
    spec = planted_spec(space={"groups": "eight", "refine": "blocks", "low": 0, "high": 1}, trials=62)
    sdxl = architectures()["sdxl"]
    spaces = {"search": Space(spec, sdxl, "eight"), "refine": Space(spec, sdxl, "blocks")}
    plan = Schedule(spec, spaces)
    assert plan.budgets == {"search": 40, "refine": 20}
    coarse = spaces["search"].repair([0.9] * 8)
    slots = plan.candidates("refine", {}, coarse)
    points = numpy.array([slot.point for slot in slots])
    assert points.shape == (8, 20)
    assert abs(points.mean() - 0.9) < 0.05


def test_the_first_open_slot_is_neither_finished_nor_taken() -> None:
    slots = [Slot(name, "search", "search") for name in "abc"]
    assert first_open(slots, {"a"}, {"b"}) == slots[2]
    assert first_open(slots, {"a", "c"}, {"b"}) is None


@pytest.mark.parametrize(
    ("score", "others", "expected"),
    [(0.0, [], True), (0.0, [1, 1], True), (0.5, [0.4, 0.5, 0.6], True), (0.49, [0.4, 0.5, 0.6], False)],
)
def test_the_better_half_goes_on(score: float, others: list[float], expected: bool) -> None:
    assert keeps_on(score, others) is expected


def test_a_candidate_that_was_stopped_early_ranks_below_all_others() -> None:
    cloud = Cloud(numpy.full(2, 0.5), 0.1, 1, lambda point: point)
    points = cloud.candidates()
    assert numpy.allclose(points[0] + points[1], 1.0), "each second one mirrors the one before"
    # The first four were drawn in full, with a lower score than the others after half of the prompts.
    cloud.learn([Finished(point, (i < 4, -1.0 if i < 4 else 1.0)) for i, point in enumerate(points)])
    assert numpy.linalg.norm(cloud.mean - numpy.mean(points[:4], axis=0)) < 0.1
    assert cloud.step > 0
