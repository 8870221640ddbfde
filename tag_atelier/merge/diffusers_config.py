"""What diffusers reads beside the weights: the index and one config.json a part, worked out from the tensors' shapes.

Called by diffusers_output. Loads without torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Shape = tuple[int, ...]
Config = dict[str, object]

_HEAD = 64
"""Width of an attention head in SDXL and in both text encoders."""
_SIZE_EMBEDDING = 256
_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
"""The noise that both families were trained with. Source: Rombach et al. 2022, arXiv:2112.10752, appendix."""


def configs(shapes: Mapping[str, Mapping[str, Shape]], marks: set[str]) -> dict[str, Config]:
    """File name → its table, for the parts in ``shapes`` (part → diffusers' names → shapes)."""
    is_xl = "text_encoder_2" in shapes
    scheduler: Config = {**_SCHEDULER, "prediction_type": "v_prediction" if "v_pred" in marks else "epsilon"}
    scheduler |= {"rescale_betas_zero_snr": True} if "ztsnr" in marks else {}
    found = {
        "model_index.json": _index(is_xl),
        "scheduler/scheduler_config.json": scheduler,
        "unet/config.json": _unet(shapes["unet"], is_xl),
        "vae/config.json": _vae(shapes["vae"], is_xl),
        "text_encoder/config.json": _clip(shapes["text_encoder"], "CLIPTextModel", "quick_gelu"),
    }
    if is_xl:
        found["text_encoder_2/config.json"] = _clip(shapes["text_encoder_2"], "CLIPTextModelWithProjection", "gelu")
    return found


def _index(is_xl: bool) -> Config:
    table: Config = {
        "_class_name": "StableDiffusionXLPipeline" if is_xl else "StableDiffusionPipeline",
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    if is_xl:
        table |= {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "force_zeros_for_empty_prompt": True}
        return table | {"tokenizer_2": ["transformers", "CLIPTokenizer"]}
    return table | {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}


def _depth(shapes: Mapping[str, Shape], block: str) -> int:
    """Transformer blocks in the first attention of ``block``, 0 where it has none."""
    found = {m[1] for name in shapes if (m := re.match(rf"{block}\.attentions\.0\.transformer_blocks\.(\d+)\.", name))}
    return len(found)


def _unet(shapes: Mapping[str, Shape], is_xl: bool) -> Config:
    levels = len({name.split(".")[1] for name in shapes if name.startswith("down_blocks.")})
    widths = [shapes[f"down_blocks.{level}.resnets.0.conv2.weight"][0] for level in range(levels)]
    depths = [_depth(shapes, f"down_blocks.{level}") for level in range(levels)]
    context = next(shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight"))
    config: Config = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": shapes["conv_in.weight"][1],
        "out_channels": shapes["conv_out.weight"][0],
        "block_out_channels": widths,
        "layers_per_block": 2,
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "cross_attention_dim": context,
        # diffusers' "attention_head_dim" counts heads: always 8 in SD1.5, heads of 64 in SDXL.
        "attention_head_dim": [max(1, width // _HEAD) for width in widths] if is_xl else 8,
        "sample_size": 128 if is_xl else 64,
        "use_linear_projection": len(shapes["mid_block.attentions.0.proj_in.weight"]) == 2,
    }
    if is_xl:
        config |= {"addition_embed_type": "text_time", "addition_time_embed_dim": _SIZE_EMBEDDING}
        config["transformer_layers_per_block"] = [max(1, depth) for depth in depths]
        config["projection_class_embeddings_input_dim"] = shapes["add_embedding.linear_1.weight"][1]
    return config


def _vae(shapes: Mapping[str, Shape], is_xl: bool) -> Config:
    widths = [shapes[f"encoder.down_blocks.{level}.resnets.0.conv2.weight"][0] for level in range(4)]
    return {
        "_class_name": "AutoencoderKL",
        "block_out_channels": widths,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "in_channels": 3,
        "out_channels": 3,
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": 1024 if is_xl else 512,
        "scaling_factor": 0.13025 if is_xl else 0.18215,
    }


def _clip(shapes: Mapping[str, Shape], kind: str, activation: str) -> Config:
    tokens, width = shapes["text_model.embeddings.token_embedding.weight"]
    layers = {m[1] for name in shapes if (m := re.match(r"text_model\.encoder\.layers\.(\d+)\.", name))}
    return {
        "architectures": [kind],
        "model_type": "clip_text_model",
        "hidden_act": activation,
        "hidden_size": width,
        "intermediate_size": shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0],
        "max_position_embeddings": shapes["text_model.embeddings.position_embedding.weight"][0],
        "num_attention_heads": max(1, width // _HEAD),
        "num_hidden_layers": len(layers),
        "projection_dim": shapes["text_projection.weight"][0] if "text_projection.weight" in shapes else width,
        "vocab_size": tokens,
    }
