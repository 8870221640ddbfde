"""What a recipe says about its result beside the mix."""

from __future__ import annotations

import pytest

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.recipe import Recipe

TWO = {"models": ["A", "B"], "alpha": 0.5}


def test_a_recipe_of_one_model_is_a_converter() -> None:
    recipe = Recipe.from_value({"models": ["A"], "options": {"dtype": "fp16", "prune": True, "format": "diffusers"}})
    assert (recipe.models, recipe.weights, recipe.dtype) == (("A",), (), "fp16")
    assert (recipe.options.prune, recipe.options.format) == (True, "diffusers")
    assert Recipe.from_value(recipe.to_yaml()) == recipe


def test_everything_comes_back_from_the_canonical_form() -> None:
    recipe = Recipe.from_value(
        {
            **TWO,
            "loras": ["plain", {"lora": "detail", "weight": {"IN04": 0.5}}],
            "options": {
                "dtype": {"all": "fp16", "unet": "fp8_e4m3fn", "vae": "fp32", "text_encoders": "fp16"},
                "vae": "sdxl_vae.safetensors",
                "text_encoders": {"clip_l": "b", "CLIP_G": "other-model"},
                "ema": True,
                "format": "lora",
                "rank": 16,
                "conv_rank": 4,
            },
        }
    )
    assert recipe.vae == "sdxl_vae.safetensors"
    assert recipe.options.text_encoders == (("CLIP_L", "b"), ("CLIP_G", "other-model"))
    assert recipe.options.dtypes == (("unet", "fp8_e4m3fn"), ("vae", "fp32"))
    assert recipe.options.dtype_of("unet", recipe.dtype) == "F8_E4M3"
    assert recipe.options.dtype_of("text_encoders", recipe.dtype) == "F16"
    assert (recipe.options.rank, recipe.options.conv_rank) == (16, 4)
    assert [use.name for use in recipe.options.loras] == ["plain", "detail"]
    again = Recipe.from_value(recipe.to_yaml())
    assert again == recipe
    assert again.digest == recipe.digest != Recipe.from_value(TWO).digest


def test_options_that_are_not_given_leave_the_digest_alone() -> None:
    assert Recipe.from_value(TWO).as_dict()["options"] == {"dtype": "keep"}
    assert Recipe.from_value({**TWO, "options": {"prune": False, "ema": False}}).digest == Recipe.from_value(TWO).digest


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"options": {"dtype": {"unet": "fp12"}}}, "'fp12' cannot be written"),
        ({"options": {"dtype": {"clip": "fp16"}}}, "'dtype' has 'clip'; expected only: all, unet"),
        ({"options": {"dtype": ["fp16"]}}, "cannot be written"),
        ({"options": {"prune": "yes"}}, "'options.prune' is 'yes'; expected true or false"),
        ({"options": {"format": "ckpt"}}, "format 'ckpt' cannot be written; expected one of: safetensors"),
        ({"options": {"rank": 4}}, "only for 'format: lora'"),
        ({"options": {"format": "lora", "rank": 0}}, "'rank' is 0; expected a whole number from 1 to 1024"),
        ({"options": {"format": "lora", "conv_rank": True}}, "'conv_rank' is True"),
        ({"options": {"text_encoders": {"T5": "b"}}}, "'text_encoders' has 'T5'"),
        ({"loras": "detail"}, "'loras' is 'detail'; expected a list"),
        ({"loras": [{"lora": "x", "strength": 1}]}, "unknown field 'strength'"),
        ({"loras": [{"weight": 1}]}, "A LoRA is None"),
        ({"loras": [{"lora": "x", "weight": 100}]}, "expected a number from -10 to 10"),
    ],
)
def test_bad_options(change: dict[str, object], found: str) -> None:
    with pytest.raises(RecipeError, match=found):
        Recipe.from_value({**TWO, **change})


def test_a_letter_that_no_model_has() -> None:
    with pytest.raises(UnknownName, match="model 'z'"):
        Recipe.from_value({**TWO, "options": {"text_encoders": "z"}})
