"""What a checkpoint's header says about the model inside, and the local configuration diffusers builds it from.

Used by ``model``. Widths are read from tensor shapes, the layout is SD1.5's or SDXL's; every name and shape is compared
before a tensor is read. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tag_atelier.errors import CheckpointError
from tag_atelier.world.anatomy import SIZE_EMBEDDING, Anatomy, Shape, checkpoint_shapes, head_count, sd15, sdxl
from tag_atelier.world.webui_configs import clip_config

Family = Literal["sd15", "sdxl"]

_UNET, _VAE = "model.diffusion_model.", "first_stage_model."
_CLIP = {
    "sd15": "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
    "sdxl": "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight",
}
_BIGG = "conditioner.embedders.1.model.token_embedding.weight"
_LEVELS = (1, 4, 7)
"""The first input block of each of SDXL's levels."""
_OPTIONAL = ("position_ids", "logit_scale")


@dataclass(frozen=True)
class Architecture:
    """Family, widths, and what the UNet predicts."""

    family: Family
    anatomy: Anatomy
    prediction: Literal["eps", "v"]


def recognise(shapes: Mapping[str, Shape], file_name: str) -> Architecture:
    """The architecture of a checkpoint with these tensors (name → shape).

    Raises:
        CheckpointError: it is neither SD1.5 nor SDXL, or a tensor is missing or has another shape.
    """
    if _BIGG in shapes and _CLIP["sdxl"] in shapes:
        family: Family = "sdxl"
    elif _CLIP["sd15"] in shapes:
        family = "sd15"
    else:
        raise CheckpointError(
            "'{file}' holds no text encoder of SD1.5 or SDXL; expected a whole checkpoint of one of these two.", file=file_name
        )
    anatomy = _widths(family, shapes, file_name)
    for name, shape in checkpoint_shapes(anatomy).items():
        if name.endswith(_OPTIONAL):
            continue
        if name not in shapes:
            raise CheckpointError(
                "'{file}' lacks '{name}'; expected all tensors of {family}.", file=file_name, name=name, family=_spoken(family)
            )
        if shapes[name] != shape:
            raise CheckpointError(
                "'{file}': '{name}' is {shape}; {family} of this width has {expected}.",
                file=file_name,
                name=name,
                shape=shapes[name],
                family=_spoken(family),
                expected=shape,
            )
    return Architecture(family, anatomy, "v" if "v_pred" in shapes else "eps")


def _spoken(family: Family) -> str:
    return {"sd15": "SD1.5", "sdxl": "SDXL"}[family]


def _widths(family: Family, shapes: Mapping[str, Shape], file_name: str) -> Anatomy:
    def width(name: str, axis: int = 0) -> int:
        shape = shapes.get(name, ())
        if len(shape) <= axis:
            raise CheckpointError(
                "'{file}' lacks '{name}'; expected all tensors of {family}.", file=file_name, name=name, family=_spoken(family)
            )
        return shape[axis]

    channels, vae = width(f"{_UNET}input_blocks.0.0.weight"), width(f"{_VAE}encoder.conv_in.weight")
    clip = width(_CLIP[family], 1)
    if family == "sd15":
        return sd15(channels, clip, vae)
    levels = [width(f"{_UNET}input_blocks.{block}.0.out_layers.3.weight") for block in _LEVELS]
    blocks = [f"{_UNET}{block}.transformer_blocks." for block in ("input_blocks.4.1", "input_blocks.7.1", "middle_block.1")]
    first, second, middle = (_repeats(shapes, block) for block in blocks)
    found = sdxl(channels, clip, width(_BIGG, 1), vae)
    unet = replace(
        found.unet,
        multipliers=tuple(level // channels for level in levels),
        depths=(0, first, second),
        middle_depth=middle,
    )
    vae_levels = [width(f"{_VAE}encoder.down.{level}.block.0.conv1.weight") for level in range(4)]
    return replace(
        found,
        unet=unet,
        vae_multipliers=tuple(level // vae for level in vae_levels),
        clip_layers=_repeats(shapes, _CLIP["sdxl"].partition("embeddings.")[0] + "encoder.layers."),
        bigg_layers=_repeats(shapes, _BIGG.partition("token_")[0] + "transformer.resblocks."),
    )


def _repeats(shapes: Mapping[str, Shape], prefix: str) -> int:
    """How many numbered layers stand below ``prefix``; 1 where there is none, so that its absence is told by name."""
    numbers = {int(name.removeprefix(prefix).partition(".")[0]) for name in shapes if name.startswith(prefix)}
    return max(1, len(numbers))


def write_config(folder: Path, architecture: Architecture) -> None:
    """Write the folder that ``from_single_file(config=folder)`` reads: one index and one config.json a part."""
    anatomy, family = architecture.anatomy, architecture.family
    index: dict[str, object] = {
        "_class_name": "StableDiffusionXLPipeline" if family == "sdxl" else "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder": ["transformers", "CLIPTextModel"],
    }
    parts = {"unet": _unet_config(anatomy), "vae": _vae_config(anatomy, family)}
    texts = {"text_encoder": clip_config(anatomy.clip_width, anatomy.clip_layers)}
    if family == "sdxl":
        index |= {"tokenizer_2": ["transformers", "CLIPTokenizer"], "force_zeros_for_empty_prompt": True}
        index |= {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
        texts["text_encoder_2"] = clip_config(anatomy.bigg_width, anatomy.bigg_layers, activation="gelu")
    files = {f"{part}/config.json": json.dumps(config) for part, config in parts.items()}
    files |= {f"{part}/config.json": text for part, text in texts.items()}
    files["model_index.json"] = json.dumps(index)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _unet_config(anatomy: Anatomy) -> dict[str, object]:
    unet = anatomy.unet
    widths = [unet.channels * multiplier for multiplier in unet.multipliers]
    crosses = [bool(depth) for depth in unet.depths]
    config: dict[str, object] = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": widths,
        "layers_per_block": unet.residual_blocks,
        "down_block_types": ["CrossAttnDownBlock2D" if cross else "DownBlock2D" for cross in crosses],
        "up_block_types": ["CrossAttnUpBlock2D" if cross else "UpBlock2D" for cross in reversed(crosses)],
        "cross_attention_dim": unet.context,
        # diffusers' "attention_head_dim" counts heads: always 8 in SD1.5, heads of 64 in SDXL.
        "attention_head_dim": [head_count(width) for width in widths] if unet.vector else 8,
        "use_linear_projection": unet.linear_projection,
        "sample_size": 128 if unet.vector else 64,
    }
    if unet.vector:
        config["transformer_layers_per_block"] = [max(1, depth) for depth in unet.depths]
        config |= {"addition_embed_type": "text_time", "addition_time_embed_dim": SIZE_EMBEDDING}
        config["projection_class_embeddings_input_dim"] = unet.vector
    return config


def _vae_config(anatomy: Anatomy, family: Family) -> dict[str, object]:
    return {
        "_class_name": "AutoencoderKL",
        "block_out_channels": [anatomy.vae_channels * multiplier for multiplier in anatomy.vae_multipliers],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": 1024 if family == "sdxl" else 512,
        "scaling_factor": 0.13025 if family == "sdxl" else 0.18215,
    }
