"""Fills a WebUI data folder for one test session: the extension, our probe, tiny checkpoints, a LoRA and a tagger."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.webui.checkout import Checkout

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROBE = Path(__file__).resolve().parent / "probe_extension"
EXTENSION = "tag-atelier"

OPTIONS: dict[str, object] = {
    "samples_save": False,
    "grid_save": False,
    "show_progress_type": "Approx cheap",  # the default asks the network for a preview net with SDXL
    "enable_pnginfo": True,
    "sd_checkpoints_keep_in_cpu": True,
    "add_model_hash_to_info": True,
}


def make_models(folder: Path, checkout: Checkout) -> None:
    """The shared ``models`` of all data folders of a session."""
    from tag_atelier.world import tiny_checkpoints, tiny_lora, tiny_tagger

    checkpoints, loras = folder / "Stable-diffusion", folder / "Lora"
    for made in (checkpoints, loras, folder / "tagger"):
        made.mkdir(parents=True, exist_ok=True)
    if checkout.has_parts:
        make_forge_models(checkpoints, loras)
    else:
        tiny_checkpoints.make(checkpoints, bpe_file=checkout.clip_merges())
        tiny_lora.make(loras)
    tiny_tagger.make(folder / "tagger", name="tiny")


def make_forge_models(checkpoints: Path, loras: Path) -> None:
    """Two SD1.5 files of 637 MB and a LoRA, under the tiny ones' names.

    Forge and reForge know an architecture by its widths: 320 channels and a context of 768, with CLIP-L and VAE in full
    size; how much wider the deeper levels are is free (Forge backend/loader.py, huggingface_guess).
    """
    from tag_atelier.world import tiny_checkpoints, tiny_lora
    from tag_atelier.world.anatomy import Anatomy, UNetAnatomy
    from tag_atelier.world.files import write_tensors

    unet = UNetAnatomy(320, (1, 1, 1, 1), (1, 1, 1, 0), 1, 768, linear_projection=False)
    anatomy = Anatomy(unet, clip_width=768, vae_channels=128)
    for variant in ("a", "b"):
        tensors = dict(tiny_checkpoints.tensors("sd15", variant, anatomy))
        write_tensors(checkpoints / f"tiny-sd15-{variant}.safetensors", tensors, {"format": "pt"})
    tiny_lora.make(loras, anatomies={"tiny-lora-sd15": anatomy})


def make_data_folder(folder: Path, models: Path, kind: str, first_checkpoint: str) -> Path:
    """A data folder whose extension is a ``link`` or a ``copy`` of the tracked files; returns the extension's folder."""
    extensions = folder / "extensions"
    extensions.mkdir(parents=True)
    link(models, folder / "models")
    link(PROBE, extensions / "tag-atelier-probe")
    extension = extensions / EXTENSION
    if kind == "link":
        link(REPOSITORY, extension)
    else:
        copy_tracked(REPOSITORY, extension)
    options = {**OPTIONS, "sd_model_checkpoint": first_checkpoint}
    (folder / "config.json").write_text(json.dumps(options), encoding="utf-8")
    return extension


def link(target: Path, place: Path) -> None:
    """A symbolic link, or where Windows grants none a junction, which needs no right."""
    try:
        place.symlink_to(target, target_is_directory=True)
    except OSError:
        if os.name != "nt":
            raise
        subprocess.run(["cmd", "/c", "mklink", "/J", str(place), str(target)], check=True, capture_output=True)


def copy_tracked(source: Path, destination: Path) -> None:
    """What a user gets who installs from the URL: the files that git tracks, nothing else."""
    for name in tracked_files(source):
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target)


def tracked_files(source: Path) -> Sequence[str]:
    """Paths of all files that git tracks and that are there."""
    command = ["git", "-C", str(source), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout.split("\0")
    return [name for name in listed if name and (source / name).is_file()]


def files_below(folder: Path) -> set[str]:
    """Every file in ``folder`` but Python's caches, relative."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
