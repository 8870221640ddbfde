"""Merges into the loaded model, touching only the blocks whose weights differ from A. Called by jobs; restore is the port's."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field

import torch

from tag_atelier.errors import RecipeError
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.stream import results
from tag_atelier.ports import Checkpoint, LiveModel, Progress


@dataclass(frozen=True)
class LiveResult:
    """What was changed in the loaded model."""

    blocks: tuple[str, ...]
    """Blocks with at least one overwritten tensor."""
    changed_keys: int
    size_bytes: int
    """Of the overwritten tensors, in the plan's dtypes."""
    seconds: float
    digest: str
    """Of the recipe."""
    replaced: dict[str, str] = field(default_factory=dict)
    """Key → why A's tensor was taken instead of the mixed one."""
    unknown_keys: tuple[str, ...] = ()
    """Tensors that would change but that the loaded model does not have under this name; it keeps its own."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for HTTP and the page."""
        lists = {name: list(getattr(self, name)) for name in ("blocks", "unknown_keys", "notes")}
        return {**self.__dict__, **lists}


def apply(plan: MergePlan, live_model: LiveModel, progress: Progress) -> LiveResult:
    """Overwrite in the loaded model every tensor that the plan changes; progress counts bytes of the result.

    The loaded model must be the recipe's A. What an earlier live merge changed is restored first, so the result is always
    the recipe and nothing else. Tensors of weight 0 are neither read nor touched.

    Raises:
        RecipeError: another checkpoint is loaded than the recipe's first model.
        CheckpointError: a source has changed or cannot be read; the port has restored the model.
        HostError: nothing is loaded, or the port refuses.
        Cancelled: somebody pressed stop; the port has restored the model.
    """
    started = time.monotonic()
    _check_loaded(plan, live_model.checkpoint())
    plan.check_sources()
    known = set(live_model.keys())
    changed = [step for step in plan.steps if step.changed]
    steps = [step for step in changed if step.key in known]
    progress.begin(sum(step.size_bytes for step in steps), f"Merging {' + '.join(plan.recipe.models)}")
    if live_model.dirty:
        live_model.restore()
    replaced: dict[str, str] = {}
    if steps:
        with closing(_tensors(plan, steps, progress, replaced)) as tensors:
            live_model.overwrite(tensors)
    touched = {step.block for step in steps}
    return LiveResult(
        blocks=tuple(block for block in plan.architecture.blocks if block in touched),
        changed_keys=len(steps) - len(replaced),
        size_bytes=sum(step.size_bytes for step in steps),
        seconds=time.monotonic() - started,
        digest=plan.recipe.digest,
        replaced=replaced,
        unknown_keys=tuple(step.key for step in changed if step.key not in known),
        notes=plan.notes + plan.warnings,
    )


def _check_loaded(plan: MergePlan, loaded: Checkpoint) -> None:
    first = plan.sources[0]
    path = first.header.path
    same_file = loaded.path is not None and loaded.path.exists() and loaded.path.samefile(path)
    if not same_file and (loaded.path is not None or loaded.name not in (first.name, path.stem)):
        raise RecipeError(
            f"'{loaded.name}' is loaded but the recipe starts from '{first.name}'; "
            f"load '{first.name}' or put the loaded model first."
        )


def _tensors(
    plan: MergePlan, steps: list[Step], progress: Progress, replaced: dict[str, str]
) -> Generator[tuple[str, torch.Tensor], None, None]:
    with closing(results(plan, steps, progress)) as computed:
        for tensor in computed:
            step = tensor.step
            if tensor.replaced:
                replaced[step.key] = tensor.replaced
            yield step.key, tensor.tensor()
            progress.advance(step.size_bytes, step.block or "")
