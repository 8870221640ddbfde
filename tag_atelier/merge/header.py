"""Headers of safetensors files: read and checked against the file, and written.

Used by plan, tensor_file and metadata. Must not import torch: every error of a file is found before a tensor is read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from tag_atelier.errors import CheckpointError, say

DTYPE_BYTES: Mapping[str, int] = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}
"""Bytes per element of each dtype name of the file format. Source: safetensors README, "Format"."""

FLOAT_DTYPES = frozenset({"F8_E4M3", "F8_E5M2", "F16", "BF16", "F32", "F64"})

_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000
"""The limit of the safetensors library itself."""
_PICKLE_STARTS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
"""A header length can begin with the same two bytes, but then its JSON follows at byte 8."""


@dataclass(frozen=True)
class TensorEntry:
    """Where one tensor lies in its file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    """First byte, counted from the start of the file."""
    size_bytes: int
    kept: str = ""
    """dtype of the result where a recipe keeps A's, if not ``dtype``: an earlier step's result is more exact than its A."""


@dataclass(frozen=True)
class Header:
    """A checked header and the state of the file it was read from."""

    path: Path
    """The file, or the folder of several."""
    tensors: Mapping[str, TensorEntry]
    size_bytes: int
    modified_ns: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What had to be put right or was left out when the source was opened."""

    def check_unchanged(self) -> None:
        """Raises CheckpointError when the file is gone or is no longer the one that was read."""
        try:
            state = self.path.stat()
        except OSError as error:
            raise CheckpointError(
                "'{name}' can no longer be read ({reason}); put it back and plan the merge again.",
                name=self.path.name,
                reason=error.strerror,
            ) from error
        if (state.st_size, state.st_mtime_ns) != (self.size_bytes, self.modified_ns):
            raise CheckpointError(
                "'{name}' has changed since the merge was planned; plan the merge again.", name=self.path.name
            )


@dataclass(frozen=True)
class Stretch:
    """Bytes of a source that is not one plain file: lent from a file, or made when they are asked for."""

    start: int
    """First byte, as ``TensorEntry.start`` counts."""
    size_bytes: int
    lender: Header | None = None
    offset: int = 0
    """Where the bytes begin in the lender."""
    make: Callable[[], memoryview] | None = None
    """Gives all bytes, where there is no lender."""


@dataclass(frozen=True)
class ComposedHeader(Header):
    """A source that is no plain safetensors file but reads as if it were one: a folder, a pickle, a file with repairs."""

    stretches: tuple[Stretch, ...] = ()
    """What its bytes are made of, in order and without gaps."""

    def check_unchanged(self) -> None:
        """Raises CheckpointError when a file that it is made of has changed."""
        for lender in {id(stretch.lender): stretch.lender for stretch in self.stretches}.values():
            if lender is not None:
                lender.check_unchanged()
        if self.modified_ns:  # of a single file that lends nothing itself, such as a pickle
            super().check_unchanged()


def read_header(path: Path) -> Header:
    """Header of the safetensors file ``path``, with every length, offset and size checked against the file.

    Raises:
        CheckpointError: the file is missing, pickled, truncated, or its header does not describe its bytes.
    Source: safetensors README, "Format": 8 bytes little-endian length, JSON, tensors without gaps.
    """
    try:
        state = path.stat()
        with path.open("rb") as file:
            start = file.read(_LENGTH_BYTES + 1)
            _refuse_other_formats(path, start)
            (length,) = struct.unpack("<Q", start[:_LENGTH_BYTES])
            if length > _LARGEST_HEADER or _LENGTH_BYTES + length > state.st_size:
                raise CheckpointError(
                    "'{name}' says its header is {length} bytes long but the file has {size_bytes}; it is truncated or no "
                    "safetensors file, so download it again.",
                    name=path.name,
                    length=length,
                    size_bytes=state.st_size,
                )
            text = start[_LENGTH_BYTES:] + file.read(length - 1)
    except OSError as error:
        raise CheckpointError(
            "'{name}' cannot be read ({reason}); expected a safetensors file, check its name and rights.",
            name=path.name,
            reason=error.strerror,
        ) from error
    table = _parse(path, text)
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError("'{name}' has metadata that is not a table of texts; it is no safetensors file.", name=path.name)
    data_start = _LENGTH_BYTES + length
    tensors = {key: _entry(path, key, value, data_start) for key, value in table.items()}
    _check_contiguous(path, tensors, data_start, state.st_size)
    return Header(path, tensors, state.st_size, state.st_mtime_ns, metadata)


def render_header(tensors: Sequence[tuple[str, str, tuple[int, ...]]], metadata: Mapping[str, str]) -> bytes:
    """First bytes of a safetensors file that holds ``tensors`` (key, dtype, shape) one after the other.

    The length is a multiple of 8, so that tensors sorted by falling element size are all aligned.
    """
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for key, dtype, shape in tensors:
        end = offset + prod(shape) * DTYPE_BYTES[dtype]
        table[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _refuse_other_formats(path: Path, start: bytes) -> None:
    pickled = start.startswith((b"PK\x03\x04", *_PICKLE_STARTS)) and not start.endswith(b"{")
    if pickled or path.suffix.lower() in (".ckpt", ".pt", ".pth", ".bin"):
        raise CheckpointError(
            "'{name}' is a pickled file, which can run code when it is opened; convert it to safetensors first.", name=path.name
        )
    if start.startswith(b"GGUF"):
        raise CheckpointError("'{name}' is a GGUF file with quantised weights; merge the safetensors original.", name=path.name)
    if len(start) <= _LENGTH_BYTES:
        raise CheckpointError(
            "'{name}' has only {count} bytes; it is truncated, so download it again.", name=path.name, count=len(start)
        )


def _parse(path: Path, text: bytes) -> dict[str, object]:
    def refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise ValueError("a name occurs twice")
        return table

    try:
        table = json.loads(text.decode("utf-8"), object_pairs_hook=refuse_duplicates)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            "'{name}' has a header that is not JSON ({error}); expected a safetensors file.", name=path.name, error=str(error)
        ) from error
    if not isinstance(table, dict):
        raise CheckpointError("'{name}' has a header that is no table; expected a safetensors file.", name=path.name)
    return table


def _entry(path: Path, key: str, value: object, data_start: int) -> TensorEntry:
    fields = value if isinstance(value, dict) else {}
    dtype = fields.get("dtype")
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise CheckpointError(
            "'{name}' stores '{key}' as {dtype!r}; expected one of: {known}. It is quantised or damaged.",
            name=path.name,
            key=key,
            dtype=dtype,
            known=", ".join(DTYPE_BYTES),
        )
    shape, offsets = _whole_numbers(fields.get("shape")), _whole_numbers(fields.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise CheckpointError(
            "'{name}' has no valid shape and offsets for '{key}'; download it again.", name=path.name, key=key
        )
    size_bytes = offsets[1] - offsets[0]
    if prod(shape) * DTYPE_BYTES[dtype] != size_bytes:
        raise CheckpointError(
            "'{name}' gives '{key}' {size_bytes} bytes where {dtype} of shape {shape} needs {needed}; download it again.",
            name=path.name,
            key=key,
            size_bytes=size_bytes,
            dtype=dtype,
            shape=list(shape),
            needed=prod(shape) * DTYPE_BYTES[dtype],
        )
    return TensorEntry(dtype, shape, data_start + offsets[0], size_bytes)


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
        return tuple(value)
    return None


def _check_contiguous(path: Path, tensors: Mapping[str, TensorEntry], data_start: int, file_bytes: int) -> None:
    end = data_start
    for key, entry in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].size_bytes)):
        if entry.start != end:
            raise CheckpointError(
                "'{name}' has a gap or an overlap before '{key}'; it is damaged, download it again.", name=path.name, key=key
            )
        end += entry.size_bytes
    if end != file_bytes:
        found = say("truncated") if file_bytes < end else say("longer than its header says")
        raise CheckpointError(
            "'{name}' is {found} ({file_bytes} bytes, expected {expected}); download it again.",
            name=path.name,
            found=found,
            file_bytes=file_bytes,
            expected=end,
        )
