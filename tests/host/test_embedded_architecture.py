"""Recognising a checkpoint from its header alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tag_atelier.errors import CheckpointError
from tag_atelier.host.embedded.architecture import recognise, write_config
from tag_atelier.world.anatomy import Shape, checkpoint_shapes, sd15, sdxl


def real_sd15() -> dict[str, Shape]:
    return checkpoint_shapes(sd15(320, 768, 128))


def test_real_sizes_are_recognised() -> None:
    found = recognise(real_sd15(), "model.safetensors")
    assert (found.family, found.anatomy, found.prediction) == ("sd15", sd15(320, 768, 128), "eps")
    found = recognise({**checkpoint_shapes(sdxl(320, 768, 1280, 128)), "v_pred": ()}, "model.safetensors")
    assert (found.family, found.anatomy, found.prediction) == ("sdxl", sdxl(320, 768, 1280, 128), "v")


def test_tensors_that_files_may_lack_are_not_missed() -> None:
    shapes = checkpoint_shapes(sdxl(32, 64, 96, 32))
    kept = {name: shape for name, shape in shapes.items() if not name.endswith(("position_ids", "logit_scale"))}
    assert len(kept) == len(shapes) - 2
    assert recognise(kept, "x").family == "sdxl"


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"'lora\.safetensors' holds no text encoder"):
        recognise({"lora_unet_mid.alpha": ()}, "lora.safetensors")


@pytest.mark.parametrize("part", ["model.diffusion_model.out.2.bias", "first_stage_model.encoder.conv_in.weight"])
def test_a_missing_tensor_is_named(part: str) -> None:
    shapes = real_sd15()
    del shapes[part]
    with pytest.raises(CheckpointError, match=part):
        recognise(shapes, "half.safetensors")


def test_a_wrong_shape_is_named() -> None:
    shapes = real_sd15() | {"model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}
    with pytest.raises(CheckpointError, match=r"\(320, 9, 3, 3\).*\(320, 4, 3, 3\)"):
        recognise(shapes, "inpainting.safetensors")


def test_the_configuration_of_a_real_sdxl(tmp_path: Path) -> None:
    write_config(tmp_path, recognise(checkpoint_shapes(sdxl(320, 768, 1280, 128)), "x"))

    def read(name: str) -> dict[str, object]:
        return json.loads((tmp_path / name).read_text(encoding="utf-8"))

    unet = read("unet/config.json")
    assert unet["block_out_channels"] == [320, 640, 1280]
    assert unet["attention_head_dim"] == [5, 10, 20]
    assert unet["transformer_layers_per_block"] == [1, 2, 10]
    assert unet["down_block_types"] == ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
    assert (unet["cross_attention_dim"], unet["projection_class_embeddings_input_dim"]) == (2048, 2816)
    assert read("vae/config.json")["scaling_factor"] == 0.13025
    first, second = read("text_encoder/config.json"), read("text_encoder_2/config.json")
    assert (first["num_attention_heads"], first["hidden_act"]) == (12, "quick_gelu")
    assert (second["num_attention_heads"], second["num_hidden_layers"], second["hidden_act"]) == (20, 32, "gelu")
