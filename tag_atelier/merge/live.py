"""Merges into the loaded model: only tensors that change are computed, the commonest straight into their place.

Called by jobs and tune. What the model's own weights are and how they come back is the port's business.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import torch

from tag_atelier.errors import Cancelled, RecipeError
from tag_atelier.merge.evaluate import fused_lerp
from tag_atelier.merge.header import TensorEntry
from tag_atelier.merge.live_sources import MappedSources, State, is_mappable, state_of
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import results
from tag_atelier.merge.tensor_file import TORCH_DTYPES
from tag_atelier.ports import Checkpoint, LiveModel, Progress, Values

_HALVES = ("F16", "BF16")


@dataclass(frozen=True)
class LiveResult:
    """What the loaded model differs in from its file now."""

    blocks: tuple[str, ...]
    """Blocks with at least one changed tensor."""
    changed_keys: int
    size_bytes: int
    """Of the tensors that were overwritten this time, in the plan's dtypes."""
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
    """A single ``LiveMerger.apply``, for those who merge once."""
    return LiveMerger(live_model).apply(plan, progress)


class LiveMerger:
    """Merges one recipe after the other into one host's loaded model; knows what is in it, so that little is done twice."""

    def __init__(self, live_model: LiveModel) -> None:
        self._model = live_model
        self._version: int | None = None
        """Of the model after the last merge; another one means that somebody else changed it since."""
        self._known: frozenset[str] = frozenset()
        self._last: tuple[MergePlan, LiveResult] | None = None
        """What is in the model and what was said of it."""
        self._done: dict[str, object] = {}
        """Key → what made the tensor that is in the model."""
        self._replaced: dict[str, str] = {}
        self._sources = MappedSources()

    def apply(self, plan: MergePlan, progress: Progress) -> LiveResult:
        """Make the loaded model the plan's result and nothing else; progress counts bytes that are overwritten.

        The loaded model must be the recipe's A. Of an earlier merge only what differs is done anew or put back. Tensors of
        weight 0 are neither read nor touched.

        Raises:
            RecipeError: another checkpoint is loaded than the one the recipe starts from.
            CheckpointError: a source has changed or cannot be read; the port has restored the model.
            HostError: nothing is loaded, or the port refuses.
            Cancelled: somebody pressed stop; the port has restored the model.
        """
        started = time.monotonic()
        _check_loaded(plan, self._model.checkpoint())
        plan.check_sources()
        self._catch_up(plan)
        if self._last is not None and self._last[0] is plan:
            return replace(self._last[1], size_bytes=0, seconds=time.monotonic() - started)
        changed = [step for step in plan.steps if step.key in plan.changed_keys]
        steps = [step for step in changed if step.key in self._known]
        wanted = self._wanted(plan, steps)
        fresh = [step for step in steps if self._done.get(step.key) != wanted[step.key]]
        progress.begin(sum(step.size_bytes for step in fresh), f"Merging {' + '.join(plan.recipe.models)}")
        self._last = None
        self._carry_out(plan, fresh, wanted, progress)
        result = self._result(plan, changed, fresh, time.monotonic() - started)
        self._last = (plan, result)
        return result

    def _result(self, plan: MergePlan, changed: Sequence[Step], fresh: Sequence[Step], seconds: float) -> LiveResult:
        steps = [step for step in changed if step.key in self._known]
        replaced = {key: why for key, why in self._replaced.items() if key in self._done}
        touched = {step.block for step in steps}
        return LiveResult(
            blocks=tuple(block for block in plan.architecture.blocks if block in touched),
            changed_keys=len(steps) - len(replaced),
            size_bytes=sum(step.size_bytes for step in fresh),
            seconds=seconds,
            digest=plan.recipe.digest,
            replaced=replaced,
            unknown_keys=tuple(step.key for step in changed if step.key not in self._known),
            notes=plan.notes + plan.warnings,
        )

    def restore(self) -> None:
        """Put the model's own weights back and let go of the source files."""
        self._model.restore()
        self._sources.close()

    def _catch_up(self, plan: MergePlan) -> None:
        """Know the model as it is: restored first where somebody else changed it since our last merge."""
        self._sources.keep(plan.files)
        if self._version == self._model.version:
            return
        if self._model.dirty:
            self._model.restore()
        self._last, self._done, self._replaced = None, {}, {}
        self._known = frozenset(self._model.keys()) if plan.changed_keys else frozenset()
        self._version = self._model.version if plan.changed_keys else None

    def _wanted(self, plan: MergePlan, steps: Sequence[Step]) -> dict[str, object]:
        """Key → what its tensor depends on; equal means equal values. Blocks that nothing changed in are not gone through."""
        digest, files = plan.recipe.digest, _states(plan)
        same = _same_blocks(self._last[0], plan) if self._last is not None else frozenset()
        found: dict[str, object] = {}
        for step in steps:
            if step.block in same and step.key in self._done:
                found[step.key] = self._done[step.key]
            elif _is_plain(plan, step):
                found[step.key] = (step, _origins(plan, step))
            else:
                found[step.key] = (step, digest, files)
        return found

    def _carry_out(self, plan: MergePlan, fresh: Sequence[Step], wanted: Mapping[str, object], progress: Progress) -> None:
        gone = [key for key in self._done if key not in wanted]
        if gone:
            self._model.restore(gone)
        if fresh:
            for step in fresh:
                self._replaced.pop(step.key, None)
            with closing(self._tensors(plan, fresh, progress)) as tensors:
                self._model.overwrite(tensors)
        if gone or fresh:
            self._version = self._model.version
            self._done = dict(wanted)

    def _tensors(
        self, plan: MergePlan, steps: Sequence[Step], progress: Progress
    ) -> Generator[tuple[str, torch.Tensor | Values], None, None]:
        direct = {step.key: values for step in steps if (values := self._direct(plan, step)) is not None}
        for step in steps:
            if step.key in direct:
                if progress.cancelled:
                    raise Cancelled("The merge was stopped; nothing was changed.")
                yield step.key, direct[step.key]
                progress.advance(step.size_bytes, step.block or "")
        others = [step for step in steps if step.key not in direct]
        if not others:
            return
        with closing(results(plan, others, progress)) as computed:
            for tensor in computed:
                if tensor.replaced:
                    self._replaced[tensor.step.key] = tensor.replaced
                yield tensor.step.key, tensor.tensor()
                progress.advance(tensor.step.size_bytes, tensor.step.block or "")

    def _direct(self, plan: MergePlan, step: Step) -> Values | None:
        """The step's values from mapped files in one pass; None where they have to be computed and looked at."""
        if not _is_plain(plan, step):
            return None
        values = _Direct(plan, step, self._sources)
        return values if values.is_finite() else None


def _check_loaded(plan: MergePlan, loaded: Checkpoint) -> None:
    first = plan.files[0]
    path = first.header.path
    same_file = loaded.path is not None and loaded.path.exists() and loaded.path.samefile(path)
    if not same_file and (loaded.path is not None or loaded.name not in (first.name, path.stem)):
        raise RecipeError(
            f"'{loaded.name}' is loaded but the recipe starts from '{first.name}'; "
            f"load '{first.name}' or put the loaded model first."
        )


def _states(plan: MergePlan) -> tuple[State, ...]:
    return tuple(state_of(file.header) for file in plan.files)


def _same_blocks(before: MergePlan, plan: MergePlan) -> frozenset[str]:
    """Blocks in which both plans do the same: none where they differ in more than weights, or one tensor looks at all."""
    if plan.method.survey or _states(before) != _states(plan):
        return frozenset()
    if _but_weights(before.recipe) != _but_weights(plan.recipe):
        return frozenset()
    pairs = list(zip(before.block_weights, plan.block_weights, strict=True))
    return frozenset(block for block in plan.architecture.blocks if all(old[block] == new[block] for old, new in pairs))


def _but_weights(recipe: Recipe) -> Recipe:
    return replace(recipe, weights=(), name="", notes="")


def _origins(plan: MergePlan, step: Step) -> tuple[tuple[State, TensorEntry], ...]:
    headers = [plan.sources[index].header for index in step.sources]
    return tuple((state_of(header), header.tensors[step.key]) for header in headers)


def _is_plain(plan: MergePlan, step: Step) -> bool:
    """Whether the tensor is one model's, or two models' fused sum, in half precision, and nothing else is done to it."""
    usual = Step(step.key, step.block, step.dtype, step.shape, step.sources, step.weights, step.parameters)
    if step != usual or step.dtype not in _HALVES or len(step.sources) > 2:
        return False
    if len(step.sources) == 2 and not (plan.method.fused_pair and fused_lerp(step.dtype)):
        return False
    sources = [plan.sources[index] for index in step.sources]
    return all(is_mappable(source) and source.header.tensors[step.key].dtype == step.dtype for source in sources)


class _Direct:
    """Implements ``ports.Values`` for a plain step. Finite sources that are not too large need no look at the result."""

    def __init__(self, plan: MergePlan, step: Step, sources: MappedSources) -> None:
        self._step = step
        models = [plan.sources[index] for index in step.sources]
        self._parts = [(sources.file(model), model.header.tensors[step.key]) for model in models]
        self._mix = plan.method.load_fused_pair()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._step.shape

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self._step.dtype]

    def is_finite(self) -> bool:
        """Whether the result cannot but be finite; False also where a tensor does not lie on its dtype's boundary."""
        if any(file.tensor(entry) is None for file, entry in self._parts):
            return False
        largest = [file.largest(entry) for file, entry in self._parts]
        weights = (1.0 - self._step.weights[0], self._step.weights[0]) if len(largest) == 2 else (1.0,)
        bound = sum(max(1.0, abs(weight)) * value for weight, value in zip(weights, largest, strict=True))
        return bound <= torch.finfo(self.dtype).max

    def fill(self, target: torch.Tensor) -> None:
        flat = target.view(-1)
        sources = [file.near(entry, target.device) for file, entry in self._parts]
        assert all(source is not None for source in sources)
        if len(sources) == 1:
            flat.copy_(sources[0])  # type: ignore[arg-type]
        elif self._mix is not None:
            self._mix(sources[0], sources[1], self._step.weights[0], flat)  # type: ignore[arg-type]
