"""The trained miniature world: where its shipped weights stand, and how they become whole checkpoint files.

Used by the demo, its tests and the training scripts. A base and two specialists trained on from it: one knows faces and
hair, the other outfits, items and gestures. ``docs/miniature_world.md`` says how they were made.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import read_header
from tag_atelier.world import byte_pairs, tiny_checkpoints, webui_configs
from tag_atelier.world.anatomy import POSITIONS, SIZE_EMBEDDING, Anatomy, UNetAnatomy, checkpoint_shapes
from tag_atelier.world.clip_vocabulary import read_merges, write_tokenizer
from tag_atelier.world.files import Array, write_tensors, write_text

WEIGHTS = Path(__file__).resolve().parents[2] / "demo" / "weights"
"""Shipped with the extension."""
BYTE_PAIRS = WEIGHTS / "byte_pairs.txt"
TAGGER = WEIGHTS / "miniature-tagger"
"""``model.onnx`` and ``selected_tags.csv``, used where they stand."""
BASE, FACE, OUTFIT = NAMES = ("miniature-base", "miniature-face", "miniature-outfit")
SUPPORT_FOLDER = "miniature-world"
"""Beside the checkpoints: ``clip-l`` (config and tokenizer) and ``open-clip`` (one model configuration)."""

CLIP_WIDTH, BIGG_WIDTH = 64, 80
"""Not the same: diffusers tells the two encoders of a file apart by their widths."""
ANATOMY = Anatomy(
    UNetAnatomy(
        channels=64,
        multipliers=(1, 2, 2),
        depths=(0, 1, 1),
        middle_depth=1,
        context=CLIP_WIDTH + BIGG_WIDTH,
        linear_projection=True,
        vector=BIGG_WIDTH + 6 * SIZE_EMBEDDING,
    ),
    clip_width=CLIP_WIDTH,
    vae_channels=32,
    bigg_width=BIGG_WIDTH,
    bigg_layers=2,
    clip_layers=2,
    vae_multipliers=(1, 1, 2, 2),
)
"""SDXL's blocks with one transformer each instead of two and ten, and two layers in each text encoder."""
SCALE = 0.13025
"""SDXL's factor from the VAE's latents to the UNet's."""
_EDITION = "2"


def make(folder: Path, names: Sequence[str] = NAMES, bpe_file: Path | None = None) -> dict[str, Path]:
    """Write the checkpoints ``names`` with their yaml into ``folder`` and return name → file; those there are left.

    ``bpe_file``: the real CLIP's gzipped list of merges, with which prompts longer than 75 tokens of words from outside
    this world also work in the WebUI.

    Raises:
        CheckpointError: a shipped file is missing or damaged, or ``bpe_file`` is not that list.
    """
    support = folder.resolve() / SUPPORT_FOLDER
    if bpe_file is None:
        ranks = byte_pairs.read(BYTE_PAIRS)
        write_tokenizer(support / "clip-l", list(ranks), ids=byte_pairs.token_ids(ranks))
    else:
        write_tokenizer(support / "clip-l", read_merges(bpe_file))
    write_text(support / "clip-l" / "config.json", webui_configs.clip_config(ANATOMY.clip_width, ANATOMY.clip_layers))
    towers = support / "open-clip"
    tower = webui_configs.open_clip_config(ANATOMY.bigg_width, ANATOMY.bigg_layers)
    write_text(towers / f"{webui_configs.OPEN_CLIP_NAME}.json", tower)
    return {name: _make_one(folder, name, webui_configs.sdxl_yaml(ANATOMY, support / "clip-l", towers, True)) for name in names}


def _make_one(folder: Path, name: str, config: str) -> Path:
    path = folder / f"{name}.safetensors"
    write_text(folder / f"{name}.yaml", config)
    mark = f"{name} {_EDITION}"
    if not _is_ours(path, mark):
        write_tensors(path, tensors(name), {"format": "pt", "miniature_world": mark})
    return path


def _is_ours(path: Path, mark: str) -> bool:
    try:
        return read_header(path).metadata.get("miniature_world") == mark
    except CheckpointError:
        return False


def tensors(name: str) -> dict[str, Array]:
    """Every tensor of the checkpoint ``name`` under its name in the file, fp16, buffers as they are.

    Raises:
        CheckpointError: a shipped file is missing, damaged, or of another anatomy.
    """
    found = unpack(BASE)
    if name != BASE:
        found |= {key: found[key] + change for key, change in unpack(name).items()}
    result: dict[str, Array] = {}
    for key, shape in checkpoint_shapes(ANATOMY).items():
        if key.endswith("position_ids"):
            result[key] = numpy.arange(POSITIONS, dtype=numpy.int64)[None]
        elif key not in found or found[key].shape != shape:
            raise CheckpointError(
                "'{name}' has no '{key}' of shape {shape} in '{folder}'; fetch the extension again.",
                name=name,
                key=key,
                shape=shape,
                folder=WEIGHTS,
            )
        else:
            result[key] = found[key].astype(numpy.float16)
    result["v_pred"] = numpy.zeros(0, dtype=numpy.float32)
    return result | dict(tiny_checkpoints.sdxl_schedule())


Floats = numpy.typing.NDArray[numpy.float32]


def pack(path: Path, values: Mapping[str, Floats], bits_of: Callable[[str], int]) -> None:
    """Store ``values`` as whole numbers of ``bits_of(name)`` bits, each row with its own step; vectors as fp16.

    Rows that are zero throughout cost next to nothing.
    """
    stored: dict[str, Array] = {}
    for key, value in values.items():
        if value.ndim < 2:
            stored[key] = value.astype(numpy.float16)
            continue
        flat, highest = value.reshape(len(value), -1), 2 ** (bits_of(key) - 1) - 1
        steps = (numpy.abs(flat).max(axis=1, keepdims=True) / highest).astype(numpy.float16)
        safe = numpy.where(steps == 0, 1, steps).astype(numpy.float32)
        stored[key] = numpy.clip(numpy.rint(flat / safe), -highest, highest).astype(numpy.int8).reshape(value.shape)
        stored[f"{key}|steps"] = steps[:, 0]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        numpy.savez_compressed(file, **stored)


def unpack(name: str) -> dict[str, Floats]:
    """What ``pack`` stored as ``name``, float32: a checkpoint, or a specialist's difference to the base.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    path = WEIGHTS / f"{name}.npz"
    try:
        with numpy.load(path, allow_pickle=False) as file:
            stored = dict(file.items())
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            "'{path}' cannot be read ({error}); fetch the extension again.", path=path, error=str(error)
        ) from error
    return dict(_unpacked(stored))


def _unpacked(stored: Mapping[str, Array]) -> Iterator[tuple[str, Floats]]:
    for key, value in stored.items():
        if key.endswith("|steps"):
            continue
        steps = stored.get(f"{key}|steps")
        found = value.astype(numpy.float32)
        if steps is not None:
            found = found * steps.astype(numpy.float32).reshape(-1, *[1] * (value.ndim - 1))
        yield key, found
