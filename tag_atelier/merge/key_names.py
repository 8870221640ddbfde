"""Names of one tensor in the layouts in use: the checkpoint's own, diffusers' folders, older and bare files.

Called by sources, networks, diffusers_output and host/embedded. Rules on names only; loads without torch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Part = Literal["whole", "query", "key", "value", "transposed", "linear"]
"""What of the checkpoint's tensor a diffusers tensor holds; linear: a 1×1 convolution without its last two axes."""

THIRDS: tuple[Part, ...] = ("query", "key", "value")
"""OpenCLIP keeps the three in one matrix, one below the other."""

UNET, VAE = "model.diffusion_model.", "first_stage_model."
TEXT_ENCODERS: Mapping[str, Mapping[str, str]] = {
    "sd15": {"CLIP_L": "cond_stage_model.transformer."},
    "sdxl": {"CLIP_L": "conditioner.embedders.0.transformer.", "CLIP_G": "conditioner.embedders.1.model."},
}
"""Architecture → block → what its keys begin with."""

_LEVELS = 4
"""Of the VAE; diffusers counts the decoder's from the other end."""

_PLAIN_UNET = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "middle_block.0": "mid_block.resnets.0",
    "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1",
}
_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_OPEN_CLIP = {
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_PROJECTIONS: Mapping[Part, str] = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_OLD_VAE_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Before diffusers 0.18."""
_NOVELAI = re.compile(r"cond_stage_model\.transformer\.(?=embeddings\.|encoder\.|final_layer_norm\.)")


@dataclass(frozen=True)
class DiffusersName:
    """Where diffusers keeps a tensor, or a part of one."""

    folder: str
    """unet, text_encoder, text_encoder_2 or vae."""
    name: str
    part: Part = "whole"


def repaired(key: str) -> str:
    """The usual name of a tensor that NovelAI's files call otherwise; any other key as it is.

    >>> repaired("cond_stage_model.transformer.encoder.layers.0.layer_norm1.bias")
    'cond_stage_model.transformer.text_model.encoder.layers.0.layer_norm1.bias'
    """
    return _NOVELAI.sub("cond_stage_model.transformer.text_model.", key, count=1)


def ema_key(key: str) -> str:
    """Name of a UNet tensor's running average in training checkpoints.

    >>> ema_key("model.diffusion_model.out.2.bias")
    'model_ema.diffusion_modelout2bias'
    """
    return "model_ema." + key.removeprefix("model.").replace(".", "")


def to_diffusers(key: str, architecture: str) -> tuple[DiffusersName, ...]:
    """Where diffusers keeps the checkpoint's tensor ``key``; empty for what it does not keep (schedules, position ids, marks).

    >>> to_diffusers("first_stage_model.decoder.up.3.block.0.nin_shortcut.bias", "sdxl")[0].name
    'decoder.up_blocks.0.resnets.0.conv_shortcut.bias'
    """
    if key.startswith(UNET):
        return (DiffusersName("unet", unet_to_diffusers(key.removeprefix(UNET))),)
    if key.startswith(VAE):
        name = _vae_to_diffusers(key.removeprefix(VAE))
        linear: Part = "linear" if ".attentions." in name and name.endswith("weight") and "norm" not in name else "whole"
        return (DiffusersName("vae", name, linear),)
    if key.endswith("position_ids"):
        return ()
    for block, prefix in TEXT_ENCODERS[architecture].items():
        if key.startswith(prefix) and block == "CLIP_L":
            return (DiffusersName("text_encoder", key.removeprefix(prefix)),)
        if key.startswith(prefix):
            return tuple(
                DiffusersName("text_encoder_2", name, part) for part, name in open_clip_names(key.removeprefix(prefix))
            )
    return ()


def unet_to_diffusers(name: str) -> str:
    """diffusers' name of the UNet tensor, or layer, ``name`` (below ``model.diffusion_model.``).

    >>> unet_to_diffusers("output_blocks.2.1.conv.weight")
    'up_blocks.0.upsamplers.0.conv.weight'
    >>> unet_to_diffusers("input_blocks.4.1.transformer_blocks.0.attn1.to_q")
    'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q'
    """
    found = re.fullmatch(r"(input|output)_blocks\.([1-9]\d*|(?<=output_blocks\.)0)\.(\d)\.(.+)", name)
    if found is None:
        own = next((own for own in _PLAIN_UNET if name == own or name.startswith(f"{own}.")), None)
        if own is None:
            return name
        rest = name.removeprefix(own)
        return _PLAIN_UNET[own] + (f".{_renamed(rest[1:], _RESIDUAL)}" if "resnets" in _PLAIN_UNET[own] else rest)
    side, number, sub, rest = found[1], int(found[2]), int(found[3]), found[4]
    level, place = divmod(number - (side == "input"), 3)
    way = f"{'down' if side == 'input' else 'up'}_blocks.{level}"
    if rest.startswith("op."):
        return f"{way}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    if rest.startswith("conv."):
        return f"{way}.upsamplers.0.{rest}"
    if sub == 0:
        return f"{way}.resnets.{place}.{_renamed(rest, _RESIDUAL)}"
    return f"{way}.attentions.{place}.{rest}"


def _renamed(rest: str, names: Mapping[str, str]) -> str:
    own = next((own for own in names if rest == own or rest.startswith(f"{own}.")), None)
    return rest if own is None else names[own] + rest.removeprefix(own)


def unet_from_diffusers(name: str, with_attention: Collection[str]) -> str:
    """The checkpoint's name (below ``model.diffusion_model.``) of diffusers' UNet tensor ``name``.

    ``with_attention``: the blocks, such as ``up_blocks.1``, that have attention; in the others a layer fewer lies before
    the one that enlarges.
    """
    found = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name)
    if found is None:
        theirs = next((own for own, their in _PLAIN_UNET.items() if name.startswith(f"{their}.")), None)
        if theirs is None:
            return name
        rest = name.removeprefix(_PLAIN_UNET[theirs])[1:]
        return f"{theirs}." + (_renamed(rest, _inverse(_RESIDUAL)) if "resnets" in _PLAIN_UNET[theirs] else rest)
    way, level, kind, place, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    number = 3 * level + (2 if kind.endswith("samplers") else place) + (way == "down")
    side = f"{'input' if way == 'down' else 'output'}_blocks.{number}"
    if kind == "downsamplers":
        return f"{side}.0.op.{rest.removeprefix('conv.')}"
    if kind == "upsamplers":
        return f"{side}.{2 if f'up_blocks.{level}' in with_attention else 1}.{rest}"
    return f"{side}.0.{_renamed(rest, _inverse(_RESIDUAL))}" if kind == "resnets" else f"{side}.1.{rest}"


def blocks_with_attention(names: Collection[str]) -> frozenset[str]:
    """The blocks of a diffusers UNet, such as ``up_blocks.1``, that have attention."""
    return frozenset(name.partition(".attentions.")[0] for name in names if ".attentions." in name)


def _inverse(names: Mapping[str, str]) -> dict[str, str]:
    return {theirs: own for own, theirs in names.items()}


def _vae_to_diffusers(name: str) -> str:
    name = re.sub(r"\.mid\.block_(\d)\.", lambda m: f".mid_block.resnets.{int(m[1]) - 1}.", name)
    name = re.sub(r"\.down\.(\d)\.block\.", r".down_blocks.\1.resnets.", name)
    name = re.sub(r"\.down\.(\d)\.downsample\.", r".down_blocks.\1.downsamplers.0.", name)
    name = re.sub(r"\.up\.(\d)\.block\.", lambda m: f".up_blocks.{_LEVELS - 1 - int(m[1])}.resnets.", name)
    name = re.sub(r"\.up\.(\d)\.upsample\.", lambda m: f".up_blocks.{_LEVELS - 1 - int(m[1])}.upsamplers.0.", name)
    before, middle, rest = name.partition(".mid.attn_1.")
    if middle:
        return f"{before}.mid_block.attentions.0.{_renamed(rest, _VAE_ATTENTION)}"
    return name.replace(".nin_shortcut.", ".conv_shortcut.").replace("coder.norm_out.", "coder.conv_norm_out.")


def vae_from_diffusers(name: str) -> str:
    """The checkpoint's name (below ``first_stage_model.``) of diffusers' VAE tensor ``name``.

    >>> vae_from_diffusers("encoder.mid_block.attentions.0.to_out.0.weight")
    'encoder.mid.attn_1.proj_out.weight'
    """
    before, middle, rest = name.partition(".mid_block.attentions.0.")
    if middle:
        return f"{before}.mid.attn_1.{_renamed(_renamed(rest, _OLD_VAE_ATTENTION), _inverse(_VAE_ATTENTION))}"
    name = re.sub(r"\.mid_block\.resnets\.(\d)\.", lambda m: f".mid.block_{int(m[1]) + 1}.", name)
    name = re.sub(r"\.down_blocks\.(\d)\.resnets\.", r".down.\1.block.", name)
    name = re.sub(r"\.down_blocks\.(\d)\.downsamplers\.0\.", r".down.\1.downsample.", name)
    name = re.sub(r"\.up_blocks\.(\d)\.resnets\.", lambda m: f".up.{_LEVELS - 1 - int(m[1])}.block.", name)
    name = re.sub(r"\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f".up.{_LEVELS - 1 - int(m[1])}.upsample.", name)
    return name.replace(".conv_shortcut.", ".nin_shortcut.").replace("coder.conv_norm_out.", "coder.norm_out.")


def open_clip_names(name: str) -> list[tuple[Part, str]]:
    """Parts and transformers' names of OpenCLIP's tensor ``name``; empty for what transformers does not have.

    >>> open_clip_names("transformer.resblocks.3.mlp.c_fc.bias")
    [('whole', 'text_model.encoder.layers.3.mlp.fc1.bias')]
    >>> open_clip_names("transformer.resblocks.0.attn.in_proj_weight")[1]
    ('key', 'text_model.encoder.layers.0.self_attn.k_proj.weight')
    >>> open_clip_names("logit_scale")
    []
    """
    if name == "text_projection":
        return [("transposed", "text_projection.weight")]
    if name in _OPEN_CLIP:
        return [("whole", _OPEN_CLIP[name])]
    found = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+)", name)
    if found is None:
        return []
    layer, rest = f"text_model.encoder.layers.{found[1]}", found[2]
    if rest.startswith("attn.in_proj_"):
        kind = rest.removeprefix("attn.in_proj_")
        return [(part, f"{layer}.self_attn.{_PROJECTIONS[part]}.{kind}") for part in THIRDS]
    return [("whole", f"{layer}.{_renamed(rest, _OPEN_CLIP_LAYER)}")]


def open_clip_key(name: str) -> tuple[str, Part]:
    """OpenCLIP's tensor that holds transformers' ``name``, and which part of it is meant.

    >>> open_clip_key("text_model.encoder.layers.7.self_attn.v_proj.bias")
    ('transformer.resblocks.7.attn.in_proj_bias', 'value')
    """
    if name == "text_projection.weight":
        return "text_projection", "transposed"
    own = _inverse(_OPEN_CLIP).get(name)
    found = re.fullmatch(r"text_model\.encoder\.layers\.(\d+)\.(.+)", name)
    if own is not None or found is None:
        return own or name, "whole"
    layer, rest = f"transformer.resblocks.{found[1]}", found[2]
    for part, projection in _PROJECTIONS.items():
        if rest.startswith(f"self_attn.{projection}."):
            return f"{layer}.attn.in_proj_{rest.rpartition('.')[2]}", part
    return f"{layer}.{_renamed(rest, _inverse(_OPEN_CLIP_LAYER))}", "whole"
