"""Writes the miniature world's files: beside their place first, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy
import numpy.typing

from tag_atelier.merge.header import render_header

Array = numpy.typing.NDArray[numpy.generic]

_DTYPES = {"float16": "F16", "float32": "F32", "int64": "I64"}


def write_bytes(path: Path, *pieces: bytes) -> None:
    """Put ``pieces`` into the file ``path`` in one step; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.writelines(pieces)
    beside.replace(path)


def write_text(path: Path, text: str) -> None:
    """UTF-8 with plain line ends, in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_tensors(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """A safetensors file. The library's own writer puts metadata in a random order, and a checkpoint's hash is its name.

    Tensors stand in falling element size, then by name, so that each is aligned.
    """
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    table = [(name, _DTYPES[array.dtype.name], array.shape) for name, array in ordered]
    little_endian = (array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for _, array in ordered)
    write_bytes(path, render_header(table, metadata), *little_endian)
