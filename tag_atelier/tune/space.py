"""The weights a search may choose, as points 0…1 within their bounds, and the recipe that a point means.

Used by ``tune.schedule`` and ``tune.study``. Loads without numpy and torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tag_atelier.errors import SpecError
from tag_atelier.merge.layout import Architecture
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.tune.study_spec import FIRST, SEARCHED, SpaceSpec, StudySpec

Point = tuple[float, ...]
"""One number per dimension, 0…1: low to high of its bounds; group by group, and in a group model by model."""

_ELEVEN = {
    "IN00-IN03": ("IN00-IN03",),
    "IN04-IN06": ("IN04-IN06",),
    "IN07": ("IN07",),
    "IN08": ("IN08",),
    "M00": ("M00",),
    "OUT00": ("OUT00",),
    "OUT01": ("OUT01",),
    "OUT02": ("OUT02",),
    "OUT03-OUT05": ("OUT03-OUT05",),
    "OUT06-OUT08": ("OUT06-OUT08",),
    "rest": ("TIME", "LABEL", "OUT"),
}
"""The groups that ConfusionXL's page names; SDXL only."""
_EIGHT = 8
_DECIMALS = 4
"""Of a weight in a recipe; finer than any effect, and short enough to read."""
_HALVINGS = 60


@dataclass(frozen=True)
class Group:
    """Blocks that share their weights."""

    name: str
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Dimension:
    """One searched weight."""

    group: Group
    model: int
    """Position in the study's models, ≥ 1."""
    low: float
    high: float

    @property
    def name(self) -> str:
        """Such as ``IN04-IN06:b``."""
        return f"{self.group.name}:{LETTERS[self.model]}"


class Space:
    """The weights of one stage of a study."""

    def __init__(self, spec: StudySpec, architecture: Architecture, grouping: str | Mapping[str, tuple[str, ...]]) -> None:
        """Lay out the groups of ``grouping``.

        Raises:
            SpecError: groups that overlap or do not fit the architecture, or bounds that no weights can meet.
            UnknownName: a block that the architecture has not.
        """
        self._spec, self._blocks = spec, architecture.blocks
        self._text = architecture.text_encoders
        self.sums_to_one = spec.method == "weighted_sum"
        self.groups = _groups(grouping, architecture, spec.space)
        self.dimensions = tuple(
            Dimension(group, model, *spec.space.bounds.get(group.name, (spec.space.low, spec.space.high)))
            for group in self.groups
            for model in range(1, len(spec.models))
        )
        unknown = sorted(set(spec.space.bounds) - {group.name for group in self.groups})
        if unknown and grouping == spec.space.groups:
            known = ", ".join(group.name for group in self.groups)
            raise SpecError("'space.bounds' names '{name}'; expected one of the groups: {known}.", name=unknown[0], known=known)
        self._check_bounds()

    def _check_bounds(self) -> None:
        """Raises SpecError where no weights of a group leave the first model a share within its bounds."""
        low, high = self._spec.space.rest
        for group in self.groups if self.sums_to_one else ():
            own = [each for each in self.dimensions if each.group is group]
            least, most = 1 - sum(each.high for each in own), 1 - sum(each.low for each in own)
            if most < low or least > high:
                raise SpecError(
                    "In the group '{group}' the bounds leave '{model}' a share of {least} to {most}, "
                    "but 'space.rest' wants {low} to {high}; widen one of the two.",
                    group=group.name,
                    model=self._spec.models[0],
                    least=f"{least:g}",
                    most=f"{most:g}",
                    low=f"{low:g}",
                    high=f"{high:g}",
                )

    def start(self) -> Point:
        """Where the search begins: every searched model at ``start``, else all models alike."""
        even = 1 / len(self._spec.models) if self.sums_to_one else 0.5
        wanted = even if self._spec.start is None else self._spec.start
        return self.repair([_fraction(wanted, each) for each in self.dimensions])

    def weights_of(self, point: Sequence[float]) -> tuple[float, ...]:
        """The weight of every dimension, rounded as in the recipe."""
        pairs = zip(point, self.dimensions, strict=True)
        return tuple(round(each.low + share * (each.high - each.low), _DECIMALS) for share, each in pairs)

    def repair(self, point: Sequence[float]) -> Point:
        """The nearest point within the bounds that leaves the first model a share within ``space.rest``."""
        weights = [each.low + share * (each.high - each.low) for share, each in zip(point, self.dimensions, strict=True)]
        lowest, highest = self._spec.space.rest
        if not self.sums_to_one:
            lowest, highest = -float("inf"), float("inf")
        width, found = len(self._spec.models) - 1, []
        for first in range(0, len(weights), width):
            own = self.dimensions[first : first + width]
            found += _project(weights[first : first + width], own, 1 - highest, 1 - lowest)
        return tuple(_fraction(weight, each) for weight, each in zip(found, self.dimensions, strict=True))

    def shares(self, point: Sequence[float]) -> dict[str, dict[str, float]]:
        """Model → group → weight, the first model's share included where weights sum to 1."""
        names = self._spec.models
        table: dict[str, dict[str, float]] = {name: {} for name in names}
        for weight, each in zip(self.weights_of(point), self.dimensions, strict=True):
            table[names[each.model]][each.group.name] = weight
        if self.sums_to_one:
            for group in self.groups:
                mixed = sum(table[name][group.name] for name in names[1:])
                table[names[0]][group.name] = round(1 - mixed, _DECIMALS)
        return {name: groups for name, groups in table.items() if groups}

    def penalty(self, point: Sequence[float]) -> float:
        """Lift taken off for negative weights, ≥ 0: the mean over searched blocks times ``negative_penalty``."""
        table = self.shares(point)
        size = {group.name: len(group.blocks) for group in self.groups}
        negative = sum(size[group] * max(0.0, -weight) for groups in table.values() for group, weight in groups.items())
        return self._spec.space.negative_penalty * negative / sum(size.values())

    def recipe(self, point: Sequence[float], name: str) -> Recipe:
        """The merge that the point means; what is not searched stays the first model's, or the one's that is named."""
        alphas: list[dict[str, float]] = [{} for _ in self._spec.models[1:]]
        for weight, each in zip(self.weights_of(point), self.dimensions, strict=True):
            alphas[each.model - 1].update(dict.fromkeys(each.group.blocks, weight))
        for part, blocks in ((self._text_encoders, self._text), (self._spec.space.vae, ("VAE",))):
            if part not in (FIRST, SEARCHED, self._spec.models[0]):
                alphas[self._spec.models.index(part) - 1].update(dict.fromkeys(blocks, 1.0))
        base = {} if self.sums_to_one else {"base": self._spec.base or self._spec.models[0]}
        models = {"models": list(self._spec.models), "method": self._spec.method}
        return Recipe.from_value({**models, **base, "alpha": alphas, "name": name})

    @property
    def _text_encoders(self) -> str:
        return FIRST if self._spec.space.keep_style else self._spec.space.text_encoders

    def finer(self, point: Sequence[float], coarse: Space) -> Point:
        """The same weights as ``point`` of the space ``coarse``, as a start in this one."""
        of_block = {
            (block, each.model): weight
            for weight, each in zip(coarse.weights_of(point), coarse.dimensions, strict=True)
            for block in each.group.blocks
        }
        start = zip(self.weights_of(self.start()), self.dimensions, strict=True)
        weights = [of_block.get((each.group.blocks[0], each.model), even) for even, each in start]
        return self.repair([_fraction(weight, each) for weight, each in zip(weights, self.dimensions, strict=True)])


def alone(models: Sequence[str], position: int) -> Recipe:
    """The first model made into ``models[position]``, VAE and text encoders and all, so that every parent is drawn alike."""
    other = models[max(1, position)]
    alpha: object = 0.0 if position == 0 else {"ALL": 1.0, "VAE": 1.0}
    return Recipe.from_value({"models": [models[0], other], "alpha": alpha, "name": models[position]})


def _groups(grouping: str | Mapping[str, tuple[str, ...]], architecture: Architecture, space: SpaceSpec) -> tuple[Group, ...]:
    named = _named(grouping, architecture) if isinstance(grouping, str) else dict(grouping)
    found = {name: tuple(block for each in blocks for block in architecture.expand(each)) for name, blocks in named.items()}
    for name, part, blocks in (("TEXT", space.text_encoders, architecture.text_encoders), ("VAE", space.vae, ("VAE",))):
        if part == SEARCHED and not any(set(blocks) & set(held) for held in found.values()):
            found[name] = blocks
    kept = {block for block in architecture.blocks if space.keep_style and (block.startswith(("OUT", "CLIP")))}
    seen: set[str] = set()
    for name, blocks in found.items():
        twice = [block for block in blocks if block in seen or blocks.count(block) > 1]
        if twice:
            sentence = "The block '{block}' is in two groups; expected each block in one at most."
            raise SpecError(sentence, block=twice[0])
        held = [block for block in blocks if block in architecture.text_encoders and space.text_encoders != SEARCHED]
        held += [block for block in blocks if block == "VAE" and space.vae != SEARCHED]
        if held:
            raise _held(name, held[0], space)
        seen |= set(blocks)
    left = [Group(name, tuple(block for block in blocks if block not in kept)) for name, blocks in found.items()]
    groups = tuple(group for group in left if group.blocks)
    if not groups:
        raise SpecError("No block is left to search; expected a group beside what is kept.")
    return groups


def _held(group: str, block: str, space: SpaceSpec) -> SpecError:
    if (space.vae if block == "VAE" else space.text_encoders) == FIRST:
        sentence = "The group '{group}' searches {block}, which is to stay the first model's; say 'searched' for it as well."
        return SpecError(sentence, group=group, block=block)
    sentence = "The group '{group}' searches {block}, which is to stay another model's; say 'searched' for it as well."
    return SpecError(sentence, group=group, block=block)


def _named(grouping: str, architecture: Architecture) -> dict[str, tuple[str, ...]]:
    unet = architecture.unet
    ends = (tuple(block for block in ("TIME", "LABEL") if block in architecture.blocks), ("OUT",))
    if grouping == "model":
        return {"UNET": ("UNET",)}
    if grouping == "eleven":
        if architecture.id != "sdxl":
            sentence = "The eleven groups are made for SDXL, not for {architecture}; expected eight or blocks."
            raise SpecError(sentence, architecture=architecture.title)
        return dict(_ELEVEN)
    if grouping == "blocks":
        return {**{block: (block,) for block in unet}, "rest": (*ends[0], *ends[1])}
    cuts = [round(i * len(unet) / _EIGHT) for i in range(_EIGHT + 1)]
    parts = [unet[cuts[i] : cuts[i + 1]] for i in range(_EIGHT)]
    found = {part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}": part for part in parts}
    first, last = next(iter(found)), list(found)[-1]
    return {**found, first: (*found[first], *ends[0]), last: (*found[last], *ends[1])}


def _fraction(weight: float, each: Dimension) -> float:
    if each.high <= each.low:
        return 0.0
    return min(1.0, max(0.0, (weight - each.low) / (each.high - each.low)))


def _project(weights: Sequence[float], own: Sequence[Dimension], least: float, most: float) -> list[float]:
    """The nearest weights within the bounds whose sum lies in ``least`` … ``most``: all moved alike, then clipped."""

    def moved(shift: float) -> list[float]:
        return [min(each.high, max(each.low, weight + shift)) for weight, each in zip(weights, own, strict=True)]

    total = sum(moved(0.0))
    if least <= total <= most:
        return moved(0.0)
    wanted = least if total < least else most
    reach = max(each.high - each.low for each in own) + max(abs(weight) for weight in weights) + 1
    low, high = -reach, reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(moved(middle)) < wanted else (low, middle)
    return moved((low + high) / 2)
