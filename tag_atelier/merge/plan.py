"""From a recipe and the headers of its files to the list of steps; every error of a merge is found here.

Called by jobs and the command line; stream and live carry the plan out. Reads no tensor and does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path

from tag_atelier.errors import CheckpointError, RecipeError
from tag_atelier.merge.adjust import Change, changes
from tag_atelier.merge.header import DTYPE_BYTES, FLOAT_DTYPES, Header, TensorEntry, read_header
from tag_atelier.merge.layout import Architecture, recognise
from tag_atelier.merge.methods import METHODS, Method
from tag_atelier.merge.options import DTYPES
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.merge.steps import result_header

_DROPPED = "model_ema."
_EXAMPLES = 5
_PREDICTION_MARKS = ("v_pred", "ztsnr")


@dataclass(frozen=True)
class Source:
    """One model of the recipe, its file opened as far as its header."""

    name: str
    letter: str
    """a, b, c … or ``base``."""
    header: Header
    sha256: str | None = None
    """Where the host knows it already; a merge does not hash its sources."""
    plan: MergePlan | None = None
    """What makes it, where it is the result of an earlier step and no file."""

    def check_unchanged(self) -> None:
        """Raises CheckpointError when its file, or one of those it is made of, has changed."""
        if self.plan is not None:
            self.plan.check_sources()
        else:
            self.header.check_unchanged()


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
    """The recipe's models in order, then the base where there is one."""
    steps: tuple[Step, ...]
    block_weights: tuple[Mapping[str, float], ...]
    """Per model after A: block → weight."""
    missing: Mapping[str, tuple[str, ...]]
    """Letter → A's keys that this model lacks although they would have been mixed; A's tensors are kept."""
    extra: Mapping[str, int]
    """Letter → how many keys of it A does not have; they are left out."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

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
        return sum(self.sources[index].header.tensors[step.key].size_bytes for index in indices)

    def check_sources(self) -> None:
        """Raises CheckpointError when a source has changed since the plan was made."""
        for source in self.sources:
            source.check_unchanged()

    @property
    def files(self) -> tuple[Source, ...]:
        """Every source that is a file, also of earlier steps, each file once; the first is the one everything starts from."""
        found = [file for source in self.sources for file in (source.plan.files if source.plan else (source,))]
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
                for source in self.sources
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


def plan(recipe: Recipe, resolve: Callable[[str], Path], known_hash: Callable[[str], str | None] | None = None) -> MergePlan:
    """The steps that carry ``recipe`` out on the files that ``resolve`` finds by the recipe's names.

    ``known_hash`` gives a model's SHA-256 where it is known already, for the metadata of the result.

    Raises:
        UnknownName: there is no such model (from ``resolve``), or no such block in this architecture.
        CheckpointError: a file is pickled, truncated, of another architecture, or its tensors have other shapes.
        RecipeError: the weights do not fit the architecture.
    """
    made: dict[str, MergePlan] = {}

    def source(name: str, letter: str) -> Source:
        if name in made:
            return Source(name, letter, result_header(made[name]), plan=made[name])
        return Source(name, letter, read_header(resolve(name)), known_hash(name) if known_hash else None)

    for each in (*recipe.steps, recipe):
        sources = tuple(source(name, each.letter_of(i)) for i, name in enumerate(each.inputs))
        made[each.name if each is not recipe else ""] = _Planner(each, _same_architecture(sources), sources).plan()
    return made[""]


def _same_architecture(sources: Sequence[Source]) -> Architecture:
    found = [recognise(source.header.tensors, source.header.path.name) for source in sources]
    for source, architecture in zip(sources, found, strict=True):
        if architecture.id != found[0].id:
            raise CheckpointError(
                f"'{sources[0].name}' is {found[0].title} but '{source.name}' is {architecture.title}; "
                "only checkpoints of one architecture can be merged."
            )
    return found[0]


class _Planner:
    """Collects what is found on the way from the recipe to the steps."""

    def __init__(self, recipe: Recipe, architecture: Architecture, sources: tuple[Source, ...]) -> None:
        self.recipe = recipe
        self.method = METHODS[recipe.method]
        self.architecture = architecture
        self.sources = sources
        self.headers = [source.header.tensors for source in sources]
        self.block_weights = tuple(weights.resolve(architecture) for weights in recipe.weights)
        self.parameters = {name: weights.resolve(architecture) for name, weights in recipe.parameters}
        self._check_ranges()
        self.changes = changes(recipe.adjust, architecture.id)
        self.missing: dict[str, list[str]] = {}
        self.mismatched: list[str] = []

    def _check_ranges(self) -> None:
        """Every weight and parameter lies where the method makes sense of it."""
        low, high = self.method.weight_range
        weights = [weight for of_block in self.block_weights for weight in of_block.values()]
        weights += [element.weight for element in self.recipe.elements]
        checks = [("A weight", value, low, high) for value in weights]
        for parameter in self.method.parameters:
            values = self.parameters[parameter.name].values()
            checks += [(f"'{parameter.name}'", value, parameter.minimum, parameter.maximum) for value in values]
        for what, value, minimum, maximum in checks:
            if not minimum <= value <= maximum:
                raise RecipeError(
                    f"{what} is {value:g}; '{self.method.name}' expects a number from {minimum:g} to {maximum:g}."
                )

    def plan(self) -> MergePlan:
        first = self.headers[0]
        steps = [self._adjusted(self._step(key, entry)) for key, entry in first.items() if not key.startswith(_DROPPED)]
        if self.mismatched:
            raise CheckpointError(
                f"{self.mismatched[0]}, so they cannot be mixed ({len(self.mismatched)} such tensors); "
                "give these blocks weight 0 or choose models of one kind (inpainting models have wider inputs)."
            )
        steps.sort(key=lambda step: -DTYPE_BYTES[step.dtype])
        extra = {
            source.letter: sum(key not in first and not key.startswith(_DROPPED) for key in source.header.tensors)
            for source in self.sources[1:]
        }
        return MergePlan(
            recipe=self.recipe,
            method=self.method,
            architecture=self.architecture,
            sources=self.sources,
            steps=tuple(steps),
            block_weights=self.block_weights,
            missing={letter: tuple(keys) for letter, keys in self.missing.items()},
            extra={letter: count for letter, count in extra.items() if count},
            notes=self._with_earlier("notes", self._notes(extra)),
            warnings=self._with_earlier("warnings", self._warnings(steps)),
        )

    def _with_earlier(self, kind: str, own: Sequence[str]) -> tuple[str, ...]:
        """What the earlier steps' plans say, then what this one says, each sentence once."""
        earlier = [text for source in self.sources if source.plan for text in getattr(source.plan, kind)]
        return tuple(dict.fromkeys((*earlier, *own)))

    def _step(self, key: str, entry: TensorEntry) -> Step:
        block = self.architecture.block_of(key)
        is_float = entry.dtype in FLOAT_DTYPES
        dtype = (DTYPES[self.recipe.dtype] if is_float else None) or entry.kept or entry.dtype
        whole = Step(key, block, dtype, entry.shape, (0,))
        if block is None or not is_float or not entry.size_bytes:
            return whole
        if block == "VAE" and self.recipe.vae is not None:
            donor = LETTERS.index(self.recipe.vae)
            return Step(key, block, dtype, entry.shape, (donor,)) if self._usable(donor, key, entry) else whole
        given = self._weights(key, block)
        wanted = any(given) and self.method.needs_all
        mixed = [(i, weight) for i, weight in enumerate(given, start=1) if (weight or wanted) and self._usable(i, key, entry)]
        if not mixed or (self.method.base and not self._usable(len(self.recipe.models), key, entry)):
            return whole
        if self.method.needs_all and len(mixed) < len(given):
            return whole
        if self.method.copies_at_one and len(mixed) == 1 and mixed[0][1] == 1.0:
            return Step(key, block, dtype, entry.shape, (mixed[0][0],))
        parameters = {name: weights[block] for name, weights in self.parameters.items()}
        indices, weights = (0, *(i for i, _ in mixed)), tuple(weight for _, weight in mixed)
        return Step(key, block, dtype, entry.shape, indices, weights, parameters)

    def _adjusted(self, step: Step) -> Step:
        change = self.changes.get(step.key)
        if change is None or step.dtype not in FLOAT_DTYPES:
            return step
        if change.shift and step.shape != (len(change.shift),):
            raise RecipeError(
                f"'{step.key}' holds {prod(step.shape)} values where the colours of 'adjust' need {len(change.shift)}; "
                "leave CONT, BRI and COL1 to COL3 out."
            )
        return replace(step, change=change)

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
        if entry.shape != first.shape:
            shapes = [("×".join(map(str, shape)) or "a number") for shape in (first.shape, entry.shape)]
            self.mismatched.append(f"'{key}' is {shapes[0]} in '{self.sources[0].name}' and {shapes[1]} in '{source.name}'")
            return False
        return True

    def _notes(self, extra: Mapping[str, int]) -> list[str]:
        notes = []
        dropped = sum(key.startswith(_DROPPED) for key in self.headers[0])
        if dropped:
            notes.append(f"{dropped} EMA tensors of '{self.sources[0].name}' are left out; they are only used in training.")
        for source in self.sources[1:]:
            if source.letter in self.missing:
                keys = self.missing[source.letter]
                notes.append(f"'{source.name}' lacks {len(keys)} tensors such as '{keys[0]}'; A's are kept.")
            if extra[source.letter]:
                notes.append(f"{extra[source.letter]} tensors of '{source.name}' that A does not have are left out.")
        if any(weights.line is not None for weights in self.recipe.weights):
            layouts = sorted({weights.layout or "" for weights in self.recipe.weights if weights.line is not None})
            notes.append(f"The line of numbers is read as {', '.join(layouts)} means it.")
        if self.recipe.vae is None and any(weights["VAE"] for weights in self.block_weights):
            notes.append("The VAE is merged too; 'options: {vae: a}' keeps A's.")
        return notes

    def _warnings(self, steps: Sequence[Step]) -> list[str]:
        warnings = []
        marks = [{mark for mark in _PREDICTION_MARKS if mark in header} for header in self.headers]
        for source, found in zip(self.sources[1:], marks[1:], strict=True):
            if found != marks[0]:
                warnings.append(
                    f"'{self.sources[0].name}' is marked {_marks(marks[0])} and '{source.name}' {_marks(found)}; "
                    "mixing v-prediction with other models gives noise. The result keeps A's marks."
                )
        if marks[0]:
            warnings.append(f"The result is marked {_marks(marks[0])}; WebUI 1.10 also needs A's .yaml beside it to know.")
        inside = self.sources[0].plan
        if not any(step.changed for step in steps) and not (inside is not None and inside.changed_keys):
            warnings.append("No tensor changes: every weight is 0, so the result is A itself.")
        return warnings


def _marks(marks: set[str]) -> str:
    return " and ".join(sorted(marks)) or "for noise prediction"
