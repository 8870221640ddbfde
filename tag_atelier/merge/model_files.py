"""Finds what a recipe names among a host's checkpoints, VAEs, networks and diffusers folders.

Called by jobs, tune and the command line. A name never leads out of the folders that are looked through. Loads without torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.ports import Host

if TYPE_CHECKING:
    from tag_atelier.merge.inputs import Source

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
"""Files that a recipe may name, in the order in which equal names are preferred; the last kind is refused with its reason."""

_KINDS = {"vae": "vae", "clip_l": "text_encoder", "clip_g": "text_encoder"}
"""Letter of a source that gives one part → kind of its file."""


class ModelFiles:
    """The files of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def model(self, name: str) -> Path:
        """A checkpoint by the host's names for it, or a diffusers folder by its own.

        Raises:
            UnknownName: there is none.
            HostError: it lies on another machine.
        """
        try:
            return self._host.checkpoint_file(name)
        except UnknownName:
            found = find_below((self.diffusers_folder(), self._host.checkpoints.output_folder()), name)
            if found is None:
                raise
            return found

    def known_hash(self, name: str) -> str | None:
        """SHA-256 of a checkpoint where the host knows it without reading the file."""
        try:
            return self._host.checkpoints.resolve(name).sha256
        except UnknownName:
            return None

    def part(self, kind: str, name: str) -> Path:
        """A network (``lora``), a VAE (``vae``) or a text encoder (``text_encoder``) by its file's name.

        Raises:
            UnknownName: there is none.
        """
        networks = (*self._host.prompt_files.networks, self._host.checkpoints.output_folder())
        folders = {"lora": networks, "vae": self._host.vae_folders}.get(kind, ())
        found = find_below(folders, name)
        if found is not None or kind != "lora":
            return found or self.model(name)
        raise UnknownName("LoRA", name, self.names(kind) or sorted(path.stem for each in folders for path in _files(each)))

    def names(self, kind: str) -> list[str]:
        """What ``part`` finds among the files that are only such parts: networks (``lora``) or VAEs (``vae``)."""
        folders = self._host.vae_folders if kind == "vae" else self._host.prompt_files.networks
        files = (path for folder in folders for path in _files(folder))
        return sorted({path.name if kind == "vae" else path.stem for path in files})

    def is_same(self, source: Source) -> bool:
        """Whether the source's name still leads to its file. Raises as ``model`` and ``part`` do."""
        kind = "lora" if source.letter.startswith("lora") else _KINDS.get(source.letter)
        found = self.part(kind, source.name) if kind else self.model(source.name)
        return found == source.header.path

    def diffusers_folder(self) -> Path:
        """Where diffusers folders are written: not among the checkpoints, where a WebUI would list every part of them."""
        return self._host.data_folder / "diffusers"


def find_below(folders: Sequence[Path], name: str) -> Path | None:
    """A model's file, or diffusers folder, below one of ``folders``, with or without its suffix; None where there is none.

    Raises:
        RecipeError: the name leads out of the folders.
    """
    wanted = name.strip().replace("\\", "/")
    is_outside = PurePosixPath(wanted).is_absolute() or PureWindowsPath(wanted).drive or ".." in wanted.split("/")
    if is_outside or "\0" in wanted:
        raise RecipeError("'{name}' leads out of the folder of models; expected the name of a file in it.", name=name)
    from tag_atelier.merge.diffusers_folder import is_folder

    for folder in folders:
        for candidate in (folder / wanted, *(folder / f"{wanted}{suffix}" for suffix in SUFFIXES)):
            if (candidate.suffix.lower() in SUFFIXES and candidate.is_file()) or is_folder(candidate):
                return candidate
    return next((path for folder in folders for path in _files(folder) if wanted in (path.name, path.stem)), None)


def _files(folder: Path) -> Iterator[Path]:
    """All model files below ``folder``, by name."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(names) if name.lower().endswith(SUFFIXES))
