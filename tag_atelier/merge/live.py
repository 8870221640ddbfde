"""Merges into the loaded model: only tensors that change are computed, the commonest straight into their place.

Called by jobs and tune. What the model's own weights are and how they come back is the port's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace

import torch

from tag_atelier.errors import Cancelled, RecipeError, say
from tag_atelier.merge.evaluate import fused_lerp
from tag_atelier.merge.header import TensorEntry
from tag_atelier.merge.live_sources import MappedFile, MappedSources, State, is_mappable, state_of
from tag_atelier.merge.plan import MergePlan, Step
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import results
from tag_atelier.merge.tensor_file import TORCH_DTYPES
from tag_atelier.ports import Checkpoint, LiveModel, Progress, Values

_HALVES = ("F16", "BF16")
_LARGEST = {"F16": torch.finfo(torch.float16).max, "BF16": torch.finfo(torch.bfloat16).max}
Mix = Callable[[torch.Tensor, torch.Tensor, float, torch.Tensor], object]


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
        self._known: frozenset[str] | None = None
        """Keys that the model has; None: not asked yet, which costs some milliseconds."""
        self._last: tuple[MergePlan, LiveResult] | None = None
        """What is in the model and what was said of it."""
        self._done: dict[str, dict[str, object]] = {}
        """Block → key → what made the tensor that is in the model."""
        self._unknown: dict[str, list[str]] = {}
        """Block → keys that the model does not have."""
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
        same = _same_blocks(self._last[0], plan) if self._last is not None else frozenset()
        changed = [step for step in plan.steps if step.block not in same and step.key in plan.changed_keys]
        if changed and self._known is None:
            self._known = frozenset(self._model.keys())
        steps = [step for step in changed if step.key in (self._known or ())]
        wanted = self._wanted(plan, steps)
        done = {key: what for block, keys in self._done.items() if block not in same for key, what in keys.items()}
        fresh = [step for step in steps if done.get(step.key) != wanted[step.key]]
        progress.begin(sum(step.size_bytes for step in fresh), say("Merging {models}", models=" + ".join(plan.recipe.models)))
        self._last = None
        self._carry_out(plan, fresh, [key for key in done if key not in wanted], progress)
        self._version = self._model.version
        self._note(same, changed, wanted)
        result = self._result(plan, fresh, time.monotonic() - started)
        self._last = (plan, result)
        return result

    def _note(self, same: frozenset[str], changed: Sequence[Step], wanted: Mapping[str, object]) -> None:
        """What is in the model now: of the blocks that are the same as before, what was."""
        self._done = {block: keys for block, keys in self._done.items() if block in same}
        self._unknown = {block: keys for block, keys in self._unknown.items() if block in same}
        for step in changed:
            block = step.block or ""
            if step.key in wanted:
                self._done.setdefault(block, {})[step.key] = wanted[step.key]
            else:
                self._unknown.setdefault(block, []).append(step.key)

    def _result(self, plan: MergePlan, fresh: Sequence[Step], seconds: float) -> LiveResult:
        replaced = {key: why for key, why in self._replaced.items() if any(key in keys for keys in self._done.values())}
        return LiveResult(
            blocks=tuple(block for block in plan.architecture.blocks if block in self._done),
            changed_keys=sum(map(len, self._done.values())) - len(replaced),
            size_bytes=sum(step.size_bytes for step in fresh),
            seconds=seconds,
            digest=plan.recipe.digest,
            replaced=replaced,
            unknown_keys=tuple(key for keys in self._unknown.values() for key in keys),
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
        self._last, self._done, self._unknown, self._replaced = None, {}, {}, {}
        self._known = None
        self._version = self._model.version

    def _wanted(self, plan: MergePlan, steps: Sequence[Step]) -> dict[str, object]:
        """Key → what its tensor depends on; equal means equal values."""
        digest, files, plain = plan.recipe.digest, _states(plan), _PlainSteps(plan)
        return {step.key: plain.signature(step) if plain.has(step) else (step, digest, files) for step in steps}

    def _carry_out(self, plan: MergePlan, fresh: Sequence[Step], gone: Sequence[str], progress: Progress) -> None:
        if gone:
            self._model.restore(gone)
        for step in fresh:
            self._replaced.pop(step.key, None)
        if fresh:
            with closing(self._tensors(plan, fresh, progress)) as tensors:
                self._model.overwrite(tensors)

    def _tensors(
        self, plan: MergePlan, steps: Sequence[Step], progress: Progress
    ) -> Generator[tuple[str, torch.Tensor | Values], None, None]:
        direct = self._direct(plan, steps)
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

    def _direct(self, plan: MergePlan, steps: Sequence[Step]) -> Mapping[str, Values]:
        """Key → values from mapped files in one pass; without those that have to be computed and looked at."""
        plain, found = _PlainSteps(plan), {}
        files: dict[int, MappedFile] = {}
        mix = plan.method.load_fused_pair()
        for step in steps:
            if not plain.has(step):
                continue
            for index in step.sources:
                if index not in files:
                    files[index] = self._sources.file(plan.sources[index])
            values = _Direct(
                step, [(files[index], plan.sources[index].header.tensors[step.key]) for index in step.sources], mix
            )
            if values.is_finite():
                found[step.key] = values
        return found


def _check_loaded(plan: MergePlan, loaded: Checkpoint) -> None:
    loaded.need_file()
    first = plan.files[0]
    path = first.header.path
    same_file = loaded.path is not None and loaded.path.exists() and loaded.path.samefile(path)
    if not same_file and (loaded.path is not None or loaded.name not in (first.name, path.stem)):
        raise RecipeError(
            "'{loaded}' is loaded but the recipe starts from '{first}'; load '{first}' or put the loaded model first.",
            loaded=loaded.name,
            first=first.name,
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


_KNOWN_FIELDS = ("key", "block", "dtype", "shape", "sources", "weights", "parameters")
_MORE_FIELDS = tuple((each.name, each.default) for each in fields(Step) if each.name not in _KNOWN_FIELDS)


class _PlainSteps:
    """Which tensors are one model's, or two models' fused sum, in half precision, and nothing else is done to them."""

    def __init__(self, plan: MergePlan) -> None:
        self._mappable = [is_mappable(source) for source in plan.sources]
        self._states = [state_of(source.header) for source in plan.sources]
        self._tensors = [source.header.tensors for source in plan.sources]
        self._fused = [bool(plan.method.fused_pair) and fused_lerp(dtype) for dtype in _HALVES]

    def has(self, step: Step) -> bool:
        """Whether ``step`` is one."""
        if step.dtype not in _HALVES or len(step.sources) > 2:
            return False
        if len(step.sources) == 2 and not self._fused[_HALVES.index(step.dtype)]:
            return False
        for index in step.sources:
            if not self._mappable[index] or self._tensors[index][step.key].dtype != step.dtype:
                return False
        return all(getattr(step, name) == default for name, default in _MORE_FIELDS)

    def signature(self, step: Step) -> object:
        """What such a step depends on."""
        origins = [(self._states[index], self._tensors[index][step.key].start) for index in step.sources]
        return (step.weights, step.dtype, origins)


class _Direct:
    """Implements ``ports.Values`` for a plain step. Finite sources that are not too large need no look at the result."""

    def __init__(self, step: Step, parts: Sequence[tuple[MappedFile, TensorEntry]], mix: Mix | None) -> None:
        self._step, self._parts, self._mix = step, parts, mix

    @property
    def shape(self) -> tuple[int, ...]:
        return self._step.shape

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self._step.dtype]

    def is_finite(self) -> bool:
        """Whether the result cannot but be finite; False also where a tensor does not lie on its dtype's boundary."""
        parts, limit = self._parts, _LARGEST[self._step.dtype]
        for file, entry in parts:
            if file.tensor(entry) is None:
                return False
        file, entry = parts[0]
        if len(parts) == 1:
            return file.largest(entry) <= limit
        other, there = parts[1]
        weight = self._step.weights[0]
        bound = max(1.0, abs(1.0 - weight)) * file.largest(entry) + max(1.0, abs(weight)) * other.largest(there)
        return bound <= limit

    def fill(self, target: torch.Tensor) -> None:
        flat, device = target.view(-1), target.device
        sources = [file.near(entry, device) for file, entry in self._parts]
        if len(sources) == 1:
            flat.copy_(sources[0])
        elif self._mix is not None:
            self._mix(sources[0], sources[1], self._step.weights[0], flat)
