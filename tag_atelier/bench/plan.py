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

from tag_atelier.bench.spec import BenchSpec, TagRule
from tag_atelier.bench.tag_text import fill, problem, prompt_form
from tag_atelier.errors import SpecError
from tag_atelier.ports import Checkpoint
from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tag_atelier.prompt.slots import canonical

KEY_VERSION = 1
"""Raised when the same inputs would no longer give the same picture."""
MAXIMUM_CELLS = 200_000
BATCH_COUPLED_SAMPLERS = frozenset({"dpm adaptive"})
"""Samplers whose step size depends on the whole batch, so a cell would change with its neighbours."""
_BYTES_PER_PIXEL = 1.5
"""PNG level 1 of an anime picture, measured: 1.56 MB at 1024²."""

"""The name under which ``tune.sweep`` asks for the catalogue's type."""


@dataclass(frozen=True)
class PlannedCheckpoint:
    """A checkpoint and the SHA-256 of its file (a remote host's short hash where it has no more)."""

    checkpoint: Checkpoint
    identity: str


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


@dataclass(frozen=True)
class SkippedTag:
    """A tag that is not drawn, and why."""

    name: str
    reason: str


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
    notes: tuple[str, ...] = ()

    @property
    def estimate(self) -> dict[str, float | int]:
        """What the run costs and what it can show, known before it starts.

        ``resolvable_difference`` is the difference in accuracy (0…1) between two checkpoints that a paired test
        finds with 80 % power at 5 %, if one tag in five comes out differently on the two.
        """
        parameters, images = self.spec.parameters, len(self.cells)
        hires = parameters.hires
        scale = hires.scale**2 if hires else 1.0
        pixels = parameters.width * parameters.height
        return {
            "images": images,
            "batches": len(self.checkpoints) * math.ceil(images / len(self.checkpoints) / self.spec.batch_size),
            "checkpoint_loads": len(self.checkpoints),
            "megapixel_steps": round(images * pixels * (parameters.steps + (hires.steps * scale if hires else 0)) / 1e6, 1),
            "disk_bytes": round(images * pixels * scale * _BYTES_PER_PIXEL),
            "resolvable_difference": round(min(1.0, (1.96 + 0.8416) * math.sqrt(0.2 / len(self.tags))), 4),
        }

    def as_dict(self) -> dict[str, object]:
        """The plan as plain values, for page, HTTP and manifest; cells are counted, not listed."""
        return {
            "name": self.spec.name,
            "spec": self.spec.as_dict(),
            "checkpoints": [{"name": item.checkpoint.name, "identity": item.identity} for item in self.checkpoints],
            "tags": [dataclasses.asdict(tag) for tag in self.tags],
            "skipped": [dataclasses.asdict(tag) for tag in self.skipped],
            "notes": list(self.notes),
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
    """Lay out every cell: checkpoints × (baseline + tags) × seeds.

    Args:
        host_name: part of every key, since two hosts draw the same prompt differently.

    Raises:
        SpecError: a tag that no prompt can hold, an empty rule, a sampler whose cells would depend on their neighbours.
    """
    _refuse_coupled_sampler(spec)
    if not checkpoints:
        raise SpecError("The plan has no checkpoint; expected at least one name under 'checkpoints'.")
    names, skipped, notes = _chosen_tags(spec, catalogue)
    tags = tuple(_planned_tag(name, spec, catalogue) for name in names)
    count = len(checkpoints) * (len(tags) + 1) * len(spec.seeds)
    if count > MAXIMUM_CELLS:
        raise SpecError(f"The plan has {count} pictures; expected at most {MAXIMUM_CELLS}: use fewer tags or seeds.")
    cells = [
        _cell(spec, position, planned, tag, seed, host_name)
        for position, planned in enumerate(checkpoints)
        for tag in (None, *tags)
        for seed in spec.seeds
    ]
    _refuse_twins(cells, checkpoints)
    return Plan(spec, tuple(checkpoints), tags, tuple(cells), tuple(skipped), scorer_identity, tuple(notes))


def _refuse_coupled_sampler(spec: BenchSpec) -> None:
    sampler = spec.parameters.sampler
    if spec.batch_size > 1 and sampler.lower() in BATCH_COUPLED_SAMPLERS:
        raise SpecError(
            f"The sampler '{sampler}' chooses its steps from the whole batch, so a picture would depend on its "
            "neighbours; use another sampler or batch_size 1."
        )


def _refuse_twins(cells: Sequence[Cell], checkpoints: Sequence[PlannedCheckpoint]) -> None:
    seen: dict[str, Cell] = {}
    for cell in cells:
        twin = seen.setdefault(cell.key, cell)
        if twin is cell:
            continue
        if twin.checkpoint != cell.checkpoint:
            one, other = (checkpoints[item.checkpoint].checkpoint.name for item in (twin, cell))
            raise SpecError(f"The checkpoints '{one}' and '{other}' are the same file; expected each one once.")
        raise SpecError(f"Two cells have the same prompt '{cell.prompt[:80]}'; give a baseline without the tag.")


def _chosen_tags(spec: BenchSpec, catalogue: Catalogue) -> tuple[list[str], list[SkippedTag], list[str]]:
    if spec.rule is not None:
        return _by_rule(spec.rule, catalogue)
    chosen: list[str] = []
    skipped: list[SkippedTag] = []
    for written in spec.tags:
        reason = problem(written)
        if reason:
            raise SpecError(f"The tag '{written}' cannot be tested: {reason}; expected one tag as booru sites name it.")
        name = canonical(written)
        if name in chosen:
            skipped.append(SkippedTag(name, "listed twice"))
        else:
            chosen.append(name)
    return chosen, skipped, []


def _by_rule(rule: TagRule, catalogue: Catalogue) -> tuple[list[str], list[SkippedTag], list[str]]:
    """Most used first, strictly below the limit; where too few are rare, the rest comes from the head, and is noted."""
    entries = [entry for entry in catalogue.entries.values() if entry.slot == rule.slot]
    entries.sort(key=lambda entry: (-entry.posts, entry.name))
    if not entries:
        raise SpecError(f"The catalogue has no tag in the slot '{rule.slot}'; expected a slot id such as action or clothing.")
    rare: list[str] = []
    skipped: list[SkippedTag] = []
    for entry in entries:
        reason = _rule_reason(entry, rule)
        if entry.posts < rule.posts_below and len(rare) < rule.take:
            skipped.extend([SkippedTag(entry.name, reason)] if reason else [])
            rare.extend([] if reason else [entry.name])
    head = [entry.name for entry in entries if entry.posts >= rule.posts_below and not _rule_reason(entry, rule)]
    chosen = rare + head[: rule.take - len(rare)]
    if not chosen:
        raise SpecError(f"No tag of the slot '{rule.slot}' fits the rule; allow more with 'safe' or 'one_person'.")
    notes = []
    if len(rare) < rule.take:
        notes.append(
            f"Only {len(rare)} tags of the slot '{rule.slot}' have fewer than {rule.posts_below} posts; "
            f"{len(chosen) - len(rare)} more come from its most used ones."
        )
    return chosen, skipped, notes


def _rule_reason(entry: TagEntry, rule: TagRule) -> str:
    if rule.safe and not entry.safe:
        return "sensitive"
    if rule.one_person and not entry.one_person:
        return "needs a second person"
    if not entry.posts:
        return "its number of posts is not known"
    return problem(entry.name)


def _planned_tag(name: str, spec: BenchSpec, catalogue: Catalogue) -> PlannedTag:
    text = prompt_form(name, spec.escape)
    entry = catalogue.get(name)
    if entry is None:
        return PlannedTag(name, text, catalogue.slot(name).slot)
    title = {"zh_CN": entry.zh} if entry.zh else {}
    return PlannedTag(name, text, entry.slot, entry.posts or None, _broader(entry, catalogue), title)


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
    spec: BenchSpec, position: int, planned: PlannedCheckpoint, tag: PlannedTag | None, seed: int, host_name: str
) -> Cell:
    prompt = spec.baseline_prompt if tag is None else fill(spec.template, tag.text)
    key = cell_key(spec, planned.identity or planned.checkpoint.name, prompt, seed, host_name)
    return Cell(key, position, () if tag is None else (tag.name,), prompt, spec.negative, seed)


def cell_key(spec: BenchSpec, identity: str, prompt: str, seed: int, host_name: str = "") -> str:
    """SHA-256 (64 hex digits) of everything that shapes one image. Tags, tagger and threshold are not part of it."""
    shaping = {
        "version": KEY_VERSION,
        "host": host_name,
        "checkpoint": identity,
        "prompt": prompt,
        "negative": spec.negative,
        "seed": seed,
        "parameters": dataclasses.asdict(spec.parameters),
        "batch_size": spec.batch_size,
    }
    return hashlib.sha256(canonical_json(shaping).encode("utf-8")).hexdigest()


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
