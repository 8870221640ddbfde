"""From a recipe and the headers of its files to the list of steps; every error of a merge is found here.

Called by jobs and the command line; stream and live carry the plan out. Reads no tensor and does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path

from tag_atelier.errors import CheckpointError, RecipeError, Said, say
from tag_atelier.merge.adjust import Change, changes
from tag_atelier.merge.header import DTYPE_BYTES, FLOAT_DTYPES, TensorEntry
from tag_atelier.merge.inputs import FindPart, Inputs, Source, open_inputs
from tag_atelier.merge.key_names import UNET
from tag_atelier.merge.layout import Architecture
from tag_atelier.merge.methods import METHODS, Method
from tag_atelier.merge.networks import NetworkUse
from tag_atelier.merge.notices import DROPPED, MARKS, notes, warnings
from tag_atelier.merge.options import DTYPES
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.merge.steps import result_header

_EXAMPLES = 5
_INPUT_LAYER = f"{UNET}input_blocks.0.0.weight"
"""Four channels wide; nine in inpainting models, eight in InstructPix2Pix."""
_KEPT_UNPRUNED = (*MARKS, "alphas_cumprod", "denoiser.sigmas")


@dataclass(frozen=True)
class Step:
    """How one tensor of the result comes about."""

    key: str
    block: str | None
    """None for keys of no block: schedule buffers and marks such as v_pred."""
    dtype: str
    """Of the result."""
    shape: tuple[int, ...]
    sources: tuple[int, ...]
    """Indices into ``MergePlan.sources`` of what is read, base left out: one is a copy, several are mixed."""
    weights: tuple[float, ...] = ()
    """One per source after the first, none of them 0 unless the method needs all models."""
    parameters: Mapping[str, float] | None = None
    change: Change | None = None
    """What is done to the mixed values before they are rounded."""

    @property
    def size_bytes(self) -> int:
        """Of the result."""
        return prod(self.shape) * DTYPE_BYTES[self.dtype]

    @property
    def changed(self) -> bool:
        """Whether it is anything but A's own tensor."""
        return self.sources != (0,) or self.change is not None


@dataclass(frozen=True)
class MergePlan:
    """A merge that can be carried out; ``steps`` are in the order in which the result is written."""

    recipe: Recipe
    method: Method
    architecture: Architecture
    sources: tuple[Source, ...]
    """The recipe's models in order, then the base where there is one, then donors of whole parts."""
    steps: tuple[Step, ...]
    block_weights: tuple[Mapping[str, float], ...]
    """Per model after A: block → weight."""
    missing: Mapping[str, tuple[str, ...]]
    """Letter → A's keys that this model lacks although they would have been mixed; A's tensors are kept."""
    extra: Mapping[str, int]
    """Letter → how many keys of it A does not have; they are left out."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    networks: tuple[Source, ...] = ()
    """Baked into the result; ``Change.networks`` says where."""

    @property
    def base(self) -> int | None:
        """Index of the base in ``sources``."""
        return len(self.recipe.models) if self.method.base else None

    @property
    def write_bytes(self) -> int:
        """Bytes of all tensors of the result, header not counted."""
        return sum(step.size_bytes for step in self.steps)

    @property
    def read_bytes(self) -> int:
        """Bytes that are read from all sources together."""
        return sum(self._read_bytes(step) for step in self.steps)

    def _read_bytes(self, step: Step) -> int:
        indices = step.sources if self.base is None or len(step.sources) == 1 else (*step.sources, self.base)
        baked = [use.layer.tensors.values() for use in (step.change.networks if step.change else ())]
        return sum(self.sources[index].header.tensors[step.key].size_bytes for index in indices) + sum(
            entry.size_bytes for entries in baked for entry in entries
        )

    def check_sources(self) -> None:
        """Raises CheckpointError when a source has changed since the plan was made."""
        for source in (*self.sources, *self.networks):
            source.check_unchanged()

    @property
    def files(self) -> tuple[Source, ...]:
        """Every source that is a file, also of earlier steps, each file once; the first is the one everything starts from."""
        every = (*self.sources, *self.networks)
        found = [file for source in every for file in (source.plan.files if source.plan else (source,))]
        return tuple({file.header.path: file for file in found}.values())

    @cached_property
    def changed_keys(self) -> frozenset[str]:
        """Keys whose tensor is anything but that of the first file."""
        inside = self.sources[0].plan
        before = inside.changed_keys if inside is not None else frozenset()
        return frozenset(step.key for step in self.steps if step.changed or step.key in before)

    def as_dict(self) -> dict[str, object]:
        """What the page, HTTP and the command line show before the start; plain values."""
        return {
            "digest": self.recipe.digest,
            "recipe": self.recipe.as_dict(),
            "method": self.method.name,
            "formula": self.method.formula,
            "architecture": self.architecture.id,
            "models": [
                {
                    "letter": source.letter,
                    "name": source.name,
                    "file": source.header.path.name,
                    "size_bytes": source.header.size_bytes,
                }
                for source in (*self.sources, *self.networks)
            ],
            "blocks": [self._block(block) for block in self.architecture.blocks],
            "keys": len(self.steps),
            "changed_keys": len(self.changed_keys),
            "read_bytes": self.read_bytes,
            "write_bytes": self.write_bytes,
            "differences": {
                "missing": {
                    letter: {"count": len(keys), "examples": list(keys[:_EXAMPLES])} for letter, keys in self.missing.items()
                },
                "extra": dict(self.extra),
            },
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def _block(self, block: str) -> dict[str, object]:
        steps = [step for step in self.steps if step.block == block]
        return {
            "block": block,
            "weights": {LETTERS[i + 1]: round(weights[block], 6) for i, weights in enumerate(self.block_weights)},
            "keys": len(steps),
            "changed_keys": sum(step.key in self.changed_keys for step in steps),
            "size_bytes": sum(step.size_bytes for step in steps),
        }


def plan(
    recipe: Recipe,
    resolve: Callable[[str], Path],
    known_hash: Callable[[str], str | None] | None = None,
    find_part: FindPart | None = None,
) -> MergePlan:
    """The steps that carry ``recipe`` out on the files that ``resolve`` finds by the recipe's names.

    ``known_hash`` gives a model's SHA-256 where it is known already, for the metadata of the result. ``find_part`` finds
    networks, VAEs and text encoders where they do not lie among the checkpoints.

    Raises:
        UnknownName: there is no such model (from ``resolve``), or no such block in this architecture.
        CheckpointError: a file is damaged, holds code, is of another architecture, or its tensors have other shapes.
        RecipeError: the weights do not fit the architecture.
    """
    made: dict[str, Source] = {}
    for step in recipe.steps:
        planned = _Planner(step, open_inputs(step, resolve, find_part, known_hash, made)).plan()
        made[step.name] = Source(step.name, "", result_header(planned), plan=planned)
    return _Planner(recipe, open_inputs(recipe, resolve, find_part, known_hash, made)).plan()


class _Planner:
    """Collects what is found on the way from the recipe to the steps."""

    def __init__(self, recipe: Recipe, inputs: Inputs) -> None:
        self.recipe, self.inputs = recipe, inputs
        self.method = METHODS[recipe.method]
        self.architecture = architecture = inputs.architecture
        self.sources = inputs.sources
        self.block_weights = tuple(weights.resolve(architecture) for weights in recipe.weights)
        self.parameters = {name: weights.resolve(architecture) for name, weights in recipe.parameters}
        self._check_ranges()
        self.changes = changes(recipe.adjust, architecture.id)
        self.networks = self._uses()
        self.pruned = 0
        self.missing: dict[str, list[str]] = {}
        self.mismatched: list[Said] = []

    def _check_ranges(self) -> None:
        """Every weight and parameter lies where the method makes sense of it."""
        low, high = self.method.weight_range
        weights = [weight for of_block in self.block_weights for weight in of_block.values()]
        weights += [element.weight for element in self.recipe.elements]
        checks: list[tuple[str, float, float, float]] = [(say("A weight"), value, low, high) for value in weights]
        for parameter in self.method.parameters:
            values = self.parameters[parameter.name].values()
            checks += [(f"'{parameter.name}'", value, parameter.minimum, parameter.maximum) for value in values]
        for what, value, minimum, maximum in checks:
            if not minimum <= value <= maximum:
                raise RecipeError(
                    "{what} is {value:g}; '{name}' expects a number from {minimum:g} to {maximum:g}.",
                    what=what,
                    value=value,
                    name=self.method.name,
                    minimum=minimum,
                    maximum=maximum,
                )

    def _uses(self) -> dict[str, list[NetworkUse]]:
        """Key → the networks' layers that change it, in the order of the recipe."""
        found: dict[str, list[NetworkUse]] = {}
        for number, (use, layers) in enumerate(zip(self.recipe.options.loras, self.inputs.layers, strict=True)):
            strengths = use.weights.resolve(self.architecture)
            for layer in layers:
                strength = strengths[self.architecture.block_of(layer.key) or "VAE"]
                if strength:
                    found.setdefault(layer.key, []).append(NetworkUse(number, layer, strength))
        return found

    def plan(self) -> MergePlan:
        first = self.sources[0].header.tensors
        steps = [self._changed(self._step(key, entry)) for key, entry in first.items() if self._is_wanted(key)]
        if self.mismatched:
            raise CheckpointError(
                "{example}, so they cannot be mixed ({count} such tensors); give these blocks weight 0 or choose models "
                "of one kind.",
                example=self.mismatched[0],
                count=len(self.mismatched),
            )
        steps.sort(key=lambda step: -DTYPE_BYTES[step.dtype])
        extra = {
            source.letter: sum(key not in first and not key.startswith(DROPPED) for key in source.header.tensors)
            for source in self.sources[1 : self.inputs.mixed]
        }
        wider = [_spoken_inputs(step) for step in steps if step.change is not None and step.change.inputs]
        inside = self.sources[0].plan
        any_change = any(step.changed for step in steps) or (inside is not None and bool(inside.changed_keys))
        return MergePlan(
            recipe=self.recipe,
            method=self.method,
            architecture=self.architecture,
            sources=self.sources,
            steps=tuple(steps),
            block_weights=self.block_weights,
            missing={letter: tuple(keys) for letter, keys in self.missing.items()},
            extra={letter: count for letter, count in extra.items() if count},
            notes=self._with_earlier("notes", [*notes(self.recipe, self.inputs, self.missing, extra, self.pruned), *wider]),
            warnings=self._with_earlier("warnings", [*warnings(self.sources[: self.inputs.mixed], any_change)]),
            networks=self.inputs.networks,
        )

    def _is_wanted(self, key: str) -> bool:
        if key.startswith(DROPPED):
            return False
        if self.recipe.options.prune and self.architecture.block_of(key) is None and key not in _KEPT_UNPRUNED:
            self.pruned += 1
            return False
        return True

    def _with_earlier(self, kind: str, own: Sequence[str]) -> tuple[str, ...]:
        """What the earlier steps' plans say, then what this one says, each sentence once."""
        earlier = [text for source in self.sources if source.plan for text in getattr(source.plan, kind)]
        return tuple(dict.fromkeys((*earlier, *own)))

    def _dtype(self, block: str | None, entry: TensorEntry) -> str:
        """Of the result; eight bits are only for what a block holds, a noise schedule would suffer."""
        everywhere = self.recipe.dtype
        component = "vae" if block == "VAE" else "text_encoders" if block in self.architecture.text_encoders else "unet"
        wanted = DTYPES[everywhere] if block is None else self.recipe.options.dtype_of(component, everywhere)
        if entry.dtype not in FLOAT_DTYPES or wanted is None or (block is None and DTYPE_BYTES[wanted] == 1):
            return entry.kept or entry.dtype
        return wanted

    def _step(self, key: str, entry: TensorEntry) -> Step:
        block = self.architecture.block_of(key)
        dtype = self._dtype(block, entry)
        whole = Step(key, block, dtype, entry.shape, (0,))
        if block is None or entry.dtype not in FLOAT_DTYPES or not entry.size_bytes:
            return whole
        donor = self.inputs.donors.get(block)
        if donor is not None:
            return replace(whole, sources=(donor,)) if donor and self._usable(donor, key, entry) else whole
        given = self._weights(key, block)
        wanted = any(given) and self.method.needs_all
        mixed = [(i, weight) for i, weight in enumerate(given, start=1) if (weight or wanted) and self._usable(i, key, entry)]
        if not mixed or (self.method.base and not self._usable(len(self.recipe.models), key, entry)):
            return whole
        if self.method.needs_all and len(mixed) < len(given):
            return whole
        alike = self.sources[mixed[0][0]].header.tensors[key].shape == entry.shape
        if self.method.copies_at_one and len(mixed) == 1 and mixed[0][1] == 1.0 and alike:
            return replace(whole, sources=(mixed[0][0],))
        parameters = {name: weights[block] for name, weights in self.parameters.items()}
        indices, weights = (0, *(i for i, _ in mixed)), tuple(weight for _, weight in mixed)
        return Step(key, block, dtype, entry.shape, indices, weights, parameters)

    def _changed(self, step: Step) -> Step:
        """The step with what is done beside mixing."""
        change, uses = self.changes.get(step.key, Change()), self.networks.get(step.key, ())
        inputs = self._common_inputs(step)
        if step.dtype not in FLOAT_DTYPES or (change == Change() and not uses and not inputs):
            return step
        if change.shift and step.shape != (len(change.shift),):
            raise RecipeError(
                "'{key}' holds {count} values where the colours of 'adjust' need {needed}; leave CONT, BRI and COL1 to "
                "COL3 out.",
                key=step.key,
                count=prod(step.shape),
                needed=len(change.shift),
            )
        return replace(step, change=replace(change, networks=tuple(uses), inputs=inputs))

    def _common_inputs(self, step: Step) -> int:
        """How many input channels all models of the step have, 0 where it is as many as A."""
        if step.key != _INPUT_LAYER or len(step.sources) == 1:
            return 0
        indices = (*step.sources, len(self.recipe.models)) if self.method.base else step.sources
        shapes = {self.sources[index].header.tensors[step.key].shape for index in indices}
        return 0 if shapes == {step.shape} else min(shape[1] for shape in shapes)

    def _weights(self, key: str, block: str) -> list[float]:
        weights = [of_block[block] for of_block in self.block_weights]
        for element in self.recipe.elements:
            if element.fits(key, block, self.architecture):
                weights[LETTERS.index(element.model or "b") - 1] = element.weight
        return weights

    def _usable(self, index: int, key: str, first: TensorEntry) -> bool:
        """Whether the model has a tensor for ``key`` that can be mixed; what keeps it from it is written down."""
        source = self.sources[index]
        entry = source.header.tensors.get(key)
        if entry is None or entry.dtype not in FLOAT_DTYPES:
            self.missing.setdefault(source.letter, []).append(key)
            return False
        is_wider = key == _INPUT_LAYER and len(entry.shape) == len(first.shape) == 4
        if entry.shape != first.shape and not (is_wider and _without_inputs(entry) == _without_inputs(first)):
            shapes = [("×".join(map(str, shape)) or say("a number")) for shape in (first.shape, entry.shape)]
            template = "'{key}' is {shape} in '{name}' and {other_shape} in '{other}'"
            names = {"name": self.sources[0].name, "other": source.name}
            self.mismatched.append(say(template, key=key, shape=shapes[0], other_shape=shapes[1], **names))
            return False
        return True


def _without_inputs(entry: TensorEntry) -> tuple[int, ...]:
    return entry.shape[:1] + entry.shape[2:]


def _spoken_inputs(step: Step) -> str:
    assert step.change is not None
    template = "Not all models have A's {count} input channels; the first {mixed} are mixed, others are A's."
    return say(template, count=step.shape[1], mixed=step.change.inputs)
