"""Source tensors for live merges: memory-mapped files, kept from one merge to the next, near the loaded model where it fits.

Called by live only. A kept tensor is never trusted without a look at its file's size and date (``Header.check_unchanged``).
"""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import Header, TensorEntry
from tag_atelier.merge.inputs import Source
from tag_atelier.merge.tensor_file import TORCH_DTYPES

State = tuple[str, int, int]
"""Path, size and date of a file; another state is another file."""

_SPARE_SHARE = 0.25
"""Of a device's memory that is left to what it draws with."""


def state_of(header: Header) -> State:
    """What tells this state of the file from every other."""
    return str(header.path), header.size_bytes, header.modified_ns


class MappedFile:
    """One safetensors file as tensors that share its memory; only what is looked at is read."""

    def __init__(self, header: Header, largest: dict[int, float]) -> None:
        """``largest`` is what is known of the file's values already, and learns more. Raises CheckpointError."""
        try:
            with header.path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "'{name}' cannot be read ({error}); check the file and try again.", name=header.path.name, error=str(error)
            ) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of not being writable, which is what is wanted
            self._bytes = torch.frombuffer(self._map, dtype=torch.uint8)
        self._largest = largest
        self._tensors: dict[int, torch.Tensor | None] = {}
        self._near: dict[int, torch.Tensor] = {}

    def tensor(self, entry: TensorEntry) -> torch.Tensor | None:
        """The tensor, flat, never to be written to; None where it does not lie on its dtype's boundary."""
        if entry.start not in self._tensors:
            dtype = TORCH_DTYPES[entry.dtype]
            aligned = entry.start % dtype.itemsize == 0
            part = self._bytes[entry.start : entry.start + entry.size_bytes]
            self._tensors[entry.start] = part.view(dtype) if aligned else None
        return self._tensors[entry.start]

    def near(self, entry: TensorEntry, device: torch.device) -> torch.Tensor:
        """The same on ``device``, kept there while the device has room, else as near to it as there is room."""
        mapped = self.tensor(entry)
        assert mapped is not None
        if device.type == "cpu":
            return mapped
        if entry.start not in self._near:
            self._near[entry.start] = _kept(mapped, device)
        kept = self._near[entry.start]
        return kept if kept.device == device else kept.to(device, non_blocking=True)

    def largest(self, entry: TensorEntry) -> float:
        """Largest absolute value of a half-precision tensor, infinite or NaN where it has such values; looked for once."""
        if entry.start not in self._largest:
            values = self.tensor(entry)
            assert values is not None and values.dtype.itemsize == 2
            bits = values.view(torch.int16).bitwise_and(0x7FFF)
            top = bits.max().reshape(1) if len(bits) else torch.zeros(1, dtype=torch.int16)
            self._largest[entry.start] = float(top.view(values.dtype))
        return self._largest[entry.start]


class MappedSources:
    """The files of the last live merges, open until ``close``."""

    def __init__(self) -> None:
        self._files: dict[State, MappedFile] = {}
        self._largest: dict[State, dict[int, float]] = {}

    def keep(self, sources: Sequence[Source]) -> None:
        """Let go of every file that is not among ``sources``; of those let go earlier, what was learned is forgotten too."""
        wanted = {state_of(source.header) for source in sources if is_mappable(source)}
        self._files = {state: file for state, file in self._files.items() if state in wanted}
        self._largest = {state: values for state, values in self._largest.items() if state in wanted}

    def file(self, source: Source) -> MappedFile:
        """The source's file, mapped on first use. Raises CheckpointError."""
        state = state_of(source.header)
        if state not in self._files:
            self._files[state] = MappedFile(source.header, self._largest.setdefault(state, {}))
        return self._files[state]

    def close(self) -> None:
        """Let go of all files: a mapped one cannot be deleted on Windows. What was learned of them stays."""
        self._files.clear()


def is_mappable(source: Source) -> bool:
    """Whether the source is one plain safetensors file."""
    return source.plan is None and type(source.header) is Header and Path(source.header.path).suffix == ".safetensors"


def _kept(mapped: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on ``device``; where it has no room, in page-locked memory, which a GPU reads by itself; else ``mapped``."""
    if _has_room(device, mapped.nbytes):
        return mapped.to(device)
    if device.type == "cuda" and _has_room(torch.device("cpu"), mapped.nbytes):
        return mapped.pin_memory()
    return mapped


def _has_room(device: torch.device, size_bytes: int) -> bool:
    """Whether ``size_bytes`` more can be kept without pressing what else the memory is needed for."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return bool(free - size_bytes > _SPARE_SHARE * total)
    ask = getattr(os, "sysconf", None)
    if ask is None or "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return False
    free, total = (ask(name) * ask("SC_PAGE_SIZE") for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"))
    return bool(free - size_bytes > _SPARE_SHARE * total)
