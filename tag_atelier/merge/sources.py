"""Opens what a recipe names, whatever its format, as one header in the checkpoint's own names.

Called by plan. Loads without torch, which only pickled files need; reads no tensor but position ids.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tag_atelier.errors import CheckpointError, say
from tag_atelier.merge.composer import Composer, open_file, with_made
from tag_atelier.merge.diffusers_folder import add_open_clip, read_folder, vae_tensor
from tag_atelier.merge.header import FLOAT_DTYPES, ComposedHeader, Header, TensorEntry
from tag_atelier.merge.key_names import TEXT_ENCODERS, UNET, VAE, ema_key, repaired

_EMA = "model_ema."
_POSITIONS = "embeddings.position_ids"
_LONGEST_IDS = 4096
_SCALES = (".scale_weight", ".weight_scale", "scaled_fp8", ".absmax", ".quant_map", ".qweight")
"""How names end of what quantised weights are multiplied with: ComfyUI's scaled fp8, bitsandbytes, GPTQ."""


def open_model(path: Path, ema: bool = False) -> Header:
    """Header of a whole model: a file or a diffusers folder, in the checkpoint's names, known faults put right.

    ``ema`` takes the running averages for the UNet where the file has them. What was put right stands in ``notes``.

    Raises:
        CheckpointError: it cannot be read, or is no model.
    """
    header = read_folder(path) if path.is_dir() else open_file(path)
    _refuse_quantised(header)
    return _with_positions(_with_averages(_with_usual_names(header), ema))


def _refuse_quantised(header: Header) -> None:
    """Numbers that mean something only together with scales beside them cannot be mixed."""
    for key, entry in header.tensors.items():
        if key.endswith(_SCALES) or (key.startswith(UNET) and key.endswith(".weight") and entry.dtype in ("U8", "I8")):
            raise CheckpointError(
                "'{name}' has quantised weights ('{key}'); merge the file that it was made from.",
                name=header.path.name,
                key=key,
            )


def _with_usual_names(header: Header) -> Header:
    renamed = {repaired(key): entry for key, entry in header.tensors.items()}
    if renamed.keys() == header.tensors.keys():
        return header
    if len(renamed) != len(header.tensors):
        raise CheckpointError(
            "'{name}' has its text encoder twice, under old and new names; use another file.", name=header.path.name
        )
    template = "The text encoder of '{name}' has its old names (as NovelAI's files); it gets the usual ones."
    note = say(template, name=header.path.name)
    return replace(header, tensors=renamed, notes=(*header.notes, note))


def _with_averages(header: Header, wanted: bool) -> Header:
    """The UNet from the running averages, where they are wanted and there are any."""
    averages = any(key.startswith(_EMA) for key in header.tensors)
    if averages and not any(key.startswith(UNET) for key in header.tensors):
        raise CheckpointError(
            "'{name}' has only averaged (EMA) weights, whose names cannot be told apart; use the file with both.",
            name=header.path.name,
        )
    if not wanted:
        return header
    tensors, used = dict(header.tensors), 0
    for key, entry in header.tensors.items():
        average = header.tensors.get(ema_key(key)) if key.startswith(UNET) else None
        if average is not None and average.shape == entry.shape:
            tensors[key], used = average, used + 1
    note = say("'{name}' has no averaged (EMA) weights; its UNet is as it is.", name=header.path.name)
    if used:
        note = say("The UNet of '{name}' is its averaged (EMA) weights: {count} tensors.", name=header.path.name, count=used)
    return replace(header, tensors=tensors, notes=(*header.notes, note))


def _with_positions(header: Header) -> Header:
    """Position ids as 0, 1, 2 … in whole numbers; half-precision merges of other tools leave fractions there."""
    for key, entry in list(header.tensors.items()):
        count = math.prod(entry.shape)
        if not key.endswith(_POSITIONS) or not 0 < count <= _LONGEST_IDS:
            continue
        right = struct.pack(f"<{count}q", *range(count))
        if entry.dtype == "I64" and _bytes_at(header, entry) == right:
            continue
        template = "The position ids of '{name}' were not 0 to {last} in whole numbers; they are repaired."
        note = say(template, name=header.path.name, last=count - 1)
        header = replace(with_made(header, key, "I64", entry.shape, right), notes=(*header.notes, note))
    return header


def _bytes_at(header: Header, entry: TensorEntry) -> bytes:
    """A small tensor's bytes."""
    if isinstance(header, ComposedHeader):
        stretch = next(each for each in header.stretches if each.start <= entry.start < each.start + each.size_bytes)
        inside = entry.start - stretch.start
        if stretch.make is not None:
            return bytes(stretch.make()[inside : inside + entry.size_bytes])
        assert stretch.lender is not None
        return _bytes_at(stretch.lender, replace(entry, start=stretch.offset + inside))
    try:
        with header.path.open("rb") as file:
            file.seek(entry.start)
            return file.read(entry.size_bytes)
    except OSError as error:
        raise CheckpointError(
            "'{name}' cannot be read ({reason}); check the file.", name=header.path.name, reason=error.strerror
        ) from error


def open_vae(path: Path) -> Header:
    """Header of a VAE in the checkpoint's names, from a file of its own (either naming), a checkpoint or a diffusers folder.

    Raises:
        CheckpointError: it cannot be read, or holds no VAE.
    """
    header = open_model(path) if path.is_dir() else open_file(path)
    own = {key: entry for key, entry in header.tensors.items() if key.startswith(VAE)}
    if not own:
        parts = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
        own = dict(vae_tensor(key, entry) for key, entry in header.tensors.items() if key.startswith(parts))
    return _only(header, own, f"{VAE}decoder.", say("a VAE"))


def open_text_encoder(path: Path, block: str, architecture: str) -> Header:
    """Header of the text encoder ``block`` (CLIP_L or CLIP_G) as a checkpoint of ``architecture`` names it.

    It may come from a checkpoint (CLIP-L also from one of the other architecture), a diffusers folder, or a file of its own
    in transformers' names.

    Raises:
        CheckpointError: it cannot be read, or holds no such text encoder.
    """
    header = open_model(path) if path.is_dir() else _with_positions(_with_usual_names(open_file(path)))
    wanted = TEXT_ENCODERS[architecture][block]
    for prefix in (found[block] for found in TEXT_ENCODERS.values() if block in found):
        own = {wanted + key.removeprefix(prefix): entry for key, entry in header.tensors.items() if key.startswith(prefix)}
        if own:
            return _only(header, own, wanted, say("the text encoder {block}", block=block))
    bare = {key: entry for key, entry in header.tensors.items() if key.startswith(("text_model.", "text_projection."))}
    if block == "CLIP_G" and bare:
        composer = Composer()
        add_open_clip(composer, path, {key: (header, entry) for key, entry in bare.items()}, wanted)
        return composer.header(path, header.notes)
    return _only(
        header, {wanted + key: entry for key, entry in bare.items()}, wanted, say("the text encoder {block}", block=block)
    )


def _only(header: Header, tensors: Mapping[str, TensorEntry], needed: str, what: str) -> Header:
    if not any(key.startswith(needed) and entry.dtype in FLOAT_DTYPES for key, entry in tensors.items()):
        raise CheckpointError(
            "'{name}' holds nothing that looks like {what}; choose another file.", name=header.path.name, what=what
        )
    return replace(header, tensors=dict(tensors))
