"""Carries a plan out in the format that its recipe names. Called by jobs and the command line."""

from __future__ import annotations

from pathlib import Path

from tag_atelier.merge.diffusers_output import write_folder
from tag_atelier.merge.lora_file import write_lora
from tag_atelier.merge.plan import MergePlan
from tag_atelier.merge.stream import MergeResult, write
from tag_atelier.ports import Progress


def write_result(plan: MergePlan, destination: Path, progress: Progress) -> MergeResult:
    """Write the result of ``plan`` as the new file, or the new folder, ``destination``.

    Raises:
        RecipeError: the name is taken or of another kind, the folder is missing, or there is not enough space.
        CheckpointError: a source has changed or cannot be read.
        Cancelled: somebody pressed stop; nothing stays behind.
    """
    writers = {"safetensors": write, "diffusers": write_folder, "lora": write_lora}
    return writers[plan.recipe.options.format](plan, destination, progress)
