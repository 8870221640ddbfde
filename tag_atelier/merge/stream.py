"""Carries a plan out: ranged reads → kernel → results in the plan's order, and from there into a new file.

Called by jobs and the command line (``write``) and by live (``results``). Memory does not grow with the models.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from pathlib import Path

import torch

from tag_atelier.errors import Cancelled, RecipeError
from tag_atelier.merge.header import DTYPE_BYTES, render_header
from tag_atelier.merge.metadata import header_texts
from tag_atelier.merge.methods import Operands
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.tensor_file import TORCH_DTYPES, NewFile, TensorReader, as_tensor
from tag_atelier.ports import Progress

WORKERS = 2
"""Two threads reach what disk and memory give; more only need more memory."""

_SLICE = 32_736
"""Values per kernel call: below the 32768 from which torch splits work between threads (ATen/Parallel.h, GRAIN_SIZE),
so that results do not depend on the host's thread count, and a multiple of every vector width."""
_READ = 16 * _SLICE
"""Values per read of each model."""
_IN_FLIGHT_BYTES = 64 << 20
_SPARE_BYTES = 64 << 20
"""Left free on the disk beyond the file itself."""


@dataclass(frozen=True)
class Computed:
    """One finished tensor of the result."""

    step: Step
    data: bytearray
    """Its bytes as they stand in the file, in ``step.dtype``."""
    replaced: str = ""
    """Why A's tensor was taken instead of the mixed one; empty when it was not."""

    def tensor(self) -> torch.Tensor:
        """The bytes as a tensor of the step's shape; shares the memory."""
        return as_tensor(self.data, self.step.dtype, prod(self.step.shape)).view(self.step.shape)


@dataclass(frozen=True)
class MergeResult:
    """What was written."""

    path: Path
    sha256: str
    size_bytes: int
    seconds: float
    digest: str
    """Of the recipe."""
    changed_keys: int
    replaced: dict[str, str] = field(default_factory=dict)
    """Key → why A's tensor was taken instead of the mixed one."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for HTTP and the page."""
        return {**self.__dict__, "path": str(self.path), "notes": list(self.notes)}


def write(plan: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write the merge as the new file ``destination`` (.safetensors); progress counts bytes of the result.

    The file appears whole or not at all: it is written beside its name, brought to the disk, then renamed.

    Raises:
        RecipeError: the name is taken or no .safetensors, the folder is missing, or there is not enough space.
        CheckpointError: a source has changed or cannot be read.
        Cancelled: somebody pressed stop; nothing stays behind.
    """
    started = time.monotonic()
    header = render_header([(step.key, step.dtype, step.shape) for step in plan.steps], header_texts(plan))
    size_bytes = len(header) + plan.write_bytes
    _check_destination(destination, size_bytes)
    plan.check_sources()
    progress.begin(plan.write_bytes, f"Merging {' + '.join(plan.recipe.models)}")
    replaced: dict[str, str] = {}
    with NewFile(destination) as file, closing(results(plan, plan.steps, progress)) as computed:
        file.write(header)
        for tensor in computed:
            file.write(tensor.data)
            if tensor.replaced:
                replaced[tensor.step.key] = tensor.replaced
            progress.advance(tensor.step.size_bytes, tensor.step.block or "")
        plan.check_sources()
        sha256 = file.commit()
    return MergeResult(
        path=destination,
        sha256=sha256,
        size_bytes=size_bytes,
        seconds=time.monotonic() - started,
        digest=plan.recipe.digest,
        changed_keys=sum(step.changed for step in plan.steps) - len(replaced),
        replaced=replaced,
        notes=plan.notes + plan.warnings,
    )


def _check_destination(destination: Path, size_bytes: int) -> None:
    if destination.suffix != ".safetensors":
        raise RecipeError(f"'{destination.name}' does not end in .safetensors; expected a name that does.")
    if not destination.parent.is_dir():
        raise RecipeError(f"The folder '{destination.parent.name}' for the merged file is not there; make it first.")
    free = shutil.disk_usage(destination.parent).free
    if free < size_bytes + _SPARE_BYTES:
        raise RecipeError(
            f"The merged file needs {size_bytes / 1e9:.2f} GB but only {free / 1e9:.2f} GB are free; free some space first."
        )


def results(
    plan: MergePlan, steps: Sequence[Step], progress: Progress, positional: bool | None = None
) -> Generator[Computed, None, None]:
    """The tensors of ``steps``, computed on ``WORKERS`` threads and handed over in order; at most a few are in memory.

    Close the iterator when leaving it early. ``positional`` is ``TensorReader``'s.

    Raises:
        CheckpointError: a source cannot be read.
        Cancelled: somebody pressed stop.
    """
    with ExitStack() as stack:
        readers = []
        for source in plan.sources:
            readers.append(TensorReader(source.header, positional))
            stack.callback(readers[-1].close)
        evaluator = _Evaluator(plan, readers)
        evaluator.survey(progress)
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS, thread_name_prefix="merge"))
        pending: deque[Future[Computed]] = deque()
        stack.callback(lambda: [future.cancel() for future in pending])
        waiting_bytes = 0
        for step in (*steps, None):
            while pending and (step is None or _is_full(len(pending), waiting_bytes + step.size_bytes)):
                done = pending.popleft().result()
                waiting_bytes -= done.step.size_bytes
                if progress.cancelled:
                    raise Cancelled("The merge was stopped; nothing was changed.")
                yield done
            if step is not None:
                pending.append(pool.submit(evaluator.compute, step))
                waiting_bytes += step.size_bytes


def _is_full(count: int, size_bytes: int) -> bool:
    return count > 4 * WORKERS or size_bytes > _IN_FLIGHT_BYTES


class _Evaluator:
    """Computes steps; one instance serves all worker threads."""

    def __init__(self, plan: MergePlan, readers: Sequence[TensorReader]) -> None:
        self.plan = plan
        self.readers = readers
        self.kernel = plan.method.load_kernel()
        self.fused_pair = plan.method.load_fused_pair()
        self.surveyed: dict[str, float] = {}
        self._scratch = threading.local()

    def compute(self, step: Step) -> Computed:
        """The step's tensor. A mixed value that is not finite gives the whole tensor up for A's, and says so."""
        data = bytearray(step.size_bytes)
        if len(step.sources) == 1:
            self._copy(step, step.sources[0], data)
        else:
            self._mix(step, data)
        mixed = Computed(step, data)
        if not step.changed or _is_finite(mixed.tensor().view(-1)):
            return mixed
        self._copy(step, 0, data)
        return Computed(step, data, self._blame(step))

    def _copy(self, step: Step, index: int, data: bytearray) -> None:
        entry = self.readers[index].header.tensors[step.key]
        if entry.dtype == step.dtype:
            self.readers[index].read_into(memoryview(data), entry.start)
            return
        count = prod(step.shape)
        target = as_tensor(data, step.dtype, count)
        for low in range(0, count, _READ):
            high = min(low + _READ, count)
            target[low:high].copy_(self._read(index, step.key, low, high, slot=0))

    def _mix(self, step: Step, data: bytearray) -> None:
        count = prod(step.shape)
        target = as_tensor(data, step.dtype, count)
        indices = step.sources if self.plan.base is None else (*step.sources, self.plan.base)
        dtypes = {self.readers[index].header.tensors[step.key].dtype for index in indices} | {step.dtype}
        fused = self.fused_pair if len(indices) == 2 and len(dtypes) == 1 and fused_lerp(step.dtype) else None
        stretch = _READ if self.plan.method.elementwise else max(count, 1)
        for low in range(0, count, stretch):
            high = min(low + stretch, count)
            tensors = [self._read(index, step.key, low, high, slot) for slot, index in enumerate(indices)]
            if not self.plan.method.elementwise:
                self._apply(step, [tensor.view(step.shape) for tensor in tensors], target, 0)
                continue
            for start in range(0, high - low, _SLICE):
                pieces = [tensor[start : start + _SLICE] for tensor in tensors]
                piece = target[low + start : min(low + start + _SLICE, high)]
                if fused is not None:
                    fused(pieces[0], pieces[1], step.weights[0], piece)
                else:
                    self._apply(step, pieces, piece, low + start)

    def _apply(self, step: Step, tensors: Sequence[torch.Tensor], target: torch.Tensor, start: int) -> None:
        """Widen, mix, round once into ``target``."""
        target.copy_(self.kernel(self._operands(step, tensors, start)).reshape(-1))

    def _operands(self, step: Step, tensors: Sequence[torch.Tensor], start: int) -> Operands:
        wide = torch.float64 if step.dtype in ("F32", "F64") else torch.float32
        operands = [tensor.to(wide) for tensor in tensors]
        base = operands.pop() if self.plan.base is not None else None
        letters = [self.plan.sources[index].letter for index in step.sources[1:]]
        parameters = {**(step.parameters or {}), **self.surveyed}
        return Operands(operands[0], operands[1:], step.weights, base, parameters, step.key, letters, start)

    def survey(self, progress: Progress) -> None:
        """What the method must know of all mixed tensors before the first: the range of its measure but 1 % at both ends."""
        measure = self.plan.method.load_survey()
        if measure is None:
            return
        found = []
        for step in self.plan.steps:
            if progress.cancelled:
                raise Cancelled("The merge was stopped; nothing was changed.")
            if len(step.sources) > 1:
                count = prod(step.shape)
                tensors = [self._read(index, step.key, 0, count, slot) for slot, index in enumerate(step.sources)]
                found.append(measure(self._operands(step, [tensor.view(step.shape) for tensor in tensors], 0)))
        values = torch.cat(found).sort().values if found else torch.zeros(0)
        values = values[torch.isfinite(values)]
        if len(values):
            cut = len(values) // 100
            self.surveyed = {"similarity_low": float(values[cut]), "similarity_high": float(values[-1 - cut])}

    def _read(self, index: int, key: str, low: int, high: int, slot: int) -> torch.Tensor:
        """Values low … high of a tensor, flat; valid until the next read into the same ``slot`` of this thread."""
        entry = self.readers[index].header.tensors[key]
        width = DTYPE_BYTES[entry.dtype]
        buffer = self._buffer(slot, (high - low) * width)
        self.readers[index].read_into(memoryview(buffer)[: (high - low) * width], entry.start + low * width)
        return as_tensor(buffer, entry.dtype, high - low)

    def _buffer(self, slot: int, size_bytes: int) -> bytearray:
        buffers: dict[int, bytearray] = self._scratch.__dict__.setdefault("buffers", {})
        if len(buffers.get(slot, b"")) < size_bytes:
            buffers[slot] = bytearray(size_bytes)
        return buffers[slot]

    def _blame(self, step: Step) -> str:
        """Which model's tensor is not finite; or that the mixed values do not fit the dtype."""
        base = () if self.plan.base is None or len(step.sources) == 1 else (self.plan.base,)
        for index in (*step.sources, *base):
            entry = self.readers[index].header.tensors[step.key]
            values = bytearray(entry.size_bytes)
            self.readers[index].read_into(memoryview(values), entry.start)
            if not _is_finite(as_tensor(values, entry.dtype, prod(entry.shape))):
                return f"'{self.plan.sources[index].name}' has NaN or infinite values there"
        return f"mixed values are too large for {step.dtype}"


def _is_finite(values: torch.Tensor) -> bool:
    """Whether no value of the flat tensor ``values`` is NaN or infinite."""
    for low in range(0, values.numel(), _READ):
        part = values[low : low + _READ]
        if part.dtype.itemsize == 1:
            part = part.to(torch.float32)
        total = part.sum(dtype=torch.float32)
        # A finite sum has finite terms; a sum may overflow without any of them being infinite, so look closer then.
        if not bool(torch.isfinite(total)) and not bool(torch.isfinite(part).all()):
            return False
    return True


@lru_cache(maxsize=8)
def fused_lerp(dtype: str) -> bool:
    """Whether this torch mixes two tensors of the half-precision ``dtype`` in float32 with one rounding.

    torch before 2.2 cannot do it for float16 on a CPU at all. Arithmetic in half precision would differ in a quarter of the
    values; the other order of float32 additions in at most one of the 64 here.
    """
    if dtype not in ("F16", "BF16"):
        return False
    first = torch.linspace(-1.0, 1.0, 64).to(TORCH_DTYPES[dtype])
    other = torch.linspace(0.7, -1.3, 64).to(TORCH_DTYPES[dtype])
    try:
        got = torch.lerp(first, other, 0.37)
    except RuntimeError:
        return False
    expected = (first.double() * 0.63 + other.double() * 0.37).to(TORCH_DTYPES[dtype])
    return int((got != expected).sum()) <= 1
