"""Names and shapes, held against what is known of the real SD1.5 and SDXL files."""

from __future__ import annotations

import math

import pytest

from tag_atelier.world.anatomy import (
    Shape,
    checkpoint_shapes,
    clip_shapes,
    head_count,
    open_clip_shapes,
    sd15,
    sdxl,
    unet_shapes,
    vae_shapes,
)

REAL_SD15, REAL_SDXL = sd15(320, 768, 128), sdxl(320, 768, 1280, 128)


def parameters(shapes: object) -> int:
    return sum(math.prod(shape) for name, shape in shapes if not name.endswith("position_ids"))  # type: ignore[attr-defined]


def test_real_widths_give_the_published_parameter_counts() -> None:
    assert parameters(unet_shapes(REAL_SD15.unet)) == 859_520_964
    assert parameters(unet_shapes(REAL_SDXL.unet)) == 2_567_463_684
    assert parameters(vae_shapes(128)) == 83_653_863
    assert parameters(clip_shapes(768, 12)) == 123_060_480
    assert parameters(open_clip_shapes(1280, 32)) == 694_659_841


def test_tensor_counts_do_not_depend_on_width() -> None:
    assert len(checkpoint_shapes(REAL_SD15)) == len(checkpoint_shapes(sd15(32, 64, 32))) == 1131
    assert len(checkpoint_shapes(REAL_SDXL)) == len(checkpoint_shapes(sdxl(32, 64, 96, 32))) == 2515


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", (320, 4, 3, 3)),
        ("model.diffusion_model.input_blocks.4.0.skip_connection.weight", (640, 320, 1, 1)),
        ("model.diffusion_model.input_blocks.1.1.proj_in.weight", (320, 320, 1, 1)),
        ("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", (320, 768)),
        ("model.diffusion_model.input_blocks.9.0.op.weight", (1280, 1280, 3, 3)),
        ("model.diffusion_model.output_blocks.2.1.conv.weight", (1280, 1280, 3, 3)),
        ("model.diffusion_model.output_blocks.5.2.conv.bias", (1280,)),
        ("model.diffusion_model.output_blocks.11.0.in_layers.2.weight", (320, 640, 3, 3)),
        ("first_stage_model.decoder.up.3.upsample.conv.weight", (512, 512, 3, 3)),
        ("first_stage_model.encoder.down.1.block.0.nin_shortcut.weight", (256, 128, 1, 1)),
        ("cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc1.weight", (3072, 768)),
    ],
)
def test_sd15_names_and_shapes(name: str, shape: Shape) -> None:
    assert checkpoint_shapes(REAL_SD15)[name] == shape


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.diffusion_model.label_emb.0.0.weight", (1280, 2816)),
        ("model.diffusion_model.input_blocks.8.1.transformer_blocks.9.attn2.to_v.weight", (1280, 2048)),
        ("model.diffusion_model.input_blocks.4.1.proj_in.weight", (640, 640)),
        ("model.diffusion_model.output_blocks.2.2.conv.weight", (1280, 1280, 3, 3)),
        ("model.diffusion_model.output_blocks.3.1.transformer_blocks.1.ff.net.0.proj.weight", (5120, 640)),
        ("model.diffusion_model.output_blocks.8.0.skip_connection.weight", (320, 640, 1, 1)),
        ("conditioner.embedders.0.transformer.text_model.final_layer_norm.bias", (768,)),
        ("conditioner.embedders.1.model.transformer.resblocks.31.attn.in_proj_weight", (3840, 1280)),
        ("conditioner.embedders.1.model.text_projection", (1280, 1280)),
    ],
)
def test_sdxl_names_and_shapes(name: str, shape: Shape) -> None:
    assert checkpoint_shapes(REAL_SDXL)[name] == shape


def test_levels_without_attention_have_no_transformer() -> None:
    names = set(checkpoint_shapes(REAL_SDXL))
    assert "model.diffusion_model.input_blocks.1.1.norm.weight" not in names
    assert "model.diffusion_model.input_blocks.7.1.transformer_blocks.10.norm1.weight" not in names


def test_heads_are_those_of_the_real_encoders() -> None:
    assert [head_count(width) for width in (768, 1280, 64, 96)] == [12, 20, 1, 1]
