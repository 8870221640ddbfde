"""Points, bounds and recipes: weights of a block sum to 1, whatever is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_atelier.errors import SpecError, UnknownName
from tag_atelier.merge.layout import architectures
from tag_atelier.tune.space import Space, alone
from tag_atelier.tune.study_spec import StudySpec

SDXL, SD15 = architectures()["sdxl"], architectures()["sd15"]


def spec(models: str = "ab", **space: object) -> StudySpec:
    method = {"method": space.pop("method")} if "method" in space else {}
    plan = {"template": "1girl, {tag}", "tags": ["smile"]}
    return StudySpec.from_value({"name": "x", "models": list(models), "plan": plan, "space": space, **method})


def test_the_eleven_groups_are_those_of_the_page() -> None:
    names = [group.name for group in Space(spec(), SDXL, "eleven").groups]
    assert names == [
        *("IN00-IN03", "IN04-IN06", "IN07", "IN08", "M00", "OUT00", "OUT01", "OUT02", "OUT03-OUT05", "OUT06-OUT08"),
        "rest",
    ]
    with pytest.raises(SpecError, match="made for SDXL, not for Stable Diffusion 1.5; expected eight or blocks"):
        Space(spec(), SD15, "eleven")


@pytest.mark.parametrize("architecture", [SDXL, SD15], ids=lambda each: each.id)
@pytest.mark.parametrize(("grouping", "count"), [("eight", 8), ("model", 1)])
def test_groupings_hold_the_whole_unet_once(architecture: object, grouping: str, count: int) -> None:
    space = Space(spec(), architecture, grouping)  # type: ignore[arg-type]
    held = [block for group in space.groups for block in group.blocks]
    wanted = [block for block in architecture.blocks if block not in ("VAE", *architecture.text_encoders)]  # type: ignore[attr-defined]
    assert sorted(held) == sorted(wanted)
    assert len(space.groups) == count


def test_the_first_model_takes_what_the_others_leave() -> None:
    space = Space(spec("abc", groups="model"), SDXL, "model")
    assert space.start() == pytest.approx((4 / 9, 4 / 9), abs=1e-4)  # a third each, between -0.2 and 1
    assert space.shares(space.start()) == {"a": {"UNET": 0.3334}, "b": {"UNET": 0.3333}, "c": {"UNET": 0.3333}}
    recipe = space.recipe(space.start(), "mix")
    assert (recipe.method, recipe.models, recipe.name) == ("weighted_sum", ("a", "b", "c"), "mix")
    blocks = recipe.weights[1].resolve(SDXL)
    assert (blocks["IN00"], blocks["OUT"], blocks["CLIP_L"], blocks["VAE"]) == (0.3333, 0.3333, 0.0, 0.0)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_repaired_weights_keep_all_bounds(point: list[float]) -> None:
    space = Space(spec("abcd", groups="model", low=-0.2, high=0.55, rest=[-0.1, 0.6]), SDXL, "model")
    weights = space.weights_of(space.repair(point))
    assert all(-0.2001 <= weight <= 0.5501 for weight in weights)
    assert -0.1002 <= 1 - sum(weights) <= 0.6002


def test_a_point_within_the_bounds_is_left_alone() -> None:
    space = Space(spec("abc", groups="model", low=0, high=1), SDXL, "model")
    assert space.repair((0.25, 0.5)) == (0.25, 0.5)
    assert space.weights_of(space.repair((1, 1))) == (0.6, 0.6)  # the first model's share is -0.2 at least


def test_bounds_that_cannot_be_met_are_refused_with_the_numbers() -> None:
    with pytest.raises(SpecError, match=r"leave 'a' a share of 0.75 to 1.05, but 'space.rest' wants 0 to 0.5"):
        Space(spec(groups="model", low=-0.05, high=0.25, rest=[0, 0.5]), SDXL, "model")


def test_bounds_of_one_group() -> None:
    space = Space(spec(groups="eleven", bounds={"M00": [-0.05, 0.25]}), SDXL, "eleven")
    assert {each.name: (each.low, each.high) for each in space.dimensions}["M00:b"] == (-0.05, 0.25)
    with pytest.raises(SpecError, match="'space.bounds' names 'M99'; expected one of the groups: IN00-IN03"):
        Space(spec(groups="eleven", bounds={"M99": [0, 1]}), SDXL, "eleven")


def test_negative_weights_cost_their_mean_over_blocks() -> None:
    study = spec(groups={"one": ["IN00"], "three": ["IN01-IN03"]}, low=-1, high=1, negative_penalty=0.1)
    space = Space(study, SDXL, study.space.groups)
    assert space.penalty((0.75, 0.75)) == 0  # +0.5 each
    assert space.penalty((0.75, 0.25)) == pytest.approx(0.1 * 0.5 * 3 / 4)


def test_keeping_the_style_keeps_output_blocks_and_text_encoders() -> None:
    space = Space(spec(groups="blocks", keep_style=True), SDXL, "blocks")
    assert [group.name for group in space.groups] == [*(f"IN0{i}" for i in range(9)), "M00", "rest"]
    weights = space.recipe([1.0] * len(space.dimensions), "x").weights[0].resolve(SDXL)
    assert {block for block, weight in weights.items() if weight} == {*(f"IN0{i}" for i in range(9)), "M00", "TIME", "LABEL"}


def test_text_encoders_and_vae_may_be_searched_or_be_anothers() -> None:
    space = Space(spec(groups="model", text_encoders="searched", vae="b"), SDXL, "model")
    assert [group.name for group in space.groups] == ["UNET", "TEXT"]
    weights = space.recipe(space.repair((0.5, 1.0)), "x").weights[0].resolve(SDXL)
    assert (weights["CLIP_L"], weights["CLIP_G"], weights["VAE"]) == (1.0, 1.0, 1.0)
    assert 0 < weights["M00"] < 1


@pytest.mark.parametrize(
    ("groups", "error", "sentence"),
    [
        ({"a": ["IN00"], "b": ["IN00-IN01"]}, SpecError, "The block 'IN00' is in two groups"),
        ({"a": ["IN77"]}, UnknownName, "IN77"),
        ({"a": ["ALL"]}, SpecError, "The group 'a' searches CLIP_L, which is to stay the first model's"),
        ({"a": ["VAE"]}, SpecError, "The group 'a' searches VAE, which is to stay the first model's"),
    ],
)
def test_groups_that_make_no_sense_are_refused(groups: dict[str, list[str]], error: type[Exception], sentence: str) -> None:
    study = spec(groups=groups)
    with pytest.raises(error, match=sentence):
        Space(study, SDXL, study.space.groups)


def test_a_difference_is_added_without_a_sum() -> None:
    space = Space(spec("abc", groups="model", method="add_difference", high=1.5), SDXL, "model")
    recipe = space.recipe(space.repair((1.0, 1.0)), "x")
    assert (recipe.method, recipe.base) == ("add_difference", "a")
    assert [weights.resolve(SDXL)["M00"] for weights in recipe.weights] == [1.5, 1.5]
    assert set(space.shares((0.0, 0.0))) == {"b", "c"}


def test_the_finer_stage_starts_from_the_same_weights() -> None:
    coarse, fine = Space(spec(), SDXL, "eight"), Space(spec(), SDXL, "blocks")
    point = coarse.repair([i / 7 for i in range(8)])
    before = coarse.recipe(point, "x").weights[0].resolve(SDXL)
    after = fine.recipe(fine.finer(point, coarse), "x").weights[0].resolve(SDXL)
    # TIME, LABEL and OUT share one weight in the finer stage: that of the first of them.
    assert {block: after[block] for block in SDXL.unet} == pytest.approx(
        {block: before[block] for block in SDXL.unet}, abs=1e-4
    )


def test_a_parent_is_the_whole_model() -> None:
    assert alone(["a", "b", "c"], 0).weights[0].number == 0
    third = alone(["a", "b", "c"], 2)
    assert (third.models, set(third.weights[0].resolve(SDXL).values())) == (("a", "c"), {1.0})
