"""Names both ways, held against diffusers' own conversion where it is installed."""

from __future__ import annotations

import doctest

import pytest
import torch

from tag_atelier.merge import key_names
from tag_atelier.merge.key_names import (
    UNET,
    VAE,
    blocks_with_attention,
    ema_key,
    open_clip_key,
    repaired,
    to_diffusers,
    unet_from_diffusers,
    unet_to_diffusers,
    vae_from_diffusers,
)
from tag_atelier.world.anatomy import checkpoint_shapes, sd15, sdxl

FULL_SIZE = {"sd15": sd15(320, 768, 128), "sdxl": sdxl(320, 768, 1280, 128)}


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(key_names).failed == 0


@pytest.mark.parametrize("architecture", ["sd15", "sdxl"])
def test_every_name_of_the_full_size_checkpoint_comes_back(architecture: str) -> None:
    shapes = checkpoint_shapes(FULL_SIZE[architecture])
    unet = {key.removeprefix(UNET): unet_to_diffusers(key.removeprefix(UNET)) for key in shapes if key.startswith(UNET)}
    attention = blocks_with_attention(unet.values())
    assert len(set(unet.values())) == len(unet) == {"sd15": 686, "sdxl": 1680}[architecture]
    assert {key: unet_from_diffusers(name, attention) for key, name in unet.items()} == {key: key for key in unet}
    vae = [key for key in shapes if key.startswith(VAE)]
    assert [VAE + vae_from_diffusers(to_diffusers(key, architecture)[0].name) for key in vae] == vae
    lost = {key for key in shapes if not to_diffusers(key, architecture)}
    assert {key.rpartition(".")[2] for key in lost} == {"sd15": {"position_ids"}, "sdxl": {"position_ids", "logit_scale"}}[
        architecture
    ]
    for key in shapes:
        if key.startswith("conditioner.embedders.1.model."):
            wanted = key.removeprefix("conditioner.embedders.1.model.")
            assert [open_clip_key(found.name) for found in to_diffusers(key, "sdxl")] == [
                (wanted, found.part) for found in to_diffusers(key, "sdxl")
            ]


@pytest.mark.parametrize("architecture", ["sd15", "sdxl"])
def test_the_names_are_diffusers_own(architecture: str) -> None:
    convert = pytest.importorskip("diffusers.loaders.single_file_utils")
    shapes = checkpoint_shapes(FULL_SIZE[architecture])
    keys = list(shapes)
    numbered = {key: torch.full((1,) * max(1, len(shapes[key])), float(i)) for i, key in enumerate(keys)}
    unet_config: dict[str, object] = {"layers_per_block": 2, "class_embed_type": None, "num_class_embeds": None}
    unet_config |= {"addition_embed_type": "text_time" if architecture == "sdxl" else None}
    unet_config |= {"down_block_types": ["b"] * len(FULL_SIZE[architecture].unet.multipliers)}
    unet_config |= {"up_block_types": unet_config["down_block_types"]}
    vae_config = {"down_block_types": ["b"] * 4, "up_block_types": ["b"] * 4}
    theirs = {
        keys[int(tensor.reshape(-1)[0])]: name
        for name, tensor in {
            **{
                f"unet/{name}": tensor
                for name, tensor in convert.convert_ldm_unet_checkpoint(dict(numbered), unet_config).items()
            },
            **{
                f"vae/{name}": tensor for name, tensor in convert.convert_ldm_vae_checkpoint(dict(numbered), vae_config).items()
            },
        }.items()
    }
    ours = {key: f"{found[0].folder}/{found[0].name}" for key in keys if (found := to_diffusers(key, architecture))}
    assert theirs == {key: ours[key] for key in theirs}
    assert len(theirs) == {"sd15": 686, "sdxl": 1680}[architecture] + 248


def test_the_vaes_attention_becomes_linear_and_its_old_names_are_known() -> None:
    names = {to_diffusers(f"{VAE}decoder.mid.attn_1.{part}", "sdxl")[0] for part in ("q.weight", "q.bias", "norm.weight")}
    assert {(name.name.rpartition("attentions.0.")[2], name.part) for name in names} == {
        ("to_q.weight", "linear"),
        ("to_q.bias", "whole"),
        ("group_norm.weight", "whole"),
    }
    assert vae_from_diffusers("decoder.mid_block.attentions.0.proj_attn.bias") == "decoder.mid.attn_1.proj_out.bias"


def test_older_names() -> None:
    usual = "cond_stage_model.transformer.text_model.embeddings.position_ids"
    assert repaired("cond_stage_model.transformer.embeddings.position_ids") == repaired(usual) == usual
    assert ema_key(f"{UNET}input_blocks.0.0.weight") == "model_ema.diffusion_modelinput_blocks00weight"
