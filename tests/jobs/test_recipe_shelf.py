"""Saved recipes, own block presets and the history of merges, as files that a crash leaves whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import HostError, RecipeError, UnknownName
from tag_atelier.jobs import recipe_shelf
from tag_atelier.jobs.recipe_shelf import RecipeShelf
from tag_atelier.merge.recipe import Recipe

RECIPE = Recipe.from_value({"models": ["a", "b"], "alpha": {"M00": 0.5}})


@pytest.fixture
def shelf(tmp_path: Path) -> RecipeShelf:
    return RecipeShelf(tmp_path / "merges")


def test_recipes_are_kept_by_name_and_replaced(shelf: RecipeShelf) -> None:
    assert shelf.recipes() == {}
    shelf.save_recipe("my mix 合并", RECIPE)
    assert shelf.recipe("my mix 合并").digest == RECIPE.digest
    other = Recipe.from_value({"models": ["a", "b"], "alpha": 0.25})
    shelf.save_recipe("my mix 合并", other)
    assert {name: recipe.digest for name, recipe in shelf.recipes().items()} == {"my mix 合并": other.digest}
    shelf.delete_recipe("my mix 合并")
    with pytest.raises(UnknownName, match="saved recipe"):
        shelf.recipe("my mix 合并")


@pytest.mark.parametrize("name", ["", "../x", "con", "a/b"])
def test_names_that_are_no_file_names_are_refused(shelf: RecipeShelf, name: str) -> None:
    with pytest.raises(RecipeError):
        shelf.save_recipe(name, RECIPE)


def test_a_broken_file_is_left_out(shelf: RecipeShelf, tmp_path: Path) -> None:
    shelf.save_recipe("good", RECIPE)
    (tmp_path / "merges" / "recipes" / "bad.yaml").write_text("models: 7", encoding="utf-8")
    assert list(shelf.recipes()) == ["good"]


def test_own_block_presets(shelf: RecipeShelf) -> None:
    shelf.save_block_preset("hands", {"in04": "0.3", "OUT03-OUT05": 1})
    assert shelf.block_presets() == {"hands": {"IN04": 0.3, "OUT03-OUT05": 1.0}}
    shelf.save_block_preset("hands", {})
    assert shelf.block_presets() == {}
    with pytest.raises(UnknownName, match="IN99"):
        shelf.save_block_preset("x", {"IN99": 1})
    with pytest.raises(RecipeError, match="no name"):
        shelf.save_block_preset(" ", {"IN04": 1})


def test_a_preset_keeps_what_it_says_of_all_blocks(shelf: RecipeShelf) -> None:
    shelf.save_block_preset("most", {"ALL": 0.5, "M00": 1})
    shelf.save_block_preset("none", {"ALL": 0})
    assert shelf.block_presets() == {"most": {"ALL": 0.5, "M00": 1.0}, "none": {"ALL": 0.0}}


def test_the_history_is_newest_first_and_bounded(shelf: RecipeShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_shelf, "LONGEST_HISTORY", 2)
    for name in ("one", "two", "three"):
        shelf.remember(RECIPE, f"{name}.safetensors", "ab" * 32)
    found = shelf.history()
    assert [entry["file"] for entry in found] == ["three.safetensors", "two.safetensors"]
    assert Recipe.from_value(str(found[0]["recipe"])).digest == found[0]["digest"] == RECIPE.digest
    assert str(found[0]["date"])[:2] == "20"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "merges").write_text("a file", encoding="utf-8")
    with pytest.raises(HostError, match="cannot be written"):
        RecipeShelf(tmp_path / "merges").save_recipe("x", RECIPE)
