"""Tensors of pickled files (.ckpt, .pt, .pth, .bin), read by torch's restricted loader only: no code of the file runs.

Called by sources. The file is mapped, so that only what is looked at is read.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch.serialization import load

from tag_atelier.errors import CheckpointError
from tag_atelier.language import say
from tag_atelier.merge.header import ComposedHeader, Stretch, TensorEntry
from tag_atelier.merge.tensor_file import TORCH_DTYPES

_DTYPES = {dtype: name for name, dtype in TORCH_DTYPES.items()}
_LEGACY_MAGIC = bytes((0x8A, 0x0A)) + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
"""What torch before 1.6 begins a file with, behind two bytes of the pickle protocol. Source: torch/serialization.py."""
_WRAPPERS = ("state_dict", "params_ema", "params")
"""Under which of these a training checkpoint keeps its tensors."""
_LOADER_ERRORS = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    AssertionError,
    EOFError,
    OverflowError,
)
"""Everything that torch's loader is known to raise on files that are no checkpoints."""


def read_pickled(path: Path) -> ComposedHeader:
    """The tensors of the pickled file ``path`` as if it were a safetensors file; whatever else is in it is left out.

    Raises:
        CheckpointError: the file cannot be read, holds anything but tensors and plain values, or no tensors at all.
    """
    try:
        state = path.stat()
        mapped = _is_zip(path)
        loaded = _load(path, mapped)
    except OSError as error:
        raise CheckpointError(
            "'{name}' cannot be read ({reason}); check its name and rights, or download it again.",
            name=path.name,
            reason=error.strerror or error,
        ) from error
    tensors = _tensors_of(path, loaded)
    entries, stretches, start = {}, [], 0
    for key, tensor in tensors.items():
        size_bytes = tensor.numel() * tensor.element_size()
        entries[key] = TensorEntry(_DTYPES[tensor.dtype], tuple(tensor.shape), start, size_bytes)
        if size_bytes:
            stretches.append(Stretch(start, size_bytes, make=_bytes_of(tensor)))
        start += size_bytes
    old = say("'{name}' is of torch's old format and was read into memory as a whole.", name=path.name)
    notes = () if mapped else (old,)
    return ComposedHeader(path, entries, state.st_size, state.st_mtime_ns, {}, notes, tuple(stretches))


def _is_zip(path: Path) -> bool:
    """Whether it is of today's format; False for the old one. Raises CheckpointError for anything else, tar above all."""
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        return True
    if start[2:].startswith(_LEGACY_MAGIC):
        return False
    raise CheckpointError(
        "'{name}' is neither a checkpoint as torch saves it nor a safetensors file; it is damaged or something "
        "else, so download it again.",
        name=path.name,
    )


def _load(path: Path, mapped: bool) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not torch.load: WebUI 1.10 puts its own there (modules/safe.py:195), which answers a hostile file with None.
            return load(str(path), map_location="cpu", mmap=mapped, weights_only=True)
    except _LOADER_ERRORS as error:
        if isinstance(error, pickle.UnpicklingError):
            raise CheckpointError(
                "'{name}' holds more than tensors, which could run code when it is opened; it was not opened, so use a "
                "safetensors file of the same model.",
                name=path.name,
            ) from error
        raise CheckpointError(
            "'{name}' cannot be read as a checkpoint ({type}); it is damaged, so download it again.",
            name=path.name,
            type=type(error).__name__,
        ) from error


def _tensors_of(path: Path, loaded: object) -> dict[str, torch.Tensor]:
    for name in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
    table = loaded if isinstance(loaded, Mapping) else {}
    found = {key: value for key, value in table.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
    if not found:
        raise CheckpointError(
            "'{name}' holds no tensors with names; expected a checkpoint, choose another file.", name=path.name
        )
    for key, tensor in found.items():
        if tensor.dtype not in _DTYPES or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise CheckpointError(
                "'{name}' stores '{key}' as {dtype} that cannot be merged; expected plain numbers, so use the file it was "
                "made from.",
                name=path.name,
                key=key,
                dtype=str(tensor.dtype).removeprefix("torch."),
            )
    return found


def _bytes_of(tensor: torch.Tensor) -> Callable[[], memoryview]:
    def make() -> memoryview:
        flat = tensor.detach().contiguous().reshape(-1)
        return flat.view(torch.uint8).numpy().data

    return make
