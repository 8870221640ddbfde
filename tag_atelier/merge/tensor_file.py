"""Bytes of safetensors files: ranged reads that several threads may share, and a new file that appears whole or not at all.

Called by stream and live. Headers are header.py's.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType

import torch

from tag_atelier.errors import CheckpointError, RecipeError
from tag_atelier.merge.header import ComposedHeader, Header

_NAMES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
}
TORCH_DTYPES: Mapping[str, torch.dtype] = {
    name: getattr(torch, attribute) for name, attribute in _NAMES.items() if hasattr(torch, attribute)
}
"""dtype name in the file → torch's; older torch lacks some of the unsigned ones."""

_STALE_S = 3600.0


class TensorReader:
    """Reads stretches of one file; safe to share between threads."""

    def __init__(self, header: Header, positional: bool | None = None) -> None:
        """``positional`` chooses reads that carry their offset (POSIX) over seek and read under a lock; None: where there are.

        Raises:
            CheckpointError: the file cannot be opened.
        """
        self.header = header
        self._positional = hasattr(os, "preadv") if positional is None else positional
        self._lock = threading.Lock()
        self._stretches = header.stretches if isinstance(header, ComposedHeader) else ()
        self._starts = [stretch.start for stretch in self._stretches]
        self._made: dict[int, memoryview] = {}
        self._lenders: dict[int, TensorReader] = {}
        self._file = None if isinstance(header, ComposedHeader) else self._open()
        try:
            for stretch in self._stretches:
                if stretch.lender is not None and id(stretch.lender) not in self._lenders:
                    self._lenders[id(stretch.lender)] = TensorReader(stretch.lender, positional)
        except CheckpointError:
            self.close()
            raise

    def _open(self) -> FileIO:
        try:
            return self.header.path.open("rb", buffering=0)
        except OSError as error:
            raise self._failed(error.strerror) from error

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` with the bytes from ``offset`` of the file on. Raises CheckpointError when they are not there."""
        if self._file is None:
            self._gather(target, offset)
            return
        done = 0
        while done < len(target):
            try:
                count = self._read_some(target[done:], offset + done)
            except OSError as error:
                raise self._failed(error.strerror) from error
            if not count:
                raise self._failed("it ends too early")
            done += count

    def _gather(self, target: memoryview, offset: int) -> None:
        """``read_into`` from several stretches."""
        done = 0
        while done < len(target):
            place = bisect_right(self._starts, offset + done) - 1
            stretch = self._stretches[place]
            inside = offset + done - stretch.start
            count = min(len(target) - done, stretch.size_bytes - inside)
            if stretch.lender is not None:
                self._lenders[id(stretch.lender)].read_into(target[done : done + count], stretch.offset + inside)
            else:
                target[done : done + count] = self._bytes_of(place)[inside : inside + count]
            done += count

    def _bytes_of(self, place: int) -> memoryview:
        """What the stretch makes, kept for the pieces that are still to be read from it."""
        with self._lock:
            if place not in self._made:
                make = self._stretches[place].make
                assert make is not None
                self._made.clear()
                self._made[place] = make()
            return self._made[place]

    def _read_some(self, target: memoryview, offset: int) -> int:
        assert self._file is not None
        if self._positional and hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [target], offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.readinto(target) or 0

    def _failed(self, reason: str | None) -> CheckpointError:
        return CheckpointError(
            "'{name}' cannot be read ({reason}); check the file and plan the merge again.",
            name=self.header.path.name,
            reason=reason,
        )

    def close(self) -> None:
        """Let go of the file, or files."""
        if self._file is not None:
            self._file.close()
        for lender in self._lenders.values():
            lender.close()


def as_tensor(buffer: bytearray, dtype: str, count: int) -> torch.Tensor:
    """The first ``count`` values of ``buffer`` as a flat tensor of the file dtype ``dtype``; shares the memory."""
    if not count:
        return torch.empty(0, dtype=TORCH_DTYPES[dtype])
    return torch.frombuffer(buffer, dtype=TORCH_DTYPES[dtype], count=count)


class NewFile:
    """A file that is written beside its final name and takes it in ``commit``; without commit nothing stays behind."""

    def __init__(self, destination: Path, positional: bool | None = None) -> None:
        """``positional`` chooses writes with their own offset (POSIX) over seek and write under a lock; None: where there are.

        Raises:
            RecipeError: the destination exists or its folder cannot be written to.
        """
        self.destination = destination
        self._temporary = destination.with_name(f"{destination.name}.tmp-{os.getpid()}")
        self._positional = hasattr(os, "pwrite") if positional is None else positional
        self._lock = threading.Lock()
        self._committed = False
        refuse_taken(destination)
        _sweep(destination)
        try:
            self._file = self._temporary.open("x+b", buffering=0)
        except OSError as error:
            raise self._failed(error.strerror) from error

    def reserve(self, size_bytes: int) -> None:
        """Have the disk set the whole file's bytes aside, where it can. Raises RecipeError when it is too full for them.

        A disk that other programs fill meanwhile is then met before the work, and writing is a tenth quicker.
        """
        try:
            _set_aside(self._file.fileno(), size_bytes)
        except OSError as error:
            raise self._failed(error.strerror) from error

    def write_at(self, data: bytes | memoryview, offset: int) -> None:
        """Put ``data`` at ``offset``, from any thread. Raises RecipeError when it cannot be written (disk full)."""
        rest, done = memoryview(data), 0
        while done < len(rest):
            try:
                done += self._write_some(rest[done:], offset + done)
            except OSError as error:
                raise self._failed(error.strerror) from error

    def _write_some(self, data: memoryview, offset: int) -> int:
        if self._positional and hasattr(os, "pwrite"):
            return os.pwrite(self._file.fileno(), data, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.write(data) or 0

    def sha256(self) -> str:
        """Of everything written so far, read back; 64 hex digits. Raises RecipeError."""
        digest, buffer = hashlib.sha256(), bytearray(1 << 20)
        try:
            self._file.seek(0)
            while count := self._file.readinto(buffer):
                digest.update(memoryview(buffer)[:count])
        except OSError as error:
            raise self._failed(error.strerror) from error
        return digest.hexdigest()

    def commit(self) -> None:
        """Bring everything to the disk, take the final name.

        Raises:
            RecipeError: it cannot be written, or somebody took the name meanwhile.
        """
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            refuse_taken(self.destination)
            self._temporary.replace(self.destination)
            self._committed = True
            sync_folder(self.destination.parent)
        except OSError as error:
            raise self._failed(error.strerror) from error

    def _failed(self, reason: str | None) -> RecipeError:
        return RecipeError(
            "'{name}' cannot be written ({reason}); free some space or choose another folder.",
            name=self.destination.name,
            reason=reason,
        )

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._committed:
            return
        # Closing may fail on a full network disk; the descriptor is gone all the same.
        with contextlib.suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _set_aside(descriptor: int, size_bytes: int) -> None:
    """Linux's own fallocate; Python's posix_fallocate writes zeros where a file system cannot. Raises OSError: no room."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if fallocate(descriptor, 0, 0, size_bytes):
        reason = ctypes.get_errno()
        if reason in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # FAT holds no file of 4 GiB
            raise OSError(reason, os.strerror(reason))


def refuse_taken(destination: Path) -> None:
    """Raises RecipeError when there is a file of this name: nothing of the user's is ever overwritten."""
    if destination.exists() or destination.is_symlink():
        raise RecipeError("'{name}' exists already and is never overwritten; choose another name.", name=destination.name)


def _sweep(destination: Path) -> None:
    """Remove what killed merges of the same name left behind; a file written to within the hour may be somebody's."""
    for path in destination.parent.glob(f"{destination.name.replace('[', '[[]')}.tmp-*"):
        try:
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
        except OSError:
            continue


def sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where folders can be opened (POSIX) and the file system does it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
