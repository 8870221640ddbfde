"""The WebUI's checkpoint list as our ``CheckpointCatalogue``. Loading needs the queue: callers hold ``Host.exclusive``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modules import hashes, sd_models, shared

from tag_atelier.errors import HostError, UnknownName
from tag_atelier.host.webui.features import is_forge
from tag_atelier.host.webui.virtual_checkpoints import VirtualCheckpoint
from tag_atelier.ports import Checkpoint

SHORTEST_HASH = 8
"""Hex digits of a SHA-256 that may stand for a checkpoint."""


def from_info(info: sd_models.CheckpointInfo) -> Checkpoint:
    """Our value for the WebUI's."""
    path = Path(info.filename)
    return Checkpoint(info.name_for_extra, info.title, path, info.sha256, in_memory_only=_is_made_in_memory(info))


def _is_made_in_memory(info: sd_models.CheckpointInfo) -> bool:
    """Whether another extension keeps a merge under this entry: its file, if there is one, holds other weights.

    sd-webui-supermerger marks its copies of the first model's entry ``isfake`` (scripts/mergers/mergers.py:169),
    sd-webui-model-mixer ``fake`` (scripts/model_mixer.py:4641); any such copy has another name than its file.
    """
    if isinstance(info, VirtualCheckpoint):
        return False
    marked = getattr(info, "isfake", False) or getattr(info, "fake", False)
    return bool(marked) or info.name_for_extra != Path(info.filename).stem


def _is_loaded_made_in_memory() -> bool:
    info = getattr(sd_models.model_data.sd_model, "sd_checkpoint_info", None)
    return info is not None and _is_made_in_memory(info)


def remember_hash(path: Path, sha256: str) -> None:
    """Put the SHA-256 of a checkpoint that was just written where the WebUI looks for it (A1111 modules/hashes.py:59)."""
    title = f"checkpoint/{sd_models.CheckpointInfo(str(path)).name}"
    hashes.cache("hashes")[title] = {"mtime": path.stat().st_mtime, "sha256": sha256}
    hashes.dump_cache()


class WebuiCheckpoints:
    """Implements ``ports.CheckpointCatalogue``."""

    def list(self) -> Sequence[Checkpoint]:
        """All checkpoints, by name; saved recipes are none, nor is what other extensions merged in memory."""
        return sorted((from_info(info) for info in self._infos()), key=lambda checkpoint: checkpoint.name.lower())

    def resolve(self, name: str) -> Checkpoint:
        """By name, title, file name or hash; never by a part of a name, as the WebUI itself would."""
        return from_info(self._info(name))

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256 of the file, from the WebUI's own cache where it knows it."""
        info = self._info(checkpoint.title)
        if info.sha256 is None:
            info.calculate_shorthash()
        if info.sha256 is None:
            raise HostError(
                "The WebUI does not hash '{name}'; start it without --no-hashing to benchmark.", name=checkpoint.name
            )
        return info.sha256

    def load(self, checkpoint: Checkpoint) -> None:
        """Make it the loaded model; a no-op where it is already."""
        info = self._info(checkpoint.title)
        try:
            if is_forge():
                _load_forge(info)
            else:
                _load(info)
        except Exception as error:  # the host's loader raises anything
            raise HostError(
                "The WebUI could not load '{name}': {type}: {error}",
                name=checkpoint.name,
                type=type(error).__name__,
                error=str(error),
            ) from error

    def loaded(self) -> Checkpoint | None:
        """The loaded model without triggering a load (``shared.sd_model`` would: A1111 modules/shared_items.py:171)."""
        info = getattr(sd_models.model_data.sd_model, "sd_checkpoint_info", None)
        return from_info(info) if info is not None else None

    def refresh(self) -> None:
        """Read the folders again."""
        shared.refresh_checkpoints() if hasattr(shared, "refresh_checkpoints") else sd_models.list_models()

    def output_folder(self) -> Path:
        """The folder of --ckpt-dir, else models/Stable-diffusion."""
        return Path(shared.cmd_opts.ckpt_dir or sd_models.model_path)

    def _infos(self) -> Sequence[sd_models.CheckpointInfo]:
        infos = sd_models.checkpoints_list.values()
        return tuple(info for info in infos if not isinstance(info, VirtualCheckpoint) and not _is_made_in_memory(info))

    def _info(self, name: str) -> sd_models.CheckpointInfo:
        wanted = name.strip()
        for info in self._infos():
            if wanted in (info.name_for_extra, info.title, info.name, info.model_name, Path(info.filename).name):
                return info
        if len(wanted) >= SHORTEST_HASH:
            for info in self._infos():
                if (info.sha256 or "").startswith(wanted.lower()):
                    return info
        raise UnknownName("checkpoint", name, [info.name_for_extra for info in self._infos()])


def _load(info: sd_models.CheckpointInfo) -> None:
    shared.opts.set("sd_model_checkpoint", info.title, run_callbacks=False)
    if sd_models.model_data.sd_model is None:
        sd_models.load_model(info)
    else:  # what was merged in memory goes by its first model's file, for which nothing would be loaded
        sd_models.reload_model_weights(info=info, forced_reload=_is_loaded_made_in_memory())


def _load_forge(info: sd_models.CheckpointInfo) -> None:
    """Forge: ``opts.set`` or ``reload_model_weights`` alone change nothing (modules_forge/main_entry.py:242)."""
    from modules_forge import main_entry

    main_entry.checkpoint_change(info.title, save=False, refresh=True)
    if _is_loaded_made_in_memory():
        sd_models.model_data.forge_hash = ""  # by which it knows that there is nothing to load
    sd_models.forge_model_reload()
