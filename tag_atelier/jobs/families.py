"""Which model family a checkpoint belongs to, and how that is known. Asked by panel, page and routes for ``automatic``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from tag_atelier.errors import CheckpointError
from tag_atelier.ports import Checkpoint, Host
from tag_atelier.prompt.profile import detect_profile, load_profiles
from tag_atelier.settings import DEFAULTS, Options

AUTOMATIC = "automatic"
"""As a profile's id: the family of the checkpoint that draws."""

How = Literal["hash", "name", "metadata", "settings"]

WHY: Mapping[How, str] = {
    "hash": "Known by the checkpoint's hash.",
    "name": "Known by the checkpoint's name.",
    "metadata": "Known by what the checkpoint's file says of itself.",
    "settings": "The checkpoint does not tell its family, so the one in the settings is used.",
}
"""How a family is known → the sentence that says so."""


@dataclass(frozen=True)
class Family:
    """An answer for one checkpoint."""

    profile_id: str
    how: How
    checkpoint: str
    """Name of the checkpoint; empty where none is loaded or chosen."""

    @property
    def why(self) -> str:
        """The sentence that says how it is known, in English."""
        return WHY[self.how]


class Families:
    """Looks at what a host has loaded and at a checkpoint's own file; remembers nothing that can change."""

    def __init__(self, host: Host, options: Callable[[], Options], profile_folder: Path | None = None) -> None:
        self._host = host
        self._options = options
        self._folder = profile_folder

    def current(self) -> Family:
        """The family of the checkpoint that the host draws with next."""
        name = str(self._host.live_settings().get("checkpoint") or "")
        known = next((one for one in self._host.checkpoints.list() if name in (one.name, one.title)), None) if name else None
        return self.of(known or self._host.checkpoints.loaded())

    def of(self, checkpoint: Checkpoint | None) -> Family:
        """The family of ``checkpoint``: by hash, else by name, else by its file's metadata, else the one in the settings."""
        if checkpoint is None:
            return Family(self._fallback(), "settings", "")
        profile = detect_profile("", self._folder, checkpoint.sha256 or "") if checkpoint.sha256 else None
        if profile is not None:
            return Family(profile.id, "hash", checkpoint.name)
        profile = detect_profile(checkpoint.name, self._folder)
        if profile is not None:
            return Family(profile.id, "name", checkpoint.name)
        profile = detect_profile("", self._folder, metadata=_metadata(checkpoint.path))
        if profile is not None:
            return Family(profile.id, "metadata", checkpoint.name)
        return Family(self._fallback(), "settings", checkpoint.name)

    def _fallback(self) -> str:
        chosen = str({**DEFAULTS, **self._options()}["profile"])
        return chosen if chosen in load_profiles(self._folder) else str(DEFAULTS["profile"])


def _metadata(path: Path | None) -> Mapping[str, str]:
    """What the header of a safetensors file says; nothing for another file or one that cannot be read."""
    try:
        return _header_texts(path, path.stat().st_mtime_ns) if path is not None else {}
    except (CheckpointError, OSError):
        return {}


@lru_cache(maxsize=64)
def _header_texts(path: Path, changed_ns: int) -> Mapping[str, str]:
    from tag_atelier.merge.header import read_header

    return read_header(path).metadata
