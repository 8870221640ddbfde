"""What is searched on is not validated on, and a plan that could show nothing is refused with the number that would do."""

from __future__ import annotations

import pytest

from tag_atelier.errors import SpecError
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tune.split import asked, split
from tag_atelier.tune.study_spec import StudySpec, list_studies

TAGS = [f"tag_{i:02d}" for i in range(20)]


def spec(**changes: object) -> StudySpec:
    plan = {"template": "1girl, {tag}", "tags": TAGS, "seeds": [1, 2]}
    values = {"name": "x", "models": ["a", "b"], "plan": plan, "tags_per_prompt": 4, "prompts": 20}
    return StudySpec.from_value(values | changes)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def test_tags_seeds_and_prompts_are_kept_apart(catalogue: Catalogue) -> None:
    plans = split(spec(), catalogue)
    assert sorted([*plans.search.tags, *plans.validation.tags]) == TAGS
    assert (len(plans.search.tags), len(plans.validation.tags)) == (12, 8)
    assert (plans.search.seeds, plans.validation.seeds, plans.confirm.seeds) == ((1, 2), (1001, 1002), (2001, 2002))
    assert plans.confirm.tags == plans.search.tags


def test_the_split_does_not_hang_on_the_order_of_the_tags(catalogue: Catalogue) -> None:
    plan = {"template": "1girl, {tag}", "tags": TAGS[::-1], "seeds": [1, 2]}
    assert set(split(spec(plan=plan), catalogue).validation.tags) == set(split(spec(), catalogue).validation.tags)


def test_seeds_of_validation_move_away_from_the_searchs(catalogue: Catalogue) -> None:
    plan = {"template": "1girl, {tag}", "tags": TAGS, "seeds": [1001, 2001]}
    plans = split(spec(plan=plan), catalogue)
    assert (plans.validation.seeds, plans.confirm.seeds) == ((3001, 3002), (4001, 4002))


def test_tags_that_the_tagger_does_not_know_are_left_out_and_named(catalogue: Catalogue) -> None:
    plans = split(spec(), catalogue, frozenset(TAGS[2:]))
    assert sorted([*plans.search.tags, *plans.validation.tags]) == TAGS[2:]
    assert plans.unknown == ("tag_00", "tag_01")


def test_rungs_ask_for_the_same_prompts_first(catalogue: Catalogue) -> None:
    plans = split(spec(halving=[0.25, 0.5, 1]), catalogue)
    assert [asked(plan, catalogue) for plan in plans.rungs] == [(5, 20), (10, 40), (20, 80)]
    assert plans.rungs[-1] == plans.search
    assert len(plans.prompts) == 4 and plans.prompts[0].startswith("1girl, tag ")


def test_as_many_tags_share_a_prompt_as_do_not_exclude_each_other(catalogue: Catalogue) -> None:
    plan = {"template": "1girl, {tag}", "tags": TAGS, "sets": {"exclusive": [TAGS[:10], TAGS[10:]]}, "seeds": "1-4"}
    plans = split(spec(plan=plan, prompts=12), catalogue)
    assert (plans.search.sets.sizes, plans.validation.sets.sizes) == ((2,), (2,))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"prompts": 4},
            "4 prompts ask for 32 tags in all, which shows differences in lift from 0.22 on; expected 0.15 or finer, so set "
            "'prompts' to at least 9",
        ),
        ({"validation": {"prompts": 3}}, "set 'validation.prompts' to at least 9"),
        (
            {"plan": {"template": "{tag}", "tags": TAGS[:8]}, "validation": {"share": 0.5}},
            "expected 0.15 or finer, but no more different prompts can be made of 4 tags: name more tags, or more seeds",
        ),
        ({"validation": {"tags": ["crown", "halo"]}}, "There are 2 tags to validate on; expected at least 4"),
        ({"validation": {"tags": ["tag 03", "b", "c", "d"]}}, "The tag 'tag_03' is both searched on and validated on"),
        ({"plan": {"template": "{tag}", "tags": TAGS[:6]}}, "There are 2 tags to search on"),
    ],
)
def test_too_little_to_see_anything_is_refused(change: dict[str, object], sentence: str, catalogue: Catalogue) -> None:
    with pytest.raises(SpecError) as caught:
        split(spec(**change), catalogue)
    assert sentence in str(caught.value)


def test_the_number_that_is_named_does(catalogue: Catalogue) -> None:
    assert split(spec(prompts=9), catalogue).search.sets is not None


@pytest.mark.parametrize("name", list_studies())
def test_every_shipped_study_can_be_split(name: str, catalogue: Catalogue) -> None:
    plans = split(StudySpec.from_value(name), catalogue)
    assert not set(plans.search.tags) & set(plans.validation.tags)
    assert len(plans.validation.tags) >= 12
