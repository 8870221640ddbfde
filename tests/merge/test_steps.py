"""Recipes of several steps: the steps' results are used without a file and rounded only once, at the end."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.errors import RecipeError
from tag_atelier.merge import stream
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe

UNET = "model.diffusion_model."
OUT00, IN00 = f"{UNET}output_blocks.0.0.weight", f"{UNET}input_blocks.0.0.weight"


def planned(shelf, recipe: object) -> MergePlan:
    return plan(Recipe.from_value(recipe), shelf.path)


def written(shelf, counter, recipe: object, name: str) -> dict[str, torch.Tensor]:
    stream.write(planned(shelf, recipe), shelf.path(name), counter())
    return load_file(shelf.path(name))


TWO_STEPS = {
    "steps": [
        {"name": "half", "models": ["a", "b"], "alpha": {"OUT00": 0.37, "IN00": 0.5}},
        {"name": "more", "models": ["half", "c"], "base": "a", "method": "add_difference", "alpha": {"OUT00": 0.21}},
    ],
    "models": ["more", "b"],
    "alpha": {"OUT00": 0.13},
}


@pytest.fixture
def three(shelf):
    for seed, name in enumerate("abc"):
        shelf.add(name, seed=seed)
    return shelf


def test_steps_are_rounded_once(three, counter) -> None:
    got = written(three, counter, TWO_STEPS, "out")
    a, b, c = (load_file(three.path(name)) for name in "abc")
    x, y, z = (model[OUT00].double() for model in (a, b, c))
    half = x * 0.63 + y * 0.37
    more = half + 0.21 * (z - x)
    exact = more * 0.87 + y * 0.13
    assert got[OUT00].dtype == torch.float16
    assert torch.equal(got[OUT00], exact.half())
    assert torch.equal(got[IN00], ((a[IN00].double() + b[IN00].double()) / 2).half())
    untouched = [
        key for key in a if key not in (OUT00, IN00) and "output_blocks.0." not in key and "input_blocks.0." not in key
    ]
    assert all(torch.equal(got[key], a[key]) for key in untouched) and len(untouched) > 20


def test_the_plan_tells_what_changes_against_the_first_file(three) -> None:
    merge = planned(three, TWO_STEPS)
    assert {step.block for step in merge.steps if step.key in merge.changed_keys} == {"IN00", "OUT00"}
    assert [file.name for file in merge.files] == ["a", "b", "c"]
    assert merge.as_dict()["changed_keys"] == 4


def test_methods_that_look_at_whole_tensors_and_three_readers_of_one_step(three, counter) -> None:
    recipe = {
        "steps": [{"name": "s", "models": ["a", "b"], "method": "slerp", "alpha": {"OUT00": 0.4}}],
        "models": ["s", "c"],
        "base": "s",
        "method": "ties",
        "alpha": 1.0,
    }
    got = written(three, counter, recipe, "out")
    assert all(torch.isfinite(tensor.float()).all() for tensor in got.values())
    assert not torch.equal(got[OUT00], load_file(three.path("a"))[OUT00])


def test_nan_inside_a_step_takes_its_first_model_and_is_listed(shelf, counter) -> None:
    a = shelf.add("a", seed=1)
    shelf.add("b", seed=2, change={OUT00: torch.full((5, 4), float("nan")).half()})
    shelf.add("c", seed=3)
    recipe = {"steps": [{"name": "s", "models": ["a", "b"], "alpha": 0.5}], "models": ["s", "c"], "alpha": {"IN00": 0.5}}
    result = stream.write(planned(shelf, recipe), shelf.path("out"), counter())
    assert list(result.replaced) == [OUT00]
    assert torch.equal(load_file(shelf.path("out"))[OUT00], a[OUT00])


def test_the_canonical_form_reads_back_and_names_count() -> None:
    recipe = Recipe.from_value(TWO_STEPS)
    assert Recipe.from_value(recipe.to_yaml()).digest == recipe.digest
    assert Recipe.from_value(recipe.as_dict()) == recipe


@pytest.mark.parametrize(
    ("steps", "models", "named"),
    [
        ("x", ["a", "b"], "no list"),
        ([{"models": ["a", "b"], "alpha": 1}], ["a", "b"], "no name"),
        ([{"name": "s", "models": ["a", "b"], "alpha": 1}], ["a", "b"], "used nowhere"),
        ([{"name": "s", "models": ["s", "b"], "alpha": 1}], ["s", "b"], "not done by then"),
        ([{"name": "s", "models": ["a", "b"], "alpha": 1}] * 2, ["s", "b"], "Two steps"),
        ([{"name": "s", "models": ["a", "b"], "alpha": 1, "options": {"dtype": "fp16"}}], ["s", "b"], "gives a dtype"),
        ([{"name": "s", "models": ["a", "b"], "alpha": 1, "steps": []}], ["s", "b"], "steps of its own"),
    ],
)
def test_steps_that_make_no_sense_are_refused(steps: object, models: list[str], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.from_value({"steps": steps, "models": models, "alpha": 0.5})
