"""Writes what a recipe changes in its first model as a LoRA: extraction from two models, or several networks in one.

Called by output. Every layer is the best product of two thin matrices (singular value decomposition) of the rank asked for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from tag_atelier.errors import Cancelled, RecipeError, say
from tag_atelier.merge.header import DTYPE_BYTES, render_header
from tag_atelier.merge.key_names import THIRDS, Part
from tag_atelier.merge.metadata import header_texts
from tag_atelier.merge.networks import network_names
from tag_atelier.merge.options import DTYPES
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.steps import in_full_precision
from tag_atelier.merge.stream import MergeResult, check_space, results
from tag_atelier.merge.tensor_file import TORCH_DTYPES, NewFile, TensorReader, as_tensor
from tag_atelier.ports import Progress

_BASE_MODELS = {"sd15": "sd_v1", "sdxl": "sdxl_base_v1-0"}
"""What the WebUI reads a network's family from. Source: kohya's trainer, ss_base_model_version."""
_EXACT = 512
"""Matrices up to this size are decomposed exactly."""
_OVERSAMPLED, _ITERATIONS = 16, 4


@dataclass(frozen=True)
class _Layer:
    """One layer of the new file."""

    name: str
    step: Step
    part: Part
    rank: int
    up: tuple[int, ...]
    down: tuple[int, ...]


def write_lora(plan: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write what the plan changes in A as the new LoRA file ``destination``; progress counts bytes of changed tensors.

    Raises:
        RecipeError: nothing changes that a LoRA could hold, the name is taken or no .safetensors, or there is no space.
        CheckpointError: a source has changed or cannot be read.
        Cancelled: somebody pressed stop; nothing stays behind.
    """
    started = time.monotonic()
    if destination.suffix != ".safetensors":
        raise RecipeError("'{name}' does not end in .safetensors; expected a name that does.", name=destination.name)
    layers = [layer for step in plan.steps if step.key in plan.changed_keys for layer in _layers(plan, step)]
    if not layers:
        raise RecipeError(
            "The recipe changes no layer that a LoRA can hold; weigh UNet or text encoders, or give a 'conv_rank'."
        )
    dtype = DTYPES[plan.recipe.dtype] or "F16"
    tensors = [table for layer in layers for table in _tensors(layer, dtype)]
    header = render_header(tensors, _texts(plan))
    size_bytes = len(header) + sum(DTYPE_BYTES[dtype] * _count(shape) for _, dtype, shape in tensors)
    check_space(destination, size_bytes)
    plan.check_sources()
    steps = {layer.step.key: layer.step for layer in layers}
    progress.begin(
        sum(step.size_bytes for step in steps.values()), say("Extracting from {models}", models=" + ".join(plan.recipe.models))
    )
    with NewFile(destination) as file:
        file.write_at(header, 0)
        offset, replaced, digest = len(header), {}, hashlib.sha256(header)
        for data, why in _computed(plan, layers, dtype, progress):
            file.write_at(data, offset)
            digest.update(data)
            offset += len(data)
            replaced.update(why)
        plan.check_sources()
        file.commit()
    return MergeResult(
        path=destination,
        sha256=digest.hexdigest(),
        size_bytes=size_bytes,
        seconds=time.monotonic() - started,
        digest=plan.recipe.digest,
        changed_keys=len(steps) - len(replaced),
        replaced=replaced,
        notes=(*plan.notes, *plan.warnings, *_lost(plan, steps)),
    )


def _lost(plan: MergePlan, held: dict[str, Step]) -> list[str]:
    lost = [key for key in plan.changed_keys if key not in held]
    template = "{count} changed tensors, such as '{key}', cannot be held by the LoRA."
    return [say(template, count=len(lost), key=min(lost))] if lost else []


def _count(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _layers(plan: MergePlan, step: Step) -> Iterator[_Layer]:
    """The layers that hold the tensor's change; none for vectors, and for convolutions where they are not wanted."""
    options = plan.recipe.options
    is_conv = len(step.shape) == 4 and step.shape[2:] != (1, 1)
    rank = options.conv_rank if is_conv else options.rank
    if len(step.shape) not in (2, 4) or not rank or "token_embedding" in step.key or "position_embedding" in step.key:
        return
    for name, part in network_names(step.key, plan.architecture.id):
        rows = step.shape[0] // (len(THIRDS) if part in THIRDS else 1)
        columns = _count(step.shape[1:])
        kept = min(rank, rows, columns)
        ones = (1, 1) if len(step.shape) == 4 else ()
        yield _Layer(name, step, part, kept, (rows, kept, *ones), (kept, *step.shape[1:]))


def _tensors(layer: _Layer, dtype: str) -> list[tuple[str, str, tuple[int, ...]]]:
    return [
        (f"{layer.name}.lora_up.weight", dtype, layer.up),
        (f"{layer.name}.lora_down.weight", dtype, layer.down),
        (f"{layer.name}.alpha", dtype, ()),
    ]


def _texts(plan: MergePlan) -> dict[str, str]:
    options, texts = plan.recipe.options, header_texts(plan)
    return {
        **texts,
        "modelspec.architecture": f"{texts['modelspec.architecture']}/lora",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(options.rank),
        "ss_network_alpha": str(options.rank),
        "ss_base_model_version": _BASE_MODELS[plan.architecture.id],
    }


def _computed(
    plan: MergePlan, layers: list[_Layer], dtype: str, progress: Progress
) -> Iterator[tuple[memoryview, dict[str, str]]]:
    """The layers' bytes in order, and of tensors that could not be mixed (their layers are 0) why."""
    exact = in_full_precision(plan)
    wide = {step.key: step for step in exact.steps}
    by_key: dict[str, list[_Layer]] = {}
    for layer in layers:
        by_key.setdefault(layer.step.key, []).append(layer)
    reader = TensorReader(plan.files[0].header)
    try:
        with closing(results(exact, [wide[key] for key in by_key], progress)) as computed:
            for tensor in computed:
                step = tensor.step
                change = tensor.tensor().float() - _first(plan, reader, step)
                why = {step.key: tensor.replaced} if tensor.replaced else {}
                for layer in by_key[step.key]:
                    if progress.cancelled:
                        raise Cancelled("The extraction was stopped; nothing was changed.")
                    third = change.chunk(len(THIRDS))[THIRDS.index(layer.part)] if layer.part in THIRDS else change
                    yield _rendered(layer, third.reshape(len(third), -1), dtype), why
                progress.advance(step.size_bytes, step.block or "")
    finally:
        reader.close()


def _first(plan: MergePlan, reader: TensorReader, step: Step) -> torch.Tensor:
    entry = plan.files[0].header.tensors[step.key]
    data = bytearray(entry.size_bytes)
    reader.read_into(memoryview(data), entry.start)
    return as_tensor(data, entry.dtype, _count(entry.shape)).view(entry.shape).float()


def _rendered(layer: _Layer, change: torch.Tensor, dtype: str) -> memoryview:
    with _one_thread():
        up, down = factors(change, layer.rank, layer.name)
    alpha = torch.tensor([float(layer.rank)])
    flat = torch.cat([up.reshape(-1), down.reshape(-1), alpha]).to(TORCH_DTYPES[dtype])
    return flat.view(torch.uint8).numpy().data


@contextmanager
def _one_thread() -> Iterator[None]:
    """A decomposition's last bits depend on how many threads do it; the file must not."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def factors(change: torch.Tensor, rank: int, seed: str) -> tuple[torch.Tensor, torch.Tensor]:
    """up (rows, rank) and down (rank, columns) whose product is nearest to ``change`` (rows, columns), float32.

    The singular values are shared out evenly, so that neither factor is too small for half precision. Large matrices are
    first brought down to the subspace where they are large, from random directions that ``seed`` gives: equal at every run.
    Source: Eckart & Young 1936; Halko, Martinsson & Tropp 2011, arXiv:0909.4061, algorithm 4.4.
    """
    size = min(change.shape)
    wanted = rank + _OVERSAMPLED
    if size <= max(_EXACT, 2 * wanted):
        u, s, v = torch.linalg.svd(change, full_matrices=False)
    else:
        start = int.from_bytes(hashlib.sha256(seed.encode("utf-8")).digest()[:8], "little") >> 1
        noise = torch.randn(change.shape[1], wanted, generator=torch.Generator().manual_seed(start))
        basis = torch.linalg.qr(change @ noise).Q
        for _ in range(_ITERATIONS):
            basis = torch.linalg.qr(change.T @ basis).Q
            basis = torch.linalg.qr(change @ basis).Q
        inner, s, v = torch.linalg.svd(basis.T @ change, full_matrices=False)
        u = basis @ inner
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]
