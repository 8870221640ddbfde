from __future__ import annotations

import pytest

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.variants import VARIANTS

TWO = Recipe.from_value({"models": ["a", "b"], "alpha": {"ALL": 0.5, "M00": 0.1}})
THREE = Recipe.from_value({"models": ["a", "b", "c"], "alpha": [0.5, 0.25]})
DIFFERENCE = Recipe.from_value({"models": ["a", "b"], "base": "c", "method": "add_difference", "alpha": 1})


@pytest.mark.parametrize(
    ("recipe", "kind", "text", "field", "expected"),
    [
        (TWO, "weight", "0.3", "alpha", 0.3),
        (THREE, "weight", "c 0.3", "alpha", [0.5, 0.3]),
        (TWO, "block", "OUT03-OUT05 0.4", "alpha", {"ALL": 0.5, "M00": 0.1, "OUT03-OUT05": 0.4}),
        (TWO, "block", "m00: 1", "alpha", {"ALL": 0.5, "M00": 1.0}),
        (THREE, "block", "c base=1", "alpha", [0.5, {"ALL": 0.25, "BASE": 1.0}]),
        (TWO, "preset", "grad_v", "alpha", {"preset": "GRAD_V", "scale": 1.0}),
        (TWO, "preset", "GRAD_V 0.5", "alpha", {"preset": "GRAD_V", "scale": 0.5}),
        (TWO, "method", "slerp", "method", "slerp"),
        (TWO, "model", "other model", "models", ["a", "other model"]),
        (THREE, "model", "c other", "models", ["a", "b", "other"]),
        (DIFFERENCE, "model", "base other", "base", "other"),
    ],
)
def test_one_thing_is_changed_and_nothing_else(recipe: Recipe, kind: str, text: str, field: str, expected: object) -> None:
    before, after = recipe.as_dict(), VARIANTS[kind](recipe, text).as_dict()
    assert after[field] == expected
    assert {key: value for key, value in after.items() if key != field} == {k: v for k, v in before.items() if k != field}


@pytest.mark.parametrize(
    ("kind", "text", "named"),
    [
        ("weight", "much", "much"),
        ("weight", "c 0.3", "no model 'c'"),
        ("block", "OUT03", "no block with a weight"),
        ("block", "OUT99 1", "OUT99"),
        ("preset", "NOWHERE", "NOWHERE"),
        ("method", "magic", "magic"),
        ("method", "add_difference", "needs a base"),
    ],
)
def test_what_makes_no_recipe_is_refused(kind: str, text: str, named: str) -> None:
    with pytest.raises((RecipeError, UnknownName), match=named):
        VARIANTS[kind](TWO, text)
