"""Where a merge's result is written, by its format and the host's folders. Called by merges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.errors import RecipeError
from tag_atelier.jobs.file_names import plain_name
from tag_atelier.merge.model_files import ModelFiles
from tag_atelier.ports import Host

if TYPE_CHECKING:
    from tag_atelier.merge.recipe import Recipe


def destination(host: Host, recipe: Recipe, name: str) -> Path:
    """Where the recipe's result is written under ``name``; missing folders of our own are made.

    Raises:
        RecipeError: the name is no plain file name, or is taken.
    """
    folder, suffix = host.checkpoints.output_folder(), ".safetensors"
    if recipe.options.format == "lora" and host.prompt_files.networks:
        folder = host.prompt_files.networks[0]
    if recipe.options.format == "diffusers":
        folder, suffix = ModelFiles(host).diffusers_folder(), ""
        folder.mkdir(parents=True, exist_ok=True)
    return output_path(folder, name, suffix)


def output_path(folder: Path, name: str, suffix: str = ".safetensors") -> Path:
    """Where a merge called ``name`` is written.

    Raises:
        RecipeError: the name is no plain file name, or the file exists already.
    """
    stem = name[: -len(".safetensors")] if name.lower().endswith(".safetensors") else name
    path = folder / f"{plain_name(stem)}{suffix}"
    if path.exists():
        raise RecipeError("'{name}' exists already; choose another name, nothing is overwritten.", name=path.name)
    return path
