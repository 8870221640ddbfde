"""Tensor names and shapes of SD1.5 and SDXL checkpoint files for any width, grown from the block layout.

Used by ``tiny_checkpoints`` and ``tiny_lora``. Nothing is read from a real file, so names and shapes can be checked
against one. Loads without torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
Shapes = Iterator[tuple[str, Shape]]

VOCABULARY_SIZE = 49408
"""Rows of both token tables: CLIP's 49,406 byte-pair tokens and its two marks."""
POSITIONS = 77
"""Tokens of one CLIP chunk: 75 and the two marks."""
SIZE_EMBEDDING = 256
"""Sinus features of each of SDXL's six size numbers."""
VAE_MULTIPLIERS = (1, 2, 4, 4)
"""Width of each of the VAE's levels as a multiple of its first."""


@dataclass(frozen=True)
class UNetAnatomy:
    """Widths and depths of one UNet; the random ones differ from real SD1.5 and SDXL in ``channels`` and ``context`` only."""

    channels: int
    """Width of the first level (320 in the real files)."""
    multipliers: tuple[int, ...]
    """Width of each level as a multiple of ``channels``."""
    depths: tuple[int, ...]
    """Transformer blocks in each spatial transformer of a level; 0 = the level has none."""
    middle_depth: int
    context: int
    """Width of the text condition (768 and 2048 in the real files)."""
    linear_projection: bool
    """proj_in and proj_out are linear (SDXL) and not 1×1 convolutions (SD1.5)."""
    vector: int = 0
    """Width of the pooled condition (2816 in the real SDXL file); 0 where there is no ``label_emb``."""
    residual_blocks: int = 2


@dataclass(frozen=True)
class Anatomy:
    """One checkpoint layout: the UNet, the text encoders' widths and the VAE's width."""

    unet: UNetAnatomy
    clip_width: int
    vae_channels: int
    bigg_width: int = 0
    """Width of SDXL's second text encoder; 0 for SD1.5."""
    bigg_layers: int = 32
    clip_layers: int = 12
    vae_multipliers: tuple[int, ...] = VAE_MULTIPLIERS


def head_count(width: int) -> int:
    """Attention heads of a text encoder: heads of 64 as in the real ones, one head where it is narrower than 128."""
    return max(1, width // 64)


def sd15(channels: int, context: int, vae_channels: int) -> Anatomy:
    """SD1.5 with the real block layout. The real file: ``sd15(320, 768, 128)``."""
    unet = UNetAnatomy(channels, (1, 2, 4, 4), (1, 1, 1, 0), 1, context, linear_projection=False)
    return Anatomy(unet, context, vae_channels)


def sdxl(channels: int, clip_width: int, bigg_width: int, vae_channels: int) -> Anatomy:
    """SDXL with the real block layout. The real file: ``sdxl(320, 768, 1280, 128)``."""
    vector = bigg_width + 6 * SIZE_EMBEDDING
    unet = UNetAnatomy(channels, (1, 2, 4), (0, 2, 10), 10, clip_width + bigg_width, linear_projection=True, vector=vector)
    return Anatomy(unet, clip_width, vae_channels, bigg_width)


def _layer(name: str, *shape: int) -> Shapes:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _residual(name: str, entering: int, leaving: int, time: int) -> Shapes:
    yield from _layer(f"{name}.in_layers.0", entering)
    yield from _layer(f"{name}.in_layers.2", leaving, entering, 3, 3)
    yield from _layer(f"{name}.emb_layers.1", leaving, time)
    yield from _layer(f"{name}.out_layers.0", leaving)
    yield from _layer(f"{name}.out_layers.3", leaving, leaving, 3, 3)
    if entering != leaving:
        yield from _layer(f"{name}.skip_connection", leaving, entering, 1, 1)


def _transformer_block(name: str, width: int, context: int) -> Shapes:
    for attention, source in (("attn1", width), ("attn2", context)):
        yield f"{name}.{attention}.to_q.weight", (width, width)
        yield f"{name}.{attention}.to_k.weight", (width, source)
        yield f"{name}.{attention}.to_v.weight", (width, source)
        yield from _layer(f"{name}.{attention}.to_out.0", width, width)
    yield from _layer(f"{name}.ff.net.0.proj", 8 * width, width)
    yield from _layer(f"{name}.ff.net.2", width, 4 * width)
    for norm in ("norm1", "norm2", "norm3"):
        yield from _layer(f"{name}.{norm}", width)


def _transformer(name: str, width: int, depth: int, unet: UNetAnatomy) -> Shapes:
    projection = (width, width) if unet.linear_projection else (width, width, 1, 1)
    yield from _layer(f"{name}.norm", width)
    yield from _layer(f"{name}.proj_in", *projection)
    for block in range(depth):
        yield from _transformer_block(f"{name}.transformer_blocks.{block}", width, unet.context)
    yield from _layer(f"{name}.proj_out", *projection)


def _unet_way_down(unet: UNetAnatomy, time: int) -> Iterator[tuple[str, Shape]]:
    yield from _layer("input_blocks.0.0", unet.channels, 4, 3, 3)
    width, number = unet.channels, 1
    for level, (multiplier, depth) in enumerate(zip(unet.multipliers, unet.depths, strict=True)):
        for _ in range(unet.residual_blocks):
            leaving = unet.channels * multiplier
            yield from _residual(f"input_blocks.{number}.0", width, leaving, time)
            width = leaving
            if depth:
                yield from _transformer(f"input_blocks.{number}.1", width, depth, unet)
            number += 1
        if level < len(unet.multipliers) - 1:
            yield from _layer(f"input_blocks.{number}.0.op", width, width, 3, 3)
            number += 1


def skip_widths(unet: UNetAnatomy) -> list[int]:
    """Widths of the input blocks' results, in order; the output blocks take them from the end."""
    widths = [unet.channels]
    for level, multiplier in enumerate(unet.multipliers):
        kept = unet.residual_blocks + (level < len(unet.multipliers) - 1)
        widths += [unet.channels * multiplier] * kept
    return widths


def _unet_way_up(unet: UNetAnatomy, time: int) -> Shapes:
    skips, number = skip_widths(unet), 0
    width = unet.channels * unet.multipliers[-1]
    for level in reversed(range(len(unet.multipliers))):
        leaving, depth = unet.channels * unet.multipliers[level], unet.depths[level]
        for block in range(unet.residual_blocks + 1):
            yield from _residual(f"output_blocks.{number}.0", width + skips.pop(), leaving, time)
            width = leaving
            if depth:
                yield from _transformer(f"output_blocks.{number}.1", width, depth, unet)
            if level and block == unet.residual_blocks:
                yield from _layer(f"output_blocks.{number}.{2 if depth else 1}.conv", width, width, 3, 3)
            number += 1


def unet_shapes(unet: UNetAnatomy) -> Shapes:
    """Names (below ``model.diffusion_model.``) and shapes of the UNet: 686 for SD1.5, 1680 for SDXL."""
    time, widest = 4 * unet.channels, unet.channels * unet.multipliers[-1]
    yield from _layer("time_embed.0", time, unet.channels)
    yield from _layer("time_embed.2", time, time)
    if unet.vector:
        yield from _layer("label_emb.0.0", time, unet.vector)
        yield from _layer("label_emb.0.2", time, time)
    yield from _unet_way_down(unet, time)
    yield from _residual("middle_block.0", widest, widest, time)
    yield from _transformer("middle_block.1", widest, unet.middle_depth, unet)
    yield from _residual("middle_block.2", widest, widest, time)
    yield from _unet_way_up(unet, time)
    yield from _layer("out.0", unet.channels)
    yield from _layer("out.2", 4, unet.channels, 3, 3)


def _vae_residual(name: str, entering: int, leaving: int) -> Shapes:
    yield from _layer(f"{name}.norm1", entering)
    yield from _layer(f"{name}.conv1", leaving, entering, 3, 3)
    yield from _layer(f"{name}.norm2", leaving)
    yield from _layer(f"{name}.conv2", leaving, leaving, 3, 3)
    if entering != leaving:
        yield from _layer(f"{name}.nin_shortcut", leaving, entering, 1, 1)


def _vae_middle(name: str, width: int) -> Shapes:
    yield from _vae_residual(f"{name}.mid.block_1", width, width)
    yield from _layer(f"{name}.mid.attn_1.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        yield from _layer(f"{name}.mid.attn_1.{part}", width, width, 1, 1)
    yield from _vae_residual(f"{name}.mid.block_2", width, width)


def vae_shapes(channels: int, multipliers: Sequence[int] = VAE_MULTIPLIERS) -> Shapes:
    """Names (below ``first_stage_model.``) and shapes of the VAE: 248; the real one has ``channels`` 128."""
    widths = [channels * multiplier for multiplier in multipliers]
    yield from _layer("encoder.conv_in", channels, 3, 3, 3)
    entering = channels
    for level, width in enumerate(widths):
        for block in range(2):
            yield from _vae_residual(f"encoder.down.{level}.block.{block}", entering, width)
            entering = width
        if level < 3:
            yield from _layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from _vae_middle("encoder", entering)
    yield from _layer("encoder.norm_out", entering)
    yield from _layer("encoder.conv_out", 8, entering, 3, 3)
    yield from _layer("decoder.conv_in", entering, 4, 3, 3)
    yield from _vae_middle("decoder", entering)
    for level in reversed(range(4)):
        for block in range(3):
            yield from _vae_residual(f"decoder.up.{level}.block.{block}", entering, widths[level])
            entering = widths[level]
        if level:
            yield from _layer(f"decoder.up.{level}.upsample.conv", entering, entering, 3, 3)
    yield from _layer("decoder.norm_out", entering)
    yield from _layer("decoder.conv_out", 3, entering, 3, 3)
    yield from _layer("quant_conv", 8, 8, 1, 1)
    yield from _layer("post_quant_conv", 4, 4, 1, 1)


def clip_shapes(width: int, layers: int) -> Shapes:
    """Names (below ``…transformer.text_model.``) and shapes of CLIP-L as transformers writes it: 196 and its position ids."""
    yield "embeddings.position_ids", (1, POSITIONS)
    yield "embeddings.token_embedding.weight", (VOCABULARY_SIZE, width)
    yield "embeddings.position_embedding.weight", (POSITIONS, width)
    for layer in range(layers):
        name = f"encoder.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _layer(f"{name}.self_attn.{part}", width, width)
        yield from _layer(f"{name}.layer_norm1", width)
        yield from _layer(f"{name}.layer_norm2", width)
        yield from _layer(f"{name}.mlp.fc1", 4 * width, width)
        yield from _layer(f"{name}.mlp.fc2", width, 4 * width)
    yield from _layer("final_layer_norm", width)


def open_clip_shapes(width: int, layers: int) -> Shapes:
    """Names (below ``conditioner.embedders.1.model.``) and shapes of OpenCLIP's text tower: 390; q, k and v are one matrix."""
    yield "positional_embedding", (POSITIONS, width)
    yield "token_embedding.weight", (VOCABULARY_SIZE, width)
    yield "text_projection", (width, width)
    yield "logit_scale", ()
    for layer in range(layers):
        name = f"transformer.resblocks.{layer}"
        yield from _layer(f"{name}.ln_1", width)
        yield f"{name}.attn.in_proj_weight", (3 * width, width)
        yield f"{name}.attn.in_proj_bias", (3 * width,)
        yield from _layer(f"{name}.attn.out_proj", width, width)
        yield from _layer(f"{name}.ln_2", width)
        yield from _layer(f"{name}.mlp.c_fc", 4 * width, width)
        yield from _layer(f"{name}.mlp.c_proj", width, 4 * width)
    yield from _layer("ln_final", width)


def checkpoint_shapes(anatomy: Anatomy) -> dict[str, Shape]:
    """All learned tensors and position ids of a checkpoint file under their full names."""
    parts: list[tuple[str, Shapes]] = [
        ("model.diffusion_model.", unet_shapes(anatomy.unet)),
        ("first_stage_model.", vae_shapes(anatomy.vae_channels, anatomy.vae_multipliers)),
    ]
    clip = clip_shapes(anatomy.clip_width, anatomy.clip_layers)
    if anatomy.bigg_width:
        parts.append(("conditioner.embedders.0.transformer.text_model.", clip))
        parts.append(("conditioner.embedders.1.model.", open_clip_shapes(anatomy.bigg_width, anatomy.bigg_layers)))
    else:
        parts.append(("cond_stage_model.transformer.text_model.", clip))
    return {prefix + name: shape for prefix, shapes in parts for name, shape in shapes}
