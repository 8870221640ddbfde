"""Reads a folder as diffusers saves it (one file a part) as a checkpoint. Called by sources; loads without torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.composer import Composer, open_file
from tag_atelier.merge.header import DTYPE_BYTES, ComposedHeader, Header, TensorEntry
from tag_atelier.merge.key_names import (
    TEXT_ENCODERS,
    THIRDS,
    UNET,
    VAE,
    Part,
    blocks_with_attention,
    open_clip_key,
    unet_from_diffusers,
    vae_from_diffusers,
)

_STEMS = {
    "unet": ("diffusion_pytorch_model",),
    "vae": ("diffusion_pytorch_model",),
    "text_encoder": ("model", "pytorch_model"),
    "text_encoder_2": ("model", "pytorch_model"),
}
"""Part → how its files may be called."""
_ENDINGS = ("{}.safetensors", "{}.fp16.safetensors", "{}.bin", "{}.fp16.bin")
_TOKENS = 77
_SD2_WIDTH = 1024
"""Of the text encoder that only Stable Diffusion 2 has; its checkpoints keep it under other names."""
_TEMPERATURE = 4.6052
"""ln 100, where CLIP's training holds it; diffusers does not keep it. Source: Radford et al. 2021, section 2.5."""


def is_folder(path: Path) -> bool:
    """Whether ``path`` looks like a folder that diffusers saved."""
    return (path / "model_index.json").is_file()


def read_folder(path: Path) -> ComposedHeader:
    """The folder's UNet, VAE and text encoders as one source in the checkpoint's names.

    Raises:
        CheckpointError: a part is missing or incomplete, or it is neither SD1.5 nor SDXL.
    """
    if not is_folder(path):
        raise CheckpointError(
            "The folder '{name}' has no model_index.json; expected a model as diffusers saves it.", name=path.name
        )
    architecture = "sdxl" if (path / "text_encoder_2").is_dir() else "sd15"
    composer = Composer()
    notes: list[str] = []
    _add_unet(composer, _part(path, "unet", notes))
    for name, (header, entry) in _part(path, "vae", notes).items():
        key, shaped = vae_tensor(name, entry)
        composer.add(key, entry.dtype, shaped.shape, [(header, entry)])
    text = _part(path, "text_encoder", notes)
    tokens = text.get("text_model.embeddings.token_embedding.weight")
    if tokens is not None and tokens[1].shape[1:] == (_SD2_WIDTH,):
        raise CheckpointError("'{name}' is a Stable Diffusion 2 model; expected Stable Diffusion 1.5 or XL.", name=path.name)
    _add_clip(composer, text, TEXT_ENCODERS[architecture]["CLIP_L"])
    if architecture == "sdxl":
        add_open_clip(composer, path, _part(path, "text_encoder_2", notes), TEXT_ENCODERS["sdxl"]["CLIP_G"])
    _add_marks(composer, read_json(path / "scheduler" / "scheduler_config.json"))
    return composer.header(path, tuple(notes))


Tensors = Mapping[str, tuple[Header, TensorEntry]]


def _part(path: Path, part: str, notes: list[str]) -> Tensors:
    """The tensors of one part and the files they lie in; shards are put together."""
    folder = path / part
    for stem in _STEMS[part]:
        for ending in _ENDINGS:
            name = ending.format(stem)
            shards = read_json(folder / f"{name}.index.json").get("weight_map")
            names = sorted({Path(str(shard)).name for shard in shards.values()}) if isinstance(shards, Mapping) else [name]
            if all((folder / each).is_file() for each in names):
                headers = [open_file(folder / each) for each in names]
                notes += [note for header in headers for note in header.notes]
                return {key: (header, entry) for header in headers for key, entry in header.tensors.items()}
    raise CheckpointError(
        "'{name}' has no weights in its folder '{part}'; expected '{file}.safetensors' there.",
        name=path.name,
        part=part,
        file=_STEMS[part][0],
    )


def _add_unet(composer: Composer, tensors: Tensors) -> None:
    attention = blocks_with_attention(tensors)
    for name, (header, entry) in tensors.items():
        composer.add(UNET + unet_from_diffusers(name, attention), entry.dtype, entry.shape, [(header, entry)])


def vae_tensor(name: str, entry: TensorEntry) -> tuple[str, TensorEntry]:
    """A VAE's tensor under the checkpoint's name and in its shape; diffusers keeps the attention's 1×1 convolutions flat."""
    is_matrix = ".attentions." in name and len(entry.shape) == 2
    return VAE + vae_from_diffusers(name), replace(entry, shape=(*entry.shape, 1, 1)) if is_matrix else entry


def _add_clip(composer: Composer, tensors: Tensors, prefix: str) -> None:
    ids = "text_model.embeddings.position_ids"
    for name, (header, entry) in tensors.items():
        composer.add(prefix + name, entry.dtype, entry.shape, [(header, entry)])
    if ids not in tensors:
        right = struct.pack(f"<{_TOKENS}q", *range(_TOKENS))
        composer.add_made(prefix + ids, "I64", (1, _TOKENS), lambda: memoryview(right))


def add_open_clip(composer: Composer, path: Path, tensors: Tensors, prefix: str) -> None:
    """OpenCLIP's text tower below ``prefix`` from transformers' ``tensors`` of the model ``path``.

    Raises:
        CheckpointError: a query, key or value is missing.
    """
    joined: dict[str, dict[Part, tuple[Header, TensorEntry]]] = {}
    for name, pair in tensors.items():
        if not name.endswith("position_ids"):
            own, part = open_clip_key(name)
            joined.setdefault(own, {})[part] = pair
    for own, parts in joined.items():
        header, entry = next(iter(parts.values()))
        if "transposed" in parts:
            composer.add_made(prefix + own, entry.dtype, entry.shape[::-1], _transposed(header, entry))
        elif "whole" in parts:
            composer.add(prefix + own, entry.dtype, entry.shape, [(header, entry)])
        elif len(parts) == len(THIRDS) and len({(e.dtype, e.shape) for _, e in parts.values()}) == 1:
            shape = (len(THIRDS) * entry.shape[0], *entry.shape[1:])
            composer.add(prefix + own, entry.dtype, shape, [parts[part] for part in THIRDS])
        else:
            raise CheckpointError(
                "'{name}' has no matching query, key and value for '{own}'; download it again.", name=path.name, own=own
            )
    temperature = struct.pack("<f", _TEMPERATURE)
    composer.add_made(f"{prefix}logit_scale", "F32", (), lambda: memoryview(temperature))


def _transposed(header: Header, entry: TensorEntry) -> Callable[[], memoryview]:
    def make() -> memoryview:
        import numpy

        from tag_atelier.merge.tensor_file import TensorReader

        data = bytearray(entry.size_bytes)
        reader = TensorReader(header)
        try:
            reader.read_into(memoryview(data), entry.start)
        finally:
            reader.close()
        values = numpy.frombuffer(data, dtype=f"u{DTYPE_BYTES[entry.dtype]}").reshape(entry.shape)
        return numpy.ascontiguousarray(values.T).reshape(-1).view(numpy.uint8).data

    return make


def _add_marks(composer: Composer, scheduler: Mapping[str, object]) -> None:
    """What a checkpoint says by empty tensors. Source: ComfyUI, and WebUI's model loading after 1.10."""
    if scheduler.get("prediction_type") == "v_prediction":
        composer.add("v_pred", "F32", (0,), ())
        if scheduler.get("rescale_betas_zero_snr"):
            composer.add("ztsnr", "F32", (0,), ())


def read_json(path: Path) -> Mapping[str, object]:
    """A small JSON table; empty where the file is missing or none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}
