"""The recipe in docs/add_a_merge_method.md is a recipe, and its table names every method."""

from __future__ import annotations

from pathlib import Path

from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.recipe import Recipe

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "add_a_merge_method.md").read_text(encoding="utf-8")


def test_the_example_can_be_read() -> None:
    recipe = Recipe.from_value(TEXT.split("```yaml\n")[1].split("```")[0])
    assert (recipe.dtype, recipe.vae, recipe.weights[0].preset) == ("fp16", "a", "GRAD_V")


def test_every_method_is_in_the_table() -> None:
    named = [line.split("`")[1] for line in TEXT.split("## The methods there are")[1].splitlines() if line.startswith("| `")]
    assert named == list(METHODS)
