"""Sets of tags drawn together: nested, free of contradictions, the same everywhere."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.bench.sets import nested_sets
from tag_atelier.bench.spec import SetRule
from tag_atelier.errors import SpecError
from tests.bench.bench_parts import small_host, small_plan

NAMES = [f"tag_{number}" for number in range(12)]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(NAMES), min_size=4), st.integers(1, 6))
def test_a_larger_set_begins_with_the_smaller_one(names: set[str], count: int) -> None:
    sets, _ = nested_sets(sorted(names), {}, SetRule(sizes=(2, 4), count=count))
    assert {len(found) for found in sets} == {2, 4}
    assert all(any(large[:2] == small for large in sets if len(large) == 4) for small in sets if len(small) == 2)
    assert all(len(set(found)) == len(found) for found in sets)


def test_the_same_tags_in_another_order_give_the_same_sets() -> None:
    assert nested_sets(NAMES, {}, SetRule((4,), 3)) == nested_sets(NAMES[::-1], {}, SetRule((4,), 3))


def test_tags_that_exclude_each_other_never_share_a_prompt() -> None:
    names = ["blonde_hair", "black_hair", "glaring", "smile", "dress", "hat", "hand_gesture", "fox_shadow_puppet"]
    implies = {"fox_shadow_puppet": ("hand_gesture",)}
    sets, notes = nested_sets(names, implies, SetRule((4, 8), 20, (("dress", "hat"),)))
    for pair in ("blonde_hair black_hair", "glaring smile", "dress hat", "hand_gesture fox_shadow_puppet"):
        assert [found for found in sets if set(pair.split()) <= set(found)] == []
    assert {len(found) for found in sets} == {4}
    assert notes == ["20 of 20 series have fewer than 8 tags that do not exclude each other."]


def test_a_plan_draws_a_baseline_and_every_set(tmp_path: Path) -> None:
    plan = small_plan(small_host(tmp_path), checkpoints=["model-a"], sets={"sizes": [1, 2], "count": 1})
    baseline, one, two = plan.cells
    assert baseline.tags == ()
    assert (len(one.tags), len(two.tags), two.tags[:1]) == (1, 2, one.tags)
    text_of = {tag.name: tag.text for tag in plan.tags}
    assert two.prompt == f"1girl, {text_of[two.tags[0]]}, {text_of[two.tags[1]]}, blue dress"


def test_too_few_tags_for_any_set_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="do not suffice for the smallest"):
        small_plan(small_host(tmp_path), sets={"sizes": [64]})
