"""A folder of checkpoints as our ``CheckpointCatalogue``, with the one loaded model. Callers hold ``Host.exclusive``."""

from __future__ import annotations

import gc
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tag_atelier.bench.store import write_whole
from tag_atelier.errors import CheckpointError, UnknownName
from tag_atelier.ports import Checkpoint

if TYPE_CHECKING:
    from tag_atelier.host.embedded.model import LoadedModel

SHORTEST_HASH = 8
"""Hex digits of a SHA-256 that may stand for a checkpoint."""
_HEX = frozenset("0123456789abcdef")
_READ_BYTES = 1 << 20


class HashCache:
    """SHA-256 of files, kept in a JSON file by path, size and time of change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        if path.is_file():
            try:
                self._known = dict(json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, TypeError, OSError):
                self._known = {}  # a cache that cannot be read is made anew

    def known(self, file: Path) -> str | None:
        """The hash if this state of the file was hashed before; None also when the file is gone."""
        return self._known.get(_state(file)) if file.is_file() else None

    def get(self, file: Path) -> str:
        """64 hex digits; reads the file at most once per state, also when several threads ask.

        Raises:
            CheckpointError: the file is gone.
        """
        with self._lock:
            return self._get(file)

    def _get(self, file: Path) -> str:
        known = self.known(file)
        if known is not None:
            return known
        digest = hashlib.sha256()
        try:
            state = _state(file)
            with file.open("rb") as stream:
                while block := stream.read(_READ_BYTES):
                    digest.update(block)
        except OSError as error:
            raise CheckpointError(
                "'{name}' cannot be read ({reason}); expected a checkpoint file.", name=file.name, reason=error.strerror
            ) from error
        self._known[state] = digest.hexdigest()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps(self._known, indent=0).encode("utf-8"))
        return self._known[state]


def _state(file: Path) -> str:
    found = file.stat()
    return f"{file.resolve()}|{found.st_size}|{found.st_mtime_ns}"


class EmbeddedCheckpoints:
    """Implements ``ports.CheckpointCatalogue``; holds at most one model in memory."""

    def __init__(self, folder: Path, data_folder: Path, device: torch.device) -> None:
        self._folder = folder
        self._data_folder = data_folder
        self._device = device
        self._hashes = HashCache(data_folder / "checkpoint_hashes.json")
        self._files: dict[str, Path] = {}
        self._model: LoadedModel | None = None
        self._state = ""
        self.refresh()

    def list(self) -> Sequence[Checkpoint]:
        """All .safetensors files below the folder, by name; the title is the path below the folder."""
        known = (Checkpoint(path.stem, title, path, self._hashes.known(path)) for title, path in self._files.items())
        return sorted(known, key=lambda checkpoint: (checkpoint.name.lower(), checkpoint.title))

    def resolve(self, name: str) -> Checkpoint:
        """By name, title (with or without a short hash behind it), file name or hash. Hashes files only for a hash."""
        wanted = name.strip().replace("\\", "/")
        plain = wanted.partition(" [")[0]
        checkpoints = self.list()
        for checkpoint in checkpoints:
            if checkpoint.path and plain in (checkpoint.title, checkpoint.name, checkpoint.path.name):
                return checkpoint
        digits = wanted.lower()
        if len(digits) >= SHORTEST_HASH and _HEX.issuperset(digits):
            for checkpoint in checkpoints:
                if self._hashes.get(_file(checkpoint)).startswith(digits):
                    return checkpoint
        raise UnknownName("checkpoint", name, [checkpoint.name for checkpoint in checkpoints])

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256 of the file, cached in the data folder.

        Raises:
            CheckpointError: it is missing, pickled, truncated, or neither SD1.5 nor SDXL.
        """
        from tag_atelier.host.embedded.model import inspect

        inspect(checkpoint)  # from its header: a run should not begin with a file that cannot be loaded
        return self._hashes.get(_file(checkpoint))

    def known_hash(self, checkpoint: Checkpoint) -> str | None:
        """SHA-256 if this state of the file was hashed before; reads nothing."""
        return self._hashes.known(_file(checkpoint))

    def load(self, checkpoint: Checkpoint) -> None:
        """Read it into memory; a no-op where this state of the file is loaded already.

        Raises:
            CheckpointError: the file is missing, pickled, truncated, or neither SD1.5 nor SDXL; the old model stays.
        """
        from tag_atelier.host.embedded.model import inspect, load_model
        from tag_atelier.host.embedded.tokenizer import find_tokenizer

        path = _file(checkpoint)
        if not path.is_file():
            raise CheckpointError("'{name}' is no longer there; refresh the list of checkpoints.", name=path.name)
        state = _state(path)
        if self._model is not None and state == self._state:
            return
        tokenizer = find_tokenizer(path.parent, self._data_folder)
        plan = inspect(replace(checkpoint, sha256=self._hashes.get(path)))
        self._model, self._state = None, ""  # two SDXL models at once are more than most cards hold
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._model = load_model(plan, tokenizer, self._device)
        self._state = state

    def loaded(self) -> Checkpoint | None:
        """The loaded model's checkpoint."""
        return self._model.checkpoint if self._model else None

    @property
    def model(self) -> LoadedModel | None:
        """The loaded model itself, for this host's other ports."""
        return self._model

    def refresh(self) -> None:
        """Look through the folder again."""
        found = sorted(self._folder.rglob("*.safetensors")) if self._folder.is_dir() else []
        self._files = {path.relative_to(self._folder).as_posix(): path for path in found}

    def output_folder(self) -> Path:
        """The folder itself."""
        return self._folder


def _file(checkpoint: Checkpoint) -> Path:
    if checkpoint.path is None:
        raise CheckpointError("'{name}' has no file on this machine; expected a .safetensors file.", name=checkpoint.name)
    return checkpoint.path
