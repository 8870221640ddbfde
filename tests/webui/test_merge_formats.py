"""Merges from and to other formats in a real WebUI: what is baked in draws as what the WebUI applies while drawing."""

from __future__ import annotations

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.webui.client import OURS, Client, Picture
from tests.webui.server import Server
from tests.webui.test_live_merge import Before, before

__all__ = ["before"]

A = "tiny-sd15-a"


def written(client: Client, recipe: dict[str, object], name: str) -> dict[str, object]:
    job = client.job("POST", "/merges", {"recipe": recipe, "name": name}, timeout_s=240)
    assert job["state"] == "done", job
    return job["result"]


def levels_apart(one: Picture, other: Picture) -> int:
    """The largest difference between two pictures in grey levels."""
    return int(numpy.abs(numpy.asarray(one.image(), numpy.int16) - numpy.asarray(other.image(), numpy.int16)).max())


def drawn_with(client: Client, checkpoint: str, prompt: str = "1girl, solo") -> Picture:
    client.choose(f"{checkpoint}.safetensors")
    try:
        return client.draw(prompt)
    finally:
        client.choose(f"{A}.safetensors")


def test_a_baked_network_draws_as_in_the_prompt(before: Before, client: Client) -> None:
    applied = client.draw("1girl, solo <lora:tiny-lora-sd15:0.8>")
    client.draw()
    recipe = {"models": [A], "loras": [{"lora": "tiny-lora-sd15", "weight": 0.8}], "options": {"dtype": "fp32"}}
    written(client, recipe, "baked")
    baked = drawn_with(client, "baked")
    assert levels_apart(baked, applied) <= 1
    assert levels_apart(baked, before.picture) > 1


def test_a_network_in_a_live_merge(before: Before, client: Client) -> None:
    applied = client.draw("1girl, solo <lora:tiny-lora-sd15:0.8>")
    client.draw()
    client.apply({"models": [A], "loras": [{"lora": "tiny-lora-sd15", "weight": 0.8}]})
    # on a CPU the WebUI computes in float32, the live merge writes the checkpoint's half precision
    assert levels_apart(client.draw(), applied) <= 3
    client.restore()
    before.check()


def test_pickled_models_vae_files_and_diffusers_folders(before: Before, client: Client, server: Server) -> None:
    models = server.data / "models"
    tensors = load_file(models / "Stable-diffusion" / "tiny-sd15-b.safetensors")
    torch.save({"state_dict": tensors, "epoch": 1}, models / "Stable-diffusion" / "pickled-b.ckpt")
    (models / "VAE").mkdir(exist_ok=True)
    vae = {
        key.removeprefix("first_stage_model."): value for key, value in tensors.items() if key.startswith("first_stage_model.")
    }
    save_file(vae, models / "VAE" / "b-vae.safetensors")
    client.post("/sdapi/v1/refresh-checkpoints")
    alpha = {"IN04": 0.5, "OUT03": 0.25}
    usual = written(client, {"models": [A, "tiny-sd15-b"], "alpha": alpha, "options": {"vae": "b"}}, "usual")
    assert usual["sha256"]
    other = {"models": [A, "pickled-b"], "alpha": alpha, "options": {"vae": "b-vae"}}
    written(client, other, "unusual")
    picture = drawn_with(client, "usual")
    assert drawn_with(client, "unusual").pixels == picture.pixels
    written(client, {"models": ["usual"], "options": {"format": "diffusers"}}, "as-folder")
    written(client, {"models": ["as-folder"]}, "from-folder")
    # compared as files: the tiny models draw only with the .yaml beside them, which a folder does not carry
    there, back = (load_file(models / "Stable-diffusion" / f"{name}.safetensors") for name in ("usual", "from-folder"))
    assert all(torch.equal(back[key], there[key]) for key in back)
    assert len(back) > 1000
    assert not any("as-folder" in model["title"] for model in client.get("/sdapi/v1/sd-models"))
    before.check()


def test_a_hostile_pickle_is_refused_in_one_sentence(client: Client, server: Server) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return print, ("ran",)

    path = server.data / "models" / "Stable-diffusion" / "hostile.ckpt"
    torch.save({"state_dict": {}, "x": Hostile()}, path)
    try:
        client.post("/sdapi/v1/refresh-checkpoints")
        answer = client.request("POST", f"{OURS}/merges/check", {"recipe": {"models": [A, "hostile"], "alpha": 0.5}})
        assert answer.status == 422
        assert "holds more than tensors" in str(answer.json())
    finally:
        path.unlink()
        client.post("/sdapi/v1/refresh-checkpoints")


@pytest.mark.only("a1111", reason="Forge and reForge take SDXL with full-size text encoders only")
def test_the_extracted_difference_draws_as_a_network(before: Before, client: Client) -> None:
    """What a recipe changes, as a LoRA in the prompt, draws nearly what the recipe's file draws."""
    recipe = {"models": [A, "tiny-sd15-b"], "alpha": {"IN07": 0.5, "IN08": 0.5}}
    written(client, recipe, "mixed")
    wanted = drawn_with(client, "mixed")
    written(client, {**recipe, "options": {"format": "lora", "rank": 128, "conv_rank": 128}}, "extracted")
    client.post("/sdapi/v1/refresh-loras")
    got = client.draw("1girl, solo <lora:extracted:1>")
    client.draw()
    assert levels_apart(got, before.picture) > 3
    assert levels_apart(got, wanted) <= levels_apart(before.picture, wanted) // 2
