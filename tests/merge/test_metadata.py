from __future__ import annotations

import json

from tag_atelier.merge.metadata import header_texts
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe


def test_texts(shelf) -> None:
    shelf.add("a", architecture="sdxl", metadata={"sd_merge_recipe": '{"type": "webui"}'})
    shelf.add("b", architecture="sdxl", metadata={"sd_merge_recipe": "{"})
    recipe = Recipe.from_value({"models": ["a", "b"], "alpha": 0.5})
    texts = header_texts(plan(recipe, shelf.path, {"a": "ab" * 32}.get))
    assert texts["format"] == "pt"
    assert texts["modelspec.architecture"] == "stable-diffusion-xl-v1-base"
    assert texts["modelspec.title"] == "a + b"
    assert texts["tag_atelier_recipe_digest"] == recipe.digest
    assert Recipe.from_value(texts["tag_atelier_recipe"]) == recipe
    merge_recipe = json.loads(texts["sd_merge_recipe"])
    assert (merge_recipe["type"], merge_recipe["method"], merge_recipe["models"]) == ("tag-atelier", "weighted_sum", ["a", "b"])
    assert json.loads(texts["sd_merge_models"]) == {
        "ab" * 32: {"name": "a.safetensors", "legacy_hash": None, "sd_merge_recipe": {"type": "webui"}},
        "b": {"name": "b.safetensors", "legacy_hash": None, "sd_merge_recipe": None},
    }


def test_networks_are_parents_too_and_v_prediction_is_told(shelf) -> None:
    import torch
    from safetensors.torch import save_file

    key = "model.diffusion_model.input_blocks.3.0.weight"
    shelf.add("a", architecture="sdxl", change={"v_pred": torch.empty(0)})
    save_file({"lora_unet_input_blocks_3_0.diff": torch.ones(4, 5)}, shelf.path("net"))
    planned = plan(Recipe.from_value({"models": ["a"], "loras": ["net"]}), shelf.path)
    assert key in planned.changed_keys
    texts = header_texts(planned)
    assert texts["modelspec.prediction_type"] == "v"
    assert list(json.loads(texts["sd_merge_models"])) == ["a", "net"]
