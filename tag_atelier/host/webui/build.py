"""Puts the running WebUI's ports together. Called once, while the WebUI loads extensions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modules import paths, shared

from tag_atelier.host.webui import options
from tag_atelier.host.webui.checkpoints import WebuiCheckpoints, remember_hash
from tag_atelier.host.webui.facts import facts
from tag_atelier.host.webui.features import host_name
from tag_atelier.host.webui.live_model import WebuiLiveModel
from tag_atelier.host.webui.sampler import WebuiSampler, check_parameters, exclusive, interrupt
from tag_atelier.ports import Host, PromptFiles


def build() -> Host:
    """The ports of this WebUI; touches no model and no folder."""
    checkpoints = WebuiCheckpoints()
    return Host(
        name=host_name(),
        sampler=WebuiSampler(checkpoints),
        checkpoints=checkpoints,
        data_folder=Path(paths.data_path) / "tag-atelier",
        tagger_folders=(Path(paths.models_path) / "tagger",),
        live_model=WebuiLiveModel(),
        exclusive=exclusive,
        interrupt=interrupt,
        check_parameters=check_parameters,
        remember_hash=remember_hash,
        facts=facts,
        live_settings=options.live_settings,
        prompt_files=PromptFiles(
            labels=(Path(paths.data_path) / "extensions",),
            embeddings=(Path(shared.cmd_opts.embeddings_dir),),
            networks=(Path(getattr(shared.cmd_opts, "lora_dir", None) or Path(paths.models_path) / "Lora"),),
            styles=_styles_files,
            styles_changed=lambda: shared.prompt_styles.reload(),
        ),
        vae_folders=tuple(Path(folder) for folder in (Path(paths.models_path) / "VAE", shared.cmd_opts.vae_dir) if folder),
    )


def _styles_files() -> Sequence[Path]:
    """The WebUI's styles files, the one it adds new styles to first."""
    styles = shared.prompt_styles
    return tuple(dict.fromkeys(map(Path, (styles.default_path, *styles.all_styles_files))))
