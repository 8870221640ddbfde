"""One file of tensors, whatever its format, and sources laid out of pieces of several.

Called by sources and diffusers_folder. Loads without torch, which only pickled files need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from tag_atelier.merge.header import DTYPE_BYTES, ComposedHeader, Header, Stretch, TensorEntry, read_header

PICKLE_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin")


def open_file(path: Path) -> Header:
    """Header of a single file, safetensors or pickled, in the names it uses itself. Raises CheckpointError."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        from tag_atelier.merge.pickles import read_pickled

        return read_pickled(path)
    return read_header(path)


def with_made(header: Header, key: str, dtype: str, shape: tuple[int, ...], data: bytes) -> ComposedHeader:
    """``header`` with a tensor of its own under ``key``, whatever was there before."""
    stretches = header.stretches if isinstance(header, ComposedHeader) else (Stretch(0, header.size_bytes, header),)
    start = stretches[-1].start + stretches[-1].size_bytes if stretches else 0
    tensors = {**header.tensors, key: TensorEntry(dtype, shape, start, len(data))}
    added = (Stretch(start, len(data), make=lambda: memoryview(data)),) if data else ()
    return ComposedHeader(
        header.path, tensors, header.size_bytes, header.modified_ns, header.metadata, header.notes, (*stretches, *added)
    )


class Composer:
    """Lays tensors out one behind the other, out of pieces that files lend or that are made; for sources of several files."""

    def __init__(self) -> None:
        self.tensors: dict[str, TensorEntry] = {}
        self._stretches: list[Stretch] = []
        self._end = 0

    def add(self, key: str, dtype: str, shape: tuple[int, ...], pieces: Sequence[tuple[Header, TensorEntry]]) -> None:
        """A tensor that is ``pieces`` one behind the other."""
        start = self._end
        for lender, entry in pieces:
            self._put(Stretch(self._end, entry.size_bytes, lender, entry.start))
        self._enter(key, dtype, shape, start)

    def add_made(self, key: str, dtype: str, shape: tuple[int, ...], make: Callable[[], memoryview]) -> None:
        """A tensor whose bytes are made when they are asked for."""
        start = self._end
        self._put(Stretch(start, math.prod(shape) * DTYPE_BYTES[dtype], make=make))
        self._enter(key, dtype, shape, start)

    def _put(self, stretch: Stretch) -> None:
        if stretch.size_bytes:
            self._stretches.append(stretch)
            self._end += stretch.size_bytes

    def _enter(self, key: str, dtype: str, shape: tuple[int, ...], start: int) -> None:
        self.tensors[key] = TensorEntry(dtype, shape, start, self._end - start)

    def header(self, path: Path, notes: tuple[str, ...]) -> ComposedHeader:
        """What was laid out, as a source."""
        return ComposedHeader(path, self.tensors, self._end, 0, {}, notes, tuple(self._stretches))
