"""The checkpoints of a WebUI on another machine as our ``CheckpointCatalogue``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tag_atelier.errors import HostError, UnknownName, say
from tag_atelier.host.remote.answers import as_list, as_object, text_of
from tag_atelier.host.remote.client import LOAD_S, Client
from tag_atelier.ports import Checkpoint

SHORTEST_HASH = 8
"""Hex digits of a SHA-256 that may stand for a checkpoint."""


@dataclass(frozen=True)
class _Listed:
    """A checkpoint as ``/sdapi/v1/sd-models`` lists it."""

    checkpoint: Checkpoint
    file_name: str
    model_name: str
    identity: str
    """SHA-256, else the WebUI's short hash, else ""."""

    def has_drawn(self, name: str, short_hash: str) -> bool:
        """Whether an image's ``sd_model_name`` and ``sd_model_hash`` are this checkpoint's."""
        if self.identity and short_hash:
            return self.identity.startswith(short_hash) or short_hash.startswith(self.identity)
        return name in (self.checkpoint.name, self.model_name)


class RemoteCheckpoints:
    """Implements ``ports.CheckpointCatalogue``. The list is asked for once and again after ``refresh`` or a load."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: tuple[_Listed, ...] | None = None

    def list(self) -> Sequence[Checkpoint]:
        """All checkpoints, by name."""
        return sorted((one.checkpoint for one in self._listed()), key=lambda checkpoint: checkpoint.name.lower())

    def resolve(self, name: str) -> Checkpoint:
        """By name, title (also one from before it was hashed), file name or hash."""
        return self._find(name).checkpoint

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256, or the short hash where the WebUI tells no more. A checkpoint never hashed is loaded for it."""
        found = self._find(checkpoint.title)
        if not found.identity:
            self.load(checkpoint)
            found = self._find(checkpoint.title)
        if not found.identity:
            raise HostError(
                "The WebUI tells no hash of '{name}'; start it without --no-hashing to benchmark.", name=checkpoint.name
            )
        return found.identity

    def load(self, checkpoint: Checkpoint) -> None:
        """Make it the loaded model of the other WebUI; a no-op where it is the chosen one already."""
        found = self._find(checkpoint.title)
        if self.loaded() == found.checkpoint:
            return
        self._client.post("/options", {"sd_model_checkpoint": found.checkpoint.title}, LOAD_S)
        self._known = None  # loading hashes a file, and the hash is part of its title

    def loaded(self) -> Checkpoint | None:
        """The checkpoint chosen in the other WebUI's settings."""
        title = text_of(as_object(self._client.get("/options"), "options"), "sd_model_checkpoint")
        try:
            return self.resolve(title) if title else None
        except UnknownName:
            return None

    def refresh(self) -> None:
        """Let the other WebUI read its folders again."""
        self._client.post("/refresh-checkpoints", {}, LOAD_S)
        self._known = None

    def output_folder(self) -> Path:
        """There is none on this machine."""
        raise HostError("A remote WebUI's folder cannot be written from here; merge on that machine.")

    def name_of(self, drawn_name: str, drawn_hash: str) -> str:
        """Our name of the checkpoint an image says it was drawn with."""
        for one in self._listed():
            if one.has_drawn(drawn_name, drawn_hash):
                return one.checkpoint.name
        return drawn_name

    def _find(self, name: str) -> _Listed:
        wanted = name.strip()
        plain = _without_hash(wanted)
        for one in self._listed():
            titles = (one.checkpoint.title, _without_hash(one.checkpoint.title))
            if plain and (wanted in titles or plain in (*titles, one.checkpoint.name, one.file_name, one.model_name)):
                return one
        if len(wanted) >= SHORTEST_HASH:
            for one in self._listed():
                if one.identity.startswith(wanted.lower()):
                    return one
        raise UnknownName("checkpoint", name, [checkpoint.name for checkpoint in self.list()])

    def _listed(self) -> tuple[_Listed, ...]:
        if self._known is None:
            self._known = tuple(_read(item) for item in as_list(self._client.get("/sd-models"), say("list of checkpoints")))
        return self._known


def _without_hash(title: str) -> str:
    return title.partition(" [")[0]


def _read(item: object) -> _Listed:
    values = as_object(item, say("checkpoint"))
    file_name = PurePosixPath(text_of(values, "filename").replace("\\", "/")).name
    title, sha256 = text_of(values, "title"), text_of(values, "sha256").lower()
    model_name = text_of(values, "model_name")
    name = PurePosixPath(file_name).stem or model_name
    checkpoint = Checkpoint(name, title, sha256=sha256 or None)
    return _Listed(checkpoint, file_name, model_name, sha256 or text_of(values, "hash").lower())
