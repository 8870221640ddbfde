"""LoRA files in kohya's layout for the tiny checkpoints: every linear layer of transformers and text encoders, rank 2.

SD1.5 names follow diffusers' blocks, SDXL names the checkpoint's own, as kohya's trainer writes them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy

from tag_atelier.world.anatomy import Anatomy, Shape, clip_shapes, unet_shapes
from tag_atelier.world.files import Array, write_tensors
from tag_atelier.world.tiny_checkpoints import SD15, SDXL

RANK = 2
NAMES = {"tiny-lora-sd15": SD15, "tiny-lora-sdxl": SDXL}

_BLOCK = re.compile(r"(input_blocks|output_blocks|middle_block)\.(\d+)(?:\.(\d+))?\.(.+)")


def make(folder: Path, strength: float = 1.0, anatomies: Mapping[str, Anatomy] = NAMES) -> dict[str, Path]:
    """Write one file per name in ``anatomies``, fitting its checkpoint, and return name → file.

    ``strength`` scales what they change.
    """
    paths = {}
    for name, anatomy in anatomies.items():
        path = folder / f"{name}.safetensors"
        metadata = {"ss_network_module": "networks.lora", "ss_network_dim": str(RANK), "ss_network_alpha": str(RANK)}
        write_tensors(path, dict(_tensors(name, anatomy, strength)), {"format": "pt", **metadata})
        paths[name] = path
    return paths


def _tensors(name: str, anatomy: Anatomy, strength: float) -> Iterator[tuple[str, Array]]:
    for layer, (leaving, entering) in _layers(anatomy):
        seed = int.from_bytes(hashlib.sha256(f"{name}/{layer}".encode()).digest()[:8], "little")
        noise = numpy.random.Generator(numpy.random.PCG64(seed))
        down = noise.standard_normal((RANK, entering)) / entering**0.5
        up = noise.standard_normal((leaving, RANK)) * (strength * 0.5 / RANK**0.5)
        yield f"{layer}.lora_down.weight", down.astype(numpy.float16)
        yield f"{layer}.lora_up.weight", up.astype(numpy.float16)
        yield f"{layer}.alpha", numpy.asarray(RANK, dtype=numpy.float16)


def _layers(anatomy: Anatomy) -> Iterator[tuple[str, Shape]]:
    two_encoders = bool(anatomy.bigg_width)
    for name, shape in unet_shapes(anatomy.unet):
        if ".transformer_blocks." in name and len(shape) == 2:
            layer = name.removesuffix(".weight")
            yield "lora_unet_" + (layer if two_encoders else _diffusers_name(layer)).replace(".", "_"), shape
    encoders = [("lora_te1" if two_encoders else "lora_te", anatomy.clip_width, anatomy.clip_layers)]
    if two_encoders:
        encoders.append(("lora_te2", anatomy.bigg_width, anatomy.bigg_layers))
    for prefix, width, layers in encoders:
        for name, shape in clip_shapes(width, layers):
            if name.startswith("encoder.") and len(shape) == 2:
                yield f"{prefix}_text_model_" + name.removesuffix(".weight").replace(".", "_"), shape


def _diffusers_name(layer: str) -> str:
    """A UNet layer's name as diffusers calls it.

    >>> _diffusers_name("input_blocks.4.1.transformer_blocks.0.attn1.to_q")
    'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q'
    >>> _diffusers_name("middle_block.1.transformer_blocks.0.ff.net.2")
    'mid_block.attentions.0.transformer_blocks.0.ff.net.2'
    """
    found = _BLOCK.fullmatch(layer)
    assert found, layer
    side, number, _, rest = found.groups()
    if side == "middle_block":
        return f"mid_block.attentions.0.{rest}"
    place = int(number) - 1 if side == "input_blocks" else int(number)
    blocks = "down_blocks" if side == "input_blocks" else "up_blocks"
    return f"{blocks}.{place // 3}.attentions.{place % 3}.{rest}"
