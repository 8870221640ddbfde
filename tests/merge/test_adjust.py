from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.adjust import Change, changes, read_adjust
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write

UNET = "model.diffusion_model."


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1,0,0,-2", (("IN", 1.0), ("CONT", -2.0))),
        ([0, 0, 0.5], (("OUT2", 0.5),)),
        ({"col3": 1, "in": "2"}, (("IN", 2.0), ("COL3", 1.0))),
        ({}, ()),
    ],
)
def test_forms(value: object, read: object) -> None:
    assert read_adjust(value) == read
    assert read_adjust(dict(read_adjust(value))) == read


@pytest.mark.parametrize("value", ["a,b", "1,2,3,4,5,6,7,8,9", 3, {"IN": 11}, [None]])
def test_bad_forms(value: object) -> None:
    with pytest.raises(RecipeError):
        read_adjust(value)


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="COL3"):
        read_adjust({"COL4": 1})


def test_what_is_changed_by_how_much() -> None:
    found = changes((("IN", 2.0), ("OUT", -1.0), ("OUT2", 5.0)), "sdxl")
    assert found == {
        f"{UNET}input_blocks.0.0.weight": Change(0.98),
        f"{UNET}input_blocks.0.0.bias": Change(1.04),
        f"{UNET}out.0.weight": Change(1.01),
        f"{UNET}out.0.bias": Change(0.98),
        f"{UNET}out.2.weight": Change(0.95),
    }
    assert changes((), "sd15") == {}


@pytest.mark.parametrize(
    ("name", "sd15", "sdxl"),
    [
        ("CONT", (1, 0, 0, 0), (1, 0, 0, 0)),
        ("BRI", (0, -1, 1 / 3, 2 / 3), (0, 0, 0, 1)),
        ("COL1", (0, 1, 1, 0), (0, 1, 0, 0)),
        ("COL2", (0, 0, -1, -1), (0, -1, -1, 0)),
        ("COL3", (0, 1, 0, 1), (0, -1, 1, 0)),
    ],
)
def test_colours(name: str, sd15: tuple[float, ...], sdxl: tuple[float, ...]) -> None:
    for architecture, expected in (("sd15", sd15), ("sdxl", sdxl)):
        (change,) = changes(((name, 3.0),), architecture).values()
        assert change.scale == 1.0
        assert change.shift == pytest.approx([0.06 * x for x in expected])


def test_a_merge_is_adjusted_after_mixing(shelf, counter) -> None:
    shelf.add("a", fill=1.0)
    shelf.add("b", fill=3.0)

    def merged(alpha: object) -> dict[str, torch.Tensor]:
        recipe = {"models": ["a", "b"], "alpha": alpha, "options": {"adjust": {"IN": 5, "CONT": 50 / 10, "COL1": -5}}}
        shelf.path("out").unlink(missing_ok=True)
        write(plan(Recipe.from_value(recipe), shelf.path), shelf.path("out"), counter())
        return load_file(shelf.path("out"))

    for alpha, value in ((0.5, 2.0), (0, 1.0), (1, 3.0)):
        out = merged(alpha)
        assert torch.allclose(out[f"{UNET}input_blocks.0.0.weight"].float(), torch.tensor(0.95 * value), atol=1e-3)
        assert torch.allclose(out[f"{UNET}input_blocks.0.0.bias"].float(), torch.tensor(1.1 * value), atol=2e-3)
        shifted = torch.tensor([value + 0.1, value - 0.1, value - 0.1, value])
        assert torch.allclose(out[f"{UNET}out.2.bias"].float(), shifted, atol=2e-3)
        assert bool((out[f"{UNET}input_blocks.1.0.weight"] == value).all())


def test_adjusting_changes_the_digest_and_nothing_else_does() -> None:
    plain = {"models": ["a", "b"], "alpha": 0.5}
    none = Recipe.from_value({**plain, "options": {"adjust": {"IN": 0}}})
    some = Recipe.from_value({**plain, "options": {"adjust": "1"}})
    assert none.digest == Recipe.from_value(plain).digest
    assert some.digest != none.digest
    assert Recipe.from_value(some.to_yaml()) == some


def test_an_output_layer_of_another_width_takes_no_colours(shelf) -> None:
    for name in "ab":
        shelf.add(name, change={f"{UNET}out.2.bias": torch.zeros(5).half()})
    recipe = {"models": ["a", "b"], "alpha": 0.5, "options": {"adjust": {"BRI": 1}}}
    with pytest.raises(RecipeError, match="holds 5 values where the colours"):
        plan(Recipe.from_value(recipe), shelf.path)
