"""What a stored run says: hits, false alarms, lift, ranks, and how checkpoints compare. Called by ``report`` and ``tune``.

Reads stored probabilities only, so another threshold or a new definition needs no sampling.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing

from tag_atelier.bench import stats
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import Store, StoredCell

SIGNIFICANT = 0.05
TELLS_NOTHING = 0.5
"""From this false-alarm rate on a tag is there unasked; its hits say little, and the report marks it."""


@dataclass(frozen=True)
class TagScore:
    """One scored tag on one checkpoint."""

    tag: str
    probabilities: tuple[float | None, ...]
    """One per seed; None where the cell is not drawn."""
    drawn: int
    hits: int
    controls: int
    """Other pictures of the same checkpoint that neither ask for the tag nor imply it."""
    false_alarms: int
    ranks: tuple[int, ...]
    """Per drawn cell: its place by this tag's probability among itself and the controls; 1 is best."""

    @property
    def rate(self) -> float:
        """Share of hits, 0…1; NaN where nothing is drawn."""
        return self.hits / self.drawn if self.drawn else math.nan

    @property
    def control_rate(self) -> float:
        """Share of controls in which the tagger sees the tag all the same; NaN without controls."""
        return self.false_alarms / self.controls if self.controls else math.nan

    @property
    def lift(self) -> float:
        """Hits beyond what comes unasked, −1…1."""
        return self.rate - self.control_rate


@dataclass(frozen=True)
class CheckpointScore:
    """One checkpoint over all scored tags."""

    name: str
    identity: str
    tags: tuple[TagScore, ...]
    accuracy: Interval
    """Mean share of hits over tags. Wilson with one seed; resampled tags with several, as seeds of a tag belong together."""
    lift: Interval
    """Mean lift over tags, resampled by tag."""
    versus_others: Interval | None
    """Mean difference from the other checkpoints' mean, tag by tag; None where it is alone."""
    by_slot: dict[str, Interval]
    tier: int
    """1 is best; checkpoints of one tier are not separable."""

    @property
    def hits(self) -> int:
        """Cells in which the tag is seen."""
        return sum(tag.hits for tag in self.tags)

    @property
    def drawn(self) -> int:
        """Cells that count: drawn, valid, and of a tag the tagger knows."""
        return sum(tag.drawn for tag in self.tags)

    @property
    def control_rate(self) -> float:
        """Mean false-alarm rate over tags."""
        rates = [tag.control_rate for tag in self.tags if tag.controls]
        return sum(rates) / len(rates) if rates else math.nan

    @property
    def first_ranks(self) -> Interval:
        """Share of cells that rank first for their own tag, with its Wilson interval; needs no threshold."""
        ranks = [rank for tag in self.tags for rank in tag.ranks]
        return stats.wilson(sum(rank == 1 for rank in ranks), len(ranks))


@dataclass(frozen=True)
class Pair:
    """Two checkpoints on the same tags and seeds."""

    first: str
    second: str
    difference: Interval
    only_first: int
    only_second: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class Evaluation:
    """Everything a report shows in numbers."""

    threshold: float
    seeds: tuple[int, ...]
    scored: tuple[str, ...]
    unscored: tuple[str, ...]
    """Tags that the tagger has no label for: drawn and shown, outside every denominator."""
    checkpoints: tuple[CheckpointScore, ...]
    """In the plan's order."""
    pairs: tuple[Pair, ...]
    states: dict[str, int]
    """Number of cells by state."""

    @property
    def partial(self) -> bool:
        """Some cells are not drawn yet, or never will be."""
        return any(count for state, count in self.states.items() if state != "done")

    @property
    def ranked(self) -> list[CheckpointScore]:
        """Best first; ties in the plan's order."""
        return sorted(self.checkpoints, key=lambda item: -_or_zero(item.accuracy.value))


def evaluate(store: Store, threshold: float | None = None) -> Evaluation:
    """Score the stored cells of a run, complete or not.

    Args:
        threshold: probability that counts as drawn; None takes the plan's own, declared before the run.
    """
    plan, cells = store.plan(), store.cells()
    manifest: Any = store.manifest()
    limit = float(manifest.get("threshold", 0.35)) if threshold is None else threshold
    seeds = tuple(manifest.get("seeds", ()))
    labels = set(store.labels(str(plan.get("scorer", ""))))
    planned: list[dict[str, Any]] = list(plan.get("tags", []))  # type: ignore[call-overload]
    scored = [tag for tag in planned if tag["name"] in labels]
    names = [tag["name"] for tag in scored]
    probabilities = store.probabilities(str(plan.get("scorer", "")), [stored.cell.key for stored in cells], names)
    tables = []
    for position in range(len(plan.get("checkpoints", []))):  # type: ignore[arg-type]
        rows = [row for row, stored in enumerate(cells) if stored.cell.checkpoint == position and stored.state == "done"]
        table = _Table([cells[row] for row in rows], probabilities[rows], names, planned)
        tables.append(tuple(table.score(column, seeds, limit) for column in range(len(names))))
    checkpoints = _checkpoints(plan, tables, {tag["name"]: tag["slot"] for tag in scored}, len(seeds))
    pairs = _pairs(checkpoints)
    counts = [stored.state for stored in cells]
    return Evaluation(
        threshold=limit,
        seeds=seeds,
        scored=tuple(names),
        unscored=tuple(tag["name"] for tag in planned if tag["name"] not in labels),
        checkpoints=_with_tiers(checkpoints, pairs),
        pairs=pairs,
        states={state: counts.count(state) for state in ("done", "planned", "rejected", "failed")},
    )


class _Table:
    """The done cells of one checkpoint and their probabilities, shape (cells, scored tags)."""

    def __init__(
        self,
        cells: Sequence[StoredCell],
        probabilities: numpy.typing.NDArray[numpy.float32],
        names: Sequence[str],
        planned: Sequence[dict[str, Any]],
    ) -> None:
        implied = {tag["name"]: {tag["name"], *tag["implies"]} for tag in planned}
        self.cells, self.probabilities, self.names = cells, probabilities, names
        self.shows = [set().union(*(implied.get(tag, {tag}) for tag in stored.cell.tags)) for stored in cells]

    def score(self, column: int, seeds: Sequence[int], threshold: float) -> TagScore:
        """The tag of ``column`` against all cells that have nothing to do with it."""
        tag, values = self.names[column], self.probabilities[:, column]
        row_of = {stored.cell.seed: row for row, stored in enumerate(self.cells) if stored.cell.tags == (tag,)}
        own = [float(values[row_of[seed]]) if seed in row_of else math.nan for seed in seeds]
        known = [value for value in own if math.isfinite(value)]
        free = numpy.array([tag not in shown for shown in self.shows], dtype=bool)
        controls = values[free] if len(values) else values
        controls = controls[numpy.isfinite(controls)]
        return TagScore(
            tag=tag,
            probabilities=tuple(value if math.isfinite(value) else None for value in own),
            drawn=len(known),
            hits=sum(value >= threshold for value in known),
            controls=len(controls),
            false_alarms=int((controls >= threshold).sum()),
            ranks=tuple(1 + int((controls >= value).sum()) for value in known),
        )


def _checkpoints(
    plan: dict[str, object], tables: Sequence[tuple[TagScore, ...]], slot_of: dict[str, str], seeds: int
) -> tuple[CheckpointScore, ...]:
    listed: Any = plan.get("checkpoints", [])
    if not tables:
        return ()
    rates = numpy.array([[tag.rate for tag in table] for table in tables], dtype=float)  # (checkpoints, tags)
    found = []
    for position, (entry, table) in enumerate(zip(listed, tables, strict=True)):
        others = numpy.delete(rates, position, axis=0)
        slots = sorted({slot_of[tag.tag] for tag in table})
        found.append(
            CheckpointScore(
                name=entry["name"],
                identity=entry["identity"],
                tags=table,
                accuracy=_accuracy(table, seeds),
                lift=stats.bootstrap_mean(numpy.array([tag.lift for tag in table], dtype=float)),
                versus_others=stats.bootstrap_mean(rates[position] - others.mean(axis=0)) if len(others) else None,
                by_slot={slot: _accuracy([tag for tag in table if slot_of[tag.tag] == slot], seeds) for slot in slots},
                tier=1,
            )
        )
    return tuple(found)


def _accuracy(tags: Sequence[TagScore], seeds: int) -> Interval:
    if seeds == 1:
        return stats.wilson(sum(tag.hits for tag in tags), sum(tag.drawn for tag in tags))
    return stats.bootstrap_mean(numpy.array([tag.rate for tag in tags], dtype=float))


def _pairs(checkpoints: Sequence[CheckpointScore]) -> tuple[Pair, ...]:
    found = []
    for first, second in itertools.combinations(checkpoints, 2):
        differences = numpy.array([a.rate - b.rate for a, b in zip(first.tags, second.tags, strict=True)], dtype=float)
        differences = differences[numpy.isfinite(differences)]
        b, c = int((differences > 0).sum()), int((differences < 0).sum())
        whole = bool(numpy.isin(differences, (-1.0, 0.0, 1.0)).all())
        p = stats.mcnemar(b, c) if whole else stats.sign_flip(differences)
        found.append(Pair(first.name, second.name, stats.bootstrap_mean(differences), b, c, p, math.nan))
    adjusted = stats.holm([pair.p for pair in found])
    return tuple(dataclasses.replace(pair, p_holm=p) for pair, p in zip(found, adjusted, strict=True))


def _with_tiers(checkpoints: Sequence[CheckpointScore], pairs: Sequence[Pair]) -> tuple[CheckpointScore, ...]:
    """A new tier begins at the first checkpoint that is separable from the best of the tier above."""
    p_of = {frozenset((pair.first, pair.second)): pair.p_holm for pair in pairs}
    tier, leader = 1, ""
    tier_of: dict[str, int] = {}
    for item in sorted(checkpoints, key=lambda item: -_or_zero(item.accuracy.value)):
        if leader and p_of[frozenset((leader, item.name))] < SIGNIFICANT:
            tier, leader = tier + 1, item.name
        leader = leader or item.name
        tier_of[item.name] = tier
    return tuple(dataclasses.replace(item, tier=tier_of[item.name]) for item in checkpoints)


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0
