"""The form and the recipe say the same, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ui.merge_form import MergeForm, from_recipe, read_blocks, resolved, to_recipe
from tag_atelier.ui.merge_tab import read_form, write_form

forms = st.builds(
    MergeForm,
    first=st.just("model-a"),
    second=st.just("model-b"),
    third=st.sampled_from(["", "model-c"]),
    method=st.just("weighted_sum"),
    second_weight=st.integers(0, 100).map(lambda percent: percent / 100),
    third_weight=st.just(0.25),
    preset=st.sampled_from(["", "GRAD_V", "FLAT_25"]),
    blocks=st.sampled_from(["", "IN04: 0.3", "IN04: 0.3, OUT03-OUT05: 0.7", ", ".join(["0.5"] * 20)]),
    dtype=st.sampled_from(["keep", "fp16"]),
    vae=st.sampled_from(["", "a"]),
)


@given(forms)
@settings(max_examples=60, deadline=None)
def test_a_recipe_of_the_form_gives_the_form_back(form: MergeForm) -> None:
    recipe = to_recipe(form)
    again = to_recipe(from_recipe(Recipe.from_value(recipe.to_yaml())))
    assert again.digest == recipe.digest


@given(forms)
@settings(max_examples=30, deadline=None)
def test_the_controls_give_the_form_back(form: MergeForm) -> None:
    assert read_form(write_form(form)) == form


def test_a_number_a_preset_and_blocks() -> None:
    form = MergeForm("a", "b", second_weight=0.4, blocks="IN04: 0.3\nout03-out05 = 1")
    assert to_recipe(form).as_dict()["alpha"] == {"ALL": 0.4, "IN04": 0.3, "OUT03-OUT05": 1.0}
    assert to_recipe(MergeForm("a", "b", second_weight=0.4)).as_dict()["alpha"] == 0.4
    preset = to_recipe(MergeForm("a", "b", preset="GRAD_V", second_weight=1.0)).as_dict()["alpha"]
    assert preset == {"preset": "GRAD_V", "scale": 1.0}


def test_the_third_model_is_mixed_in_or_is_the_base() -> None:
    mixed = to_recipe(MergeForm("a", "b", "c", second_weight=0.5, third_weight=0.25)).as_dict()
    assert (mixed["models"], mixed["alpha"]) == (["a", "b", "c"], [0.5, 0.25])
    difference = to_recipe(MergeForm("a", "b", "c", method="add_difference", second_weight=1.0)).as_dict()
    assert (difference["models"], difference["base"]) == (["a", "b"], "c")


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (MergeForm(), "Model A or B"),
        (MergeForm("a", "b", method="add_difference"), "Model C"),
        (MergeForm("a", "b", blocks="IN04: 0.3, what"), "what"),
        (MergeForm("a", "b", blocks="0.1, 0.2"), "2"),
        (MergeForm("a", "b", blocks="IN99: 0.3"), "IN99"),
    ],
)
def test_what_is_missing_or_wrong_is_named(form: MergeForm, named: str) -> None:
    with pytest.raises((RecipeError, UnknownName), match=named):
        to_recipe(form)


@pytest.mark.parametrize(
    "text",
    [
        "models: [a, b, c, d]\nalpha: [0.1, 0.2, 0.3]",
        "models: [a, b, c]\nalpha: [0.5, {IN04: 0.2}]",
        "models: [a, b, c]\nbase: d\nmethod: add_difference\nalpha: [0.5, 0.5]",
        "models: [a, b]\nalpha: 0.5\noptions: {adjust: {IN: 1}}",
        "models: [a, b]\nbase: c\nmethod: dare\nalpha: 0.5\nparameters: {drop: 0.4}",
    ],
)
def test_a_recipe_that_the_form_cannot_show_is_left_alone(text: str) -> None:
    with pytest.raises(RecipeError, match="more than the form"):
        from_recipe(Recipe.from_value(text))


def test_blocks_are_read_whatever_separates_them() -> None:
    assert read_blocks(" in04:0.3 ;\n OUT03-OUT05 = 1e-1,, ") == {"IN04": "0.3", "OUT03-OUT05": "1e-1"}


def test_the_sliders_stand_where_the_weights_are() -> None:
    weights = resolved(MergeForm("a", "b", second_weight=0.4, blocks="IN04: 0.3"), "sdxl")
    assert (weights["IN03"], weights["IN04"], weights["VAE"]) == (0.4, 0.3, 0.0)
