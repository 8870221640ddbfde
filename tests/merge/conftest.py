"""Small checkpoints with real key names, written with the safetensors library (not with ours)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import MergeResult, write

UNET = "model.diffusion_model."
TEXT = {
    "sd15": ("cond_stage_model.transformer.text_model.",),
    "sdxl": ("conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."),
}


def shapes_of(architecture: str) -> dict[str, tuple[int, ...]]:
    """At least one key per block; IN00 and OUT00 have two."""
    inputs = {"sd15": 12, "sdxl": 9}[architecture]
    shapes: dict[str, tuple[int, ...]] = {f"{prefix}layers.0.weight": (4, 3) for prefix in TEXT[architecture]}
    shapes[f"{UNET}time_embed.0.weight"] = (6, 2)
    if architecture == "sdxl":
        shapes[f"{UNET}label_emb.0.0.weight"] = (6, 3)
    for i in range(inputs):
        shapes[f"{UNET}input_blocks.{i}.0.weight"] = (4, 4, 3, 3) if i == 0 else (4, 5)
        shapes[f"{UNET}output_blocks.{i}.0.weight"] = (5, 4)
    shapes[f"{UNET}input_blocks.0.0.bias"] = (4,)
    shapes[f"{UNET}output_blocks.0.1.transformer_blocks.0.attn2.to_k.weight"] = (3, 3)
    shapes[f"{UNET}middle_block.1.proj_in.weight"] = (4, 4)
    shapes[f"{UNET}out.2.bias"] = (4,)
    shapes["first_stage_model.decoder.conv_in.weight"] = (2, 2)
    return shapes


class Counter:
    """A progress that remembers, and presses stop after ``stop_after`` advances."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.total, self.done, self.calls, self.stop_after = 0, 0, 0, stop_after

    def begin(self, total: int, text: str = "") -> None:
        self.total, self.done = total, 0

    def advance(self, steps: int = 1, text: str = "") -> None:
        self.done += steps
        self.calls += 1

    @property
    def cancelled(self) -> bool:
        return self.stop_after is not None and self.calls >= self.stop_after


class Shelf:
    """A folder of checkpoints that recipes find by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tensors(self, architecture: str, fill: float | None, seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        made: dict[str, torch.Tensor] = {}
        for key, shape in shapes_of(architecture).items():
            random = torch.randn(shape, generator=generator)
            made[key] = (random if fill is None else torch.full(shape, fill)).to(dtype)
        made[f"{TEXT[architecture][0]}embeddings.position_ids"] = torch.arange(7)[None]
        return made

    def add(
        self,
        name: str,
        architecture: str = "sd15",
        fill: float | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float16,
        change: Mapping[str, torch.Tensor | None] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Write ``name``.safetensors, all values ``fill`` or random; ``change`` adds, replaces or (None) removes keys."""
        made = self.tensors(architecture, fill, seed, dtype)
        for key, value in (change or {}).items():
            if value is None:
                del made[key]
            else:
                made[key] = value
        save_file(made, self.path(name), metadata)
        return made

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def planned(shelf: Shelf, **recipe: object) -> MergePlan:
    """The plan of an even mix of ``a`` and ``b``, but for what ``recipe`` says."""
    return plan(Recipe.from_value({"models": ["a", "b"], "alpha": 0.5, **recipe}), shelf.path)


def merged(shelf: Shelf, counter: Callable[..., Counter], **recipe: object) -> tuple[dict[str, torch.Tensor], MergeResult]:
    """The tensors of that plan's file ``out``, read with the safetensors library, and what was said of it."""
    path = shelf.path("out")
    path.unlink(missing_ok=True)
    result = write(planned(shelf, **recipe), path, counter())
    return load_file(path), result


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def counter() -> Callable[..., Counter]:
    return Counter
