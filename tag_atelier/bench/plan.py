"""Turns a ``BenchSpec`` into cells: one picture each, with a key that is the hash of all that shapes it.

Every error of a plan is found here, before anything is drawn. Loads without numpy, torch and PIL.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tag_atelier.bench.choice import SkippedTag, chosen_tags
from tag_atelier.bench.directions import Direction, direction_of
from tag_atelier.bench.parameters import Setting, settings_of
from tag_atelier.bench.published import published
from tag_atelier.bench.sets import nested_sets
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.bench.tag_text import fill, prompt_form
from tag_atelier.errors import SpecError
from tag_atelier.language import Said
from tag_atelier.ports import Checkpoint, SamplingParameters
from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tag_atelier.prompt.slots import canonical
from tag_atelier.settings import DEFAULTS

KEY_VERSION = 1
"""Raised when the same inputs would no longer give the same picture."""
MAXIMUM_CELLS = 200_000
MAXIMUM_COLUMNS = 64
"""Checkpoints times settings; every pair of them is compared."""
BATCH_COUPLED_SAMPLERS = frozenset({"dpm adaptive"})
"""Samplers whose step size depends on the whole batch, so a cell would change with its neighbours."""
_BYTES_PER_PIXEL = 1.5
"""PNG level 1 of an anime picture, measured: 1.56 MB at 1024²."""


@dataclass(frozen=True)
class PlannedCheckpoint:
    """A checkpoint, the SHA-256 of its file (a remote host's short hash where it has no more), and how it is used."""

    checkpoint: Checkpoint
    identity: str
    setting: Setting | None = None
    """Its combination of the plan's axes; None before ``plan`` has laid them out."""

    @property
    def name(self) -> str:
        """What reports call it: the checkpoint's name, and what its setting differs in."""
        label = self.setting.label if self.setting is not None else ""
        return f"{self.checkpoint.name} · {label}" if label else self.checkpoint.name


@dataclass(frozen=True)
class PlannedTag:
    """One tag under test."""

    name: str
    """Canonical: lower case, underscores."""
    text: str
    """As the prompts spell it."""
    slot: str = "unknown"
    posts: int | None = None
    implies: tuple[str, ...] = ()
    """Broader tags that are in the picture wherever this one is."""
    title: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name in other languages, by language id."""
    direction: Direction = "people"
    """Where ConfusionXL's page would count it."""


@dataclass(frozen=True)
class Cell:
    """One picture to draw."""

    key: str
    """64 hex digits: SHA-256 of everything that shapes the image."""
    checkpoint: int
    """Position in ``Plan.checkpoints``."""
    tags: tuple[str, ...]
    """Canonical tags under test; empty for a baseline cell."""
    prompt: str
    negative: str
    seed: int


@dataclass(frozen=True)
class Plan:
    """All cells of a benchmark, in the order in which reports list them."""

    spec: BenchSpec
    checkpoints: tuple[PlannedCheckpoint, ...]
    tags: tuple[PlannedTag, ...]
    cells: tuple[Cell, ...]
    skipped: tuple[SkippedTag, ...]
    scorer_identity: str
    notes: tuple[Said, ...] = ()
    fitted: int = 0
    """The batch size that was found where the spec leaves it open; see ``with_batch_size``."""

    @property
    def batch_size(self) -> int:
        """Pictures that are drawn at once; 0 as long as it is open."""
        return self.spec.batch_size or self.fitted

    def parameters(self, position: int) -> SamplingParameters:
        """What the cells of ``checkpoints[position]`` are drawn with."""
        setting = self.checkpoints[position].setting
        return self.spec.parameters if setting is None else setting.parameters

    @property
    def estimate(self) -> dict[str, float | int]:
        """What the run costs and what it can show, known before it starts.

        ``resolvable_difference`` is the difference in accuracy (0…1) between two checkpoints that a paired test
        finds with 80 % power at 5 %, if one tag in five comes out differently on the two.
        """
        each = len(self.cells) // len(self.checkpoints)
        used = [self.parameters(position) for position in range(len(self.checkpoints))]
        return {
            "images": len(self.cells),
            "batches": len(self.checkpoints) * math.ceil(each / (self.batch_size or int(DEFAULTS["batch_size"]))),
            "checkpoint_loads": len({item.identity for item in self.checkpoints}),
            "megapixel_steps": round(each * sum(megapixel_steps(item) for item in used), 1),
            "disk_bytes": round(each * sum(_pixels(item) * _BYTES_PER_PIXEL for item in used)),
            "resolvable_difference": round(min(1.0, (1.96 + 0.8416) * math.sqrt(0.2 / len(self.tags))), 4),
        }

    def as_dict(self) -> dict[str, object]:
        """The plan as plain values, for page, HTTP and manifest; cells are counted, not listed."""
        return {
            "name": self.spec.name,
            "spec": self.spec.as_dict(),
            "checkpoints": [_as_plain(item) for item in self.checkpoints],
            "tags": [dataclasses.asdict(tag) for tag in self.tags],
            "skipped": [dataclasses.asdict(tag) for tag in self.skipped],
            "notes": list(self.notes),
            "remarks": [{"template": note.template, "values": note.values} for note in self.notes],
            "baseline": self.spec.baseline_prompt,
            "example_prompt": next(cell.prompt for cell in self.cells if cell.tags),
            "scorer": self.scorer_identity,
            "estimate": self.estimate,
        }


def plan(
    spec: BenchSpec,
    checkpoints: Sequence[PlannedCheckpoint],
    catalogue: Catalogue,
    scorer_identity: str,
    host_name: str = "",
) -> Plan:
    """Lay out every cell: checkpoints × settings × (baseline + tags or sets of tags) × seeds.

    Args:
        host_name: part of every key, since two hosts draw the same prompt differently.

    Raises:
        UnknownName: there are no verdicts of the name that the plan gives.
        SpecError: a tag that no prompt can hold, an empty rule, a sampler whose cells would depend on their neighbours.
    """
    _refuse_coupled_sampler(spec)
    if not checkpoints:
        raise SpecError("The plan has no checkpoint; expected at least one name under 'checkpoints'.")
    if spec.verdicts:
        published(spec.verdicts)
    names, skipped, notes = chosen_tags(spec, catalogue)
    tags = tuple(_planned_tag(name, spec, catalogue) for name in names)
    asked: list[tuple[str, ...]] = [(name,) for name in names]
    if spec.sets is not None:
        asked, short = nested_sets(names, {tag.name: tag.implies for tag in tags}, spec.sets)
        notes += short
    if not asked:
        raise SpecError("The {count} tags do not suffice for the smallest of 'sets.sizes'; name more tags.", count=len(names))
    settings = list(settings_of(spec.axes, spec.parameters))
    count = len(checkpoints) * len(settings) * (len(asked) + 1) * len(spec.seeds)
    if count > MAXIMUM_CELLS or len(checkpoints) * len(settings) > MAXIMUM_COLUMNS:
        raise SpecError(
            "The plan has {count} pictures of {columns} checkpoints and settings; expected at "
            "most {most} of {most_columns}: use fewer tags, seeds or axis values.",
            count=count,
            columns=len(checkpoints) * len(settings),
            most=MAXIMUM_CELLS,
            most_columns=MAXIMUM_COLUMNS,
        )
    columns = [dataclasses.replace(item, setting=setting) for item in checkpoints for setting in settings]
    text_of = {tag.name: tag.text for tag in tags}
    cells = [
        _cell(spec, position, column, [(name, text_of[name]) for name in together], seed, host_name)
        for position, column in enumerate(columns)
        for together in ((), *asked)
        for seed in spec.seeds
    ]
    _refuse_twins(cells, columns)
    return Plan(spec, tuple(columns), tags, tuple(cells), tuple(skipped), scorer_identity, tuple(notes))


def with_batch_size(plan: Plan, size: int, host_name: str) -> Plan:
    """``plan`` with the batch size that its spec leaves open, and the keys that go with it."""
    cells = []
    for cell in plan.cells:
        column = plan.checkpoints[cell.checkpoint]
        identity, parameters = column.identity or column.checkpoint.name, plan.parameters(cell.checkpoint)
        spec = dataclasses.replace(plan.spec, batch_size=size)
        cells.append(dataclasses.replace(cell, key=cell_key(spec, identity, cell.prompt, cell.seed, host_name, parameters)))
    return dataclasses.replace(plan, cells=tuple(cells), fitted=size)


def is_batch_coupled(spec: BenchSpec) -> bool:
    """Whether one of the plan's samplers must draw every picture alone."""
    return bool(_coupled_samplers(spec))


def _coupled_samplers(spec: BenchSpec) -> list[str]:
    used = [setting.parameters.sampler for setting in settings_of(spec.axes, spec.parameters)]
    return [name for name in used if name.lower() in BATCH_COUPLED_SAMPLERS]


def _refuse_coupled_sampler(spec: BenchSpec) -> None:
    if spec.batch_size <= 1:
        return
    for sampler in _coupled_samplers(spec):
        raise SpecError(
            "The sampler '{sampler}' chooses its steps from the whole batch, so a picture would depend on its "
            "neighbours; use another sampler or batch_size 1.",
            sampler=sampler,
        )


def _refuse_twins(cells: Sequence[Cell], checkpoints: Sequence[PlannedCheckpoint]) -> None:
    seen: dict[str, Cell] = {}
    for cell in cells:
        twin = seen.setdefault(cell.key, cell)
        if twin is cell:
            continue
        if twin.checkpoint != cell.checkpoint:
            one, other = (checkpoints[item.checkpoint].name for item in (twin, cell))
            sentence = "The checkpoints '{one}' and '{other}' are the same file; expected each one once."
            raise SpecError(sentence, one=one, other=other)
        sentence = "Two cells have the same prompt '{prompt}'; give a baseline without the tag."
        raise SpecError(sentence, prompt=cell.prompt[:80])


def _planned_tag(name: str, spec: BenchSpec, catalogue: Catalogue) -> PlannedTag:
    text = prompt_form(name, spec.escape)
    entry = catalogue.get(name)
    given = {canonical(tag): title for tag, title in spec.titles}
    chinese = given.get(canonical(name)) or (entry.zh if entry is not None else "")
    title = {"zh_CN": chinese} if chinese else {}
    if entry is None:
        slot = catalogue.slot(name).slot
        return PlannedTag(name, text, slot, title=title, direction=direction_of(name, slot))
    where = direction_of(name, entry.slot, entry.safe)
    return PlannedTag(name, text, entry.slot, entry.posts or None, _broader(entry, catalogue), title, where)


def _broader(entry: TagEntry, catalogue: Catalogue) -> tuple[str, ...]:
    found: list[str] = []
    waiting = [entry.broader]
    while waiting:
        name = canonical(waiting.pop())
        if name and name not in found and name != canonical(entry.name):
            found.append(name)
            parent = catalogue.get(name)
            waiting.extend([parent.broader] if parent is not None else [])
    return tuple(found)


def _cell(
    spec: BenchSpec,
    position: int,
    column: PlannedCheckpoint,
    tags: Sequence[tuple[str, str]],
    seed: int,
    host_name: str,
) -> Cell:
    prompt = fill(spec.template, ", ".join(text for _, text in tags)) if tags else spec.baseline_prompt
    parameters = spec.parameters
    if column.setting is not None:
        parameters = column.setting.parameters
        prompt = f"{prompt} {column.setting.network}".rstrip()
    key = cell_key(spec, column.identity or column.checkpoint.name, prompt, seed, host_name, parameters)
    return Cell(key, position, tuple(name for name, _ in tags), prompt, spec.negative, seed)


def cell_key(
    spec: BenchSpec,
    identity: str,
    prompt: str,
    seed: int,
    host_name: str = "",
    parameters: SamplingParameters | None = None,
) -> str:
    """SHA-256 (64 hex digits) of everything that shapes one image. Tags, tagger and threshold are not part of it.

    ``parameters`` None takes the plan's own.
    """
    shaping = {
        "version": KEY_VERSION,
        "host": host_name,
        "checkpoint": identity,
        "prompt": prompt,
        "negative": spec.negative,
        "seed": seed,
        "parameters": dataclasses.asdict(parameters or spec.parameters),
        "batch_size": spec.batch_size,
    }
    return hashlib.sha256(canonical_json(shaping).encode("utf-8")).hexdigest()


def _as_plain(item: PlannedCheckpoint) -> dict[str, object]:
    values = dict(item.setting.values) if item.setting is not None else {}
    own: dict[str, object] = {"checkpoint": item.checkpoint.name, "setting": values} if values else {}
    return {"name": item.name, "identity": item.identity, **own}


def _pixels(parameters: SamplingParameters) -> float:
    """Pixels of one finished picture."""
    scale = parameters.hires.scale**2 if parameters.hires else 1.0
    return parameters.width * parameters.height * scale


def megapixel_steps(parameters: SamplingParameters) -> float:
    """Work of one picture: a million pixels for one step is one."""
    first = parameters.width * parameters.height * parameters.steps
    second = _pixels(parameters) * parameters.hires.steps if parameters.hires else 0
    return (first + second) / 1e6


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
