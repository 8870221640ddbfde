"""Writes a merge as a folder that diffusers reads: one file a part, configurations, tokenizers where A brings them.

Called by output. The folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch

from tag_atelier.errors import Cancelled, CheckpointError, RecipeError, say
from tag_atelier.merge.diffusers_config import configs
from tag_atelier.merge.evaluate import Computed
from tag_atelier.merge.header import DTYPE_BYTES, render_header
from tag_atelier.merge.key_names import THIRDS, DiffusersName, to_diffusers
from tag_atelier.merge.notices import MARKS
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.stream import MergeResult, check_space, results
from tag_atelier.merge.tensor_file import NewFile, refuse_taken, sync_folder
from tag_atelier.ports import Progress

_FILES = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
_TOKENIZERS = ("tokenizer", "tokenizer_2")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Place:
    """Where a tensor, or a part of one, goes."""

    name: DiffusersName
    shape: Shape
    dtype: str


def write_folder(plan: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write the merge as the new folder ``destination``; progress counts bytes of the result.

    Raises:
        RecipeError: the name is taken, the folder above is missing, or there is not enough space.
        CheckpointError: a source has changed or cannot be read, or A lacks a part that diffusers needs.
        Cancelled: somebody pressed stop; nothing stays behind.
    """
    started = time.monotonic()
    places = {step.key: _places(step, plan.architecture.id) for step in plan.steps}
    tables = _tables(plan, places)
    refuse_taken(destination)
    check_space(destination, plan.write_bytes)
    plan.check_sources()
    progress.begin(plan.write_bytes, say("Merging {models}", models=" + ".join(plan.recipe.models)))
    temporary = destination.with_name(f"{destination.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir()
        replaced = _fill(plan, places, temporary, progress)
        tokenizers = _write_beside(plan, tables, temporary)
        plan.check_sources()
        refuse_taken(destination)
        temporary.replace(destination)
        sync_folder(destination.parent)
    except OSError as error:
        raise RecipeError(
            "'{name}' cannot be written ({reason}); free some space or choose another folder.",
            name=destination.name,
            reason=error.strerror,
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return MergeResult(
        path=destination,
        sha256="",
        size_bytes=sum(file.stat().st_size for file in destination.rglob("*") if file.is_file()),
        seconds=time.monotonic() - started,
        digest=plan.recipe.digest,
        changed_keys=len(plan.changed_keys) - len(replaced),
        replaced=replaced,
        notes=(*plan.notes, *plan.warnings, *_lost(places, tokenizers)),
    )


def _lost(places: Mapping[str, tuple[_Place, ...]], tokenizers: bool) -> list[str]:
    lost = [key for key, found in places.items() if not found and not key.endswith("position_ids") and key not in MARKS]
    template = "{count} tensors such as '{key}' have no place in a diffusers folder."
    notes: list[str] = [say(template, count=len(lost), key=lost[0])] if lost else []
    if not tokenizers:
        notes.append(
            say("The folder has no tokenizers, which no checkpoint holds; copy them from a diffusers folder of the family.")
        )
    return notes


def _places(step: Step, architecture: str) -> tuple[_Place, ...]:
    shapes: dict[str, Shape] = {
        "whole": step.shape,
        "transposed": step.shape[::-1],
        "linear": step.shape[:2],
        **dict.fromkeys(THIRDS, (step.shape[0] // len(THIRDS), *step.shape[1:]) if step.shape else ()),
    }
    return tuple(_Place(name, shapes[name.part], step.dtype) for name in to_diffusers(step.key, architecture))


def _fill(plan: MergePlan, places: Mapping[str, tuple[_Place, ...]], folder: Path, progress: Progress) -> dict[str, str]:
    """Write every part's file; key → why A's tensor was taken instead."""
    by_part: dict[str, list[_Place]] = {}
    for step in plan.steps:
        for place in places[step.key]:
            by_part.setdefault(place.name.folder, []).append(place)
    replaced: dict[str, str] = {}
    with ExitStack() as stack:
        files, offsets = {}, {}
        for part, found in by_part.items():
            path = folder / part / f"{_FILES.get(part, 'model')}.safetensors"
            path.parent.mkdir()
            files[part] = stack.enter_context(NewFile(path))
            header = render_header([(place.name.name, place.dtype, place.shape) for place in found], {"format": "pt"})
            files[part].write_at(header, 0)
            offset = len(header)
            for place in found:
                offsets[place] = offset
                offset += prod(place.shape) * DTYPE_BYTES[place.dtype]
        with closing(results(plan, plan.steps, progress)) as computed:
            for tensor in computed:
                if progress.cancelled:
                    raise Cancelled("The merge was stopped; nothing was changed.")
                if tensor.replaced:
                    replaced[tensor.step.key] = tensor.replaced
                for place in places[tensor.step.key]:
                    files[place.name.folder].write_at(_part_of(tensor, place), offsets[place])
                progress.advance(tensor.step.size_bytes, tensor.step.block or "")
        for file in files.values():
            file.commit()
    return replaced


def _part_of(tensor: Computed, place: _Place) -> memoryview:
    """The bytes that go to ``place``."""
    data, size_bytes = memoryview(tensor.data), prod(place.shape) * DTYPE_BYTES[place.dtype]
    if place.name.part == "transposed":
        turned = tensor.tensor().T.contiguous().reshape(-1)
        return turned.view(torch.uint8).numpy().data
    if place.name.part in THIRDS:
        start = THIRDS.index(place.name.part) * size_bytes
        return data[start : start + size_bytes]
    return data


def _tables(plan: MergePlan, places: Mapping[str, tuple[_Place, ...]]) -> dict[str, dict[str, object]]:
    """Index and configurations. Raises CheckpointError when A lacks tensors that they are read from."""
    shapes: dict[str, dict[str, Shape]] = {}
    for found in places.values():
        for place in found:
            shapes.setdefault(place.name.folder, {})[place.name.name] = place.shape
    try:
        return configs(shapes, {key for key in places if key in MARKS})
    except (KeyError, IndexError, StopIteration) as error:
        raise CheckpointError(
            "'{name}' lacks tensors that a diffusers folder needs ({error}); start from a whole model.",
            name=plan.sources[0].name,
            error=str(error),
        ) from error


def _write_beside(plan: MergePlan, tables: Mapping[str, Mapping[str, object]], folder: Path) -> bool:
    """Write index and configurations and copy A's tokenizers; whether there were any."""
    for name, table in tables.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(table, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
    first = plan.files[0].header.path
    given = [name for name in _TOKENIZERS if first.is_dir() and (first / name).is_dir()]
    for name in given:
        shutil.copytree(first / name, folder / name)
    return bool(given)
