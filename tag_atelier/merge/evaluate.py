"""Computes tensors of a merge piece by piece: ranged reads → kernel → one rounding → is every value finite.

Called by stream, from several threads at once. Buffers are kept for each thread, so memory does not grow with the models.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Protocol

import numpy as np
import torch

from tag_atelier.errors import Cancelled
from tag_atelier.language import say
from tag_atelier.merge import lora_formulas
from tag_atelier.merge.adjust import Change
from tag_atelier.merge.header import DTYPE_BYTES, Header, TensorEntry
from tag_atelier.merge.methods import Operands
from tag_atelier.merge.notices import CUT, NOT_FINITE, TOO_LARGE
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.tensor_file import TORCH_DTYPES, as_tensor
from tag_atelier.ports import Progress

_SLICE = 32_736
"""Values per kernel call: below the 32768 from which torch splits work between threads (ATen/Parallel.h, GRAIN_SIZE),
so that results do not depend on the host's thread count, and a multiple of every vector width."""
PIECE = 32 * _SLICE
"""Values that are read and computed at a time."""
_LARGE = 1 << 24
"""Values from which tensors that cannot be cut up are computed one after the other, for the sake of memory."""

_INFINITE = {
    "F8_E4M3": 0x7F,
    "F8_E5M2": 0x7C,
    "F16": 0x7C00,
    "BF16": 0x7F80,
    "F32": 0x7F800000,
    "F64": 0x7FF0000000000000,
}
"""dtype → the smallest bits without sign that are no finite number."""


class Buffer:
    """Memory for a piece, with its views as tensors made once."""

    def __init__(self, size_bytes: int) -> None:
        self.data = bytearray(size_bytes)
        self._slices: dict[str, tuple[torch.Tensor, ...]] = {}

    def tensor(self, dtype: str, count: int) -> torch.Tensor:
        """The first ``count`` values; shares the memory."""
        return as_tensor(self.data, dtype, count)

    def slices(self, dtype: str) -> tuple[torch.Tensor, ...]:
        """All values in slices that kernels take at a time."""
        if dtype not in self._slices:
            whole = self.tensor(dtype, len(self.data) // DTYPE_BYTES[dtype])
            self._slices[dtype] = tuple(torch.split(whole, _SLICE))
        return self._slices[dtype]


@dataclass(frozen=True)
class Run:
    """Steps that lie one after the other in the result and in every source and are mixed alike: read and computed as one."""

    steps: tuple[Step, ...]
    offset: int
    """First byte in the result's file."""
    count: int
    """Values."""

    @property
    def step(self) -> Step:
        """What all its steps have in common, and where they start."""
        return self.steps[0]


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


class Reader(Protocol):
    """A source whose bytes can be read: a file, or an earlier step's result as if it were one."""

    header: Header

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` with the bytes from ``offset`` of the file on."""


class Evaluator:
    """Computes steps of one plan; one instance serves all worker threads."""

    def __init__(self, plan: MergePlan, readers: Sequence[Reader]) -> None:
        self.plan = plan
        self.readers = readers
        self._kernel = plan.method.load_kernel()
        self._fused_pair = plan.method.load_fused_pair()
        self._surveyed: dict[str, float] = {}
        self._scratch = threading.local()
        self._one_at_a_time = threading.Lock()

    def compute(self, step: Step) -> Computed:
        """The step's whole tensor. A mixed value that is not finite gives the whole tensor up for A's, and says so."""
        count, buffer = prod(step.shape), Buffer(step.size_bytes)
        stretch = self.stretch(step)
        finite = [self.fill(step, low, min(low + stretch, count), buffer, low) for low in range(0, count, stretch)]
        if all(finite):
            return Computed(step, buffer.data)
        return self._given_up(step)

    def replaced_earlier(self) -> dict[str, str]:
        """Key → why an earlier step took its A's tensor, as far as was read."""
        return {key: why for reader in self.readers for key, why in getattr(reader, "replaced", {}).items()}

    def stretch(self, step: Step) -> int:
        """Values of the step that are computed at a time: all of them where something looks at whole tensors."""
        return max(1, prod(step.shape)) if self._is_whole(step) else PIECE

    def _is_whole(self, step: Step) -> bool:
        by_method = len(step.sources) > 1 and not self.plan.method.elementwise
        return by_method or (step.change is not None and step.change.whole)

    def fill(self, step: Step, low: int, high: int, out: Buffer, at: int = 0) -> bool:
        """Compute values ``low`` … ``high`` from the step's start on into ``out`` from value ``at`` on, a multiple of a slice.

        With ``high`` beyond the step's own tensor it goes on into the tensors behind it; see ``Run``. Returns whether all
        computed values are finite; A's own bytes are never looked at.
        """
        width, count = DTYPE_BYTES[step.dtype], high - low
        target = memoryview(out.data)[at * width : (at + count) * width]
        given = self._entry(step, step.sources[0]).dtype
        if len(step.sources) > 1 or step.change is not None:
            self._mix(step, low, count, out, at)
        elif given == step.dtype:
            self._read_into(target, step, step.sources[0], low)
        else:
            source = self._read(step, step.sources[0], low, count, slot=0)
            _round_into(out.tensor(step.dtype, at + count)[at:], source.tensor(given, count))
        is_copy = not step.changed and (given == step.dtype or step.dtype not in _INFINITE)
        return is_copy or _is_finite(target, step.dtype)

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
                found.append(measure(self._operands(step, self._whole(step), 0)))
        values = torch.cat(found).sort().values if found else torch.zeros(0)
        values = values[torch.isfinite(values)]
        if len(values):
            cut = len(values) // 100
            self._surveyed = {"similarity_low": float(values[cut]), "similarity_high": float(values[-1 - cut])}

    def _mix(self, step: Step, low: int, count: int, out: Buffer, at: int) -> None:
        if self._is_whole(step):
            self._mix_whole(step, out)
            return
        indices = self._indices(step)
        dtypes = [self._entry(step, index).dtype for index in indices]
        slices = [
            self._read(step, index, low, count, slot).slices(dtype)
            for slot, (index, dtype) in enumerate(zip(indices, dtypes, strict=True))
        ]
        targets = out.slices(step.dtype)[at // _SLICE :]
        alike = len(indices) == 2 and {*dtypes, step.dtype} == {step.dtype} and step.change is None
        fused = self._fused_pair if alike and fused_lerp(step.dtype) else None
        for i, (target, *tensors) in enumerate(_side_by_side(count, (targets, *slices))):
            if fused is not None:
                fused(tensors[0], tensors[1], step.weights[0], target)
            else:
                self._apply(step, tensors, target, low + i * _SLICE)

    def _mix_whole(self, step: Step, out: Buffer) -> None:
        target = out.tensor(step.dtype, prod(step.shape))
        has_networks = step.change is not None and bool(step.change.networks)
        if target.numel() < (_LARGE // 4 if has_networks else _LARGE):
            self._apply(step, self._whole(step), target, 0)
            return
        with self._one_at_a_time:
            self._apply(step, self._whole(step), target, 0)
            self._scratch.__dict__.clear()

    def _apply(self, step: Step, tensors: Sequence[torch.Tensor], target: torch.Tensor, start: int) -> None:
        """Widen, mix, change, round once into ``target``."""
        inputs = step.change.inputs if step.change is not None else 0
        operands = self._operands(step, [tensor[:, :inputs] for tensor in tensors] if inputs else tensors, start)
        mixed = self._kernel(operands) if len(step.sources) > 1 else operands.first
        if step.change is not None:
            mixed = self._changed(step.change, mixed, tensors[0])
        _round_into(target, mixed.reshape(-1))

    def _changed(self, change: Change, mixed: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """What is done beside mixing; ``first`` is A's tensor, whose further input channels are kept."""
        if change.inputs:
            kept = first.to(mixed.dtype, copy=True)
            kept[:, : change.inputs] = mixed
            mixed = kept
        for use in change.networks:
            reader = self.readers[len(self.plan.sources) + use.network]
            tensors = {name: _tensor(reader, entry).to(mixed.dtype) for name, entry in use.layer.tensors.items()}
            mixed = lora_formulas.changed(mixed, use.layer, tensors, use.strength)
        mixed = mixed * change.scale if change.scale != 1.0 else mixed
        return mixed + torch.tensor(change.shift, dtype=mixed.dtype) if change.shift else mixed

    def _operands(self, step: Step, tensors: Sequence[torch.Tensor], start: int) -> Operands:
        wide = torch.float64 if step.dtype in ("F32", "F64") else torch.float32
        operands = [tensor.to(wide) for tensor in tensors]
        base = operands.pop() if self.plan.base is not None and len(step.sources) > 1 else None
        letters = [self.plan.sources[index].letter for index in step.sources[1:]]
        parameters = {**(step.parameters or {}), **self._surveyed}
        return Operands(operands[0], operands[1:], step.weights, base, parameters, step.key, letters, start)

    def _whole(self, step: Step) -> list[torch.Tensor]:
        """The tensors that are mixed, each in its own shape, the base last."""
        found = []
        for slot, index in enumerate(self._indices(step)):
            entry = self._entry(step, index)
            count = prod(entry.shape)
            found.append(self._read(step, index, 0, count, slot).tensor(entry.dtype, count).view(entry.shape))
        return found

    def _indices(self, step: Step) -> tuple[int, ...]:
        return step.sources if self.plan.base is None or len(step.sources) == 1 else (*step.sources, self.plan.base)

    def _entry(self, step: Step, index: int) -> TensorEntry:
        return self.readers[index].header.tensors[step.key]

    def _read_into(self, target: memoryview, step: Step, index: int, low: int) -> None:
        entry = self._entry(step, index)
        self.readers[index].read_into(target, entry.start + low * DTYPE_BYTES[entry.dtype])

    def _read(self, step: Step, index: int, low: int, count: int, slot: int) -> Buffer:
        """``count`` values from ``low`` on; valid until the next read into the same ``slot`` of this thread."""
        size_bytes = count * DTYPE_BYTES[self._entry(step, index).dtype]
        buffer = self._buffer(slot, size_bytes)
        self._read_into(memoryview(buffer.data)[:size_bytes], step, index, low)
        return buffer

    def _buffer(self, slot: int, size_bytes: int) -> Buffer:
        buffers: dict[int, Buffer] = self._scratch.__dict__.setdefault("buffers", {})
        if slot not in buffers or len(buffers[slot].data) < size_bytes:
            buffers[slot] = Buffer(max(size_bytes, 2 * PIECE))
        return buffers[slot]

    def _given_up(self, step: Step) -> Computed:
        """A's tensor instead, and why: whose values are not finite, or that the mixed values do not fit the dtype."""
        kept = self._kept(step)
        for index in self._indices(step):
            entry = self._entry(step, index)
            values = memoryview(bytearray(entry.size_bytes))
            self._read_into(values, step, index, 0)
            if not _is_finite(values, entry.dtype):
                return Computed(step, kept, say(NOT_FINITE, name=self.plan.sources[index].name))
        for use in step.change.networks if step.change is not None else ():
            reader = self.readers[len(self.plan.sources) + use.network]
            if not all(bool(torch.isfinite(_tensor(reader, entry).float()).all()) for entry in use.layer.tensors.values()):
                return Computed(step, kept, say(NOT_FINITE, name=self.plan.networks[use.network].name))
        if not step.changed:
            return Computed(step, kept, say(CUT, dtype=step.dtype))
        return Computed(step, kept, say(TOO_LARGE, dtype=step.dtype))

    def _kept(self, step: Step) -> bytearray:
        """A's tensor in the step's dtype, too large values cut."""
        entry, out = self._entry(step, 0), Buffer(step.size_bytes)
        first = _tensor(self.readers[0], entry).reshape(-1)
        _round_into(out.tensor(step.dtype, first.numel()), first, cut=entry.dtype != step.dtype)
        return out.data


def _side_by_side(count: int, buffers: Sequence[Sequence[torch.Tensor]]) -> Iterator[tuple[torch.Tensor, ...]]:
    """The buffers' slices that lie at the same place, of their first ``count`` values."""
    whole, rest = divmod(count, _SLICE)
    yield from zip(*(slices[:whole] for slices in buffers), strict=True)
    if rest:
        yield tuple(slices[whole][:rest] for slices in buffers)


def _round_into(target: torch.Tensor, values: torch.Tensor, cut: bool = False) -> None:
    """``values`` rounded into ``target``; what does not fit is cut where asked, and always for eight bits.

    Of eight-bit numbers some versions of torch make NaN where others cut; cutting is what all who quantise do.
    """
    if cut or target.dtype.itemsize == 1:
        limit = torch.finfo(target.dtype).max
        values = values.to(torch.float64 if values.dtype == torch.float64 else torch.float32).clamp(-limit, limit)
    target.copy_(values)


def _tensor(reader: Reader, entry: TensorEntry) -> torch.Tensor:
    """A whole tensor of a source, in its own memory."""
    data = bytearray(entry.size_bytes)
    reader.read_into(memoryview(data), entry.start)
    return as_tensor(data, entry.dtype, prod(entry.shape)).view(entry.shape)


def _is_finite(values: memoryview, dtype: str) -> bool:
    """Whether no value of ``values`` is NaN or infinite: read as whole numbers these are the largest of their sign."""
    width, least = DTYPE_BYTES[dtype], _INFINITE[dtype]
    signed = np.frombuffer(values, dtype=f"i{width}")
    unsigned = signed.view(f"u{width}")
    return not len(signed) or (int(signed.max()) < least and int(unsigned.max()) < least + 2 ** (8 * width - 1))


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
