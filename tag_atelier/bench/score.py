"""What a stored run says: hits, false alarms, lift, ranks, and how checkpoints compare. Called by ``report`` and ``tune``.

Reads stored probabilities only, so another threshold or a new definition needs no sampling.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing

from tag_atelier.bench import stats
from tag_atelier.bench.keeping import Change, changes
from tag_atelier.bench.multi import CurvePoint, curve
from tag_atelier.bench.names import Label, label_of
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
    keeping: Interval | None = None
    """Mean share of the baseline's template tags that a tag leaves in the picture, resampled by tag."""
    came_unasked: Interval | None = None
    """Mean number of labels that come with a tag unasked."""

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
    scorer: str = ""
    """Identity of the tagger that these numbers come from."""
    labels: Mapping[str, Label] = dataclasses.field(default_factory=dict)
    """Tags that are looked for under another label."""
    seen: Mapping[str, Reading] = dataclasses.field(default_factory=dict)
    """What the tagger says of every cell, by cell key."""
    curve: tuple[CurvePoint, ...] = ()
    """Recall by number of tags; empty where every prompt has one."""

    @property
    def partial(self) -> bool:
        """Some cells are not drawn yet, or never will be."""
        return any(count for state, count in self.states.items() if state != "done")

    @property
    def ranked(self) -> list[CheckpointScore]:
        """Best first; ties in the plan's order."""
        return sorted(self.checkpoints, key=lambda item: -_or_zero(item.accuracy.value))


@dataclass(frozen=True)
class Reading:
    """What the tagger says of one picture."""

    asked: tuple[tuple[str, float], ...]
    """Tags under test that it has a label for, in the prompt's order, with their probabilities; proxies among them."""
    change: Change | None = None
    """Against the baseline; None for baselines and where there is none."""


def evaluate(store: Store, threshold: float | None = None, scorer: str = "") -> Evaluation:
    """Score the stored cells of a run, complete or not.

    Args:
        threshold: probability that counts as drawn; None takes the plan's own, declared before the run.
        scorer: identity of one of ``store.scorers()``; empty takes the plan's own.
    """
    return _Run(store, threshold, scorer).evaluation()


class _Run:
    """One run as one tagger saw it."""

    def __init__(self, store: Store, threshold: float | None, scorer: str) -> None:
        self.store, self.plan, self.cells = store, store.plan(), store.cells()
        manifest: Any = store.manifest()
        self.scorer = scorer or str(self.plan.get("scorer", ""))
        self.threshold = float(manifest.get("threshold", 0.35)) if threshold is None else threshold
        self.seeds = tuple(manifest.get("seeds", ()))
        self.planned: list[dict[str, Any]] = list(self.plan.get("tags", []))  # type: ignore[call-overload]
        labels = set(store.labels(self.scorer))
        self.label = {tag["name"]: label_of(tag["name"], labels, tag["implies"]) for tag in self.planned}
        self.known = [name for name, label in self.label.items() if label.name]
        self.scored = [name for name in self.known if self.label[name].status != "proxy"]
        # Two tags may share one label, so columns go by tag: shape (cells, known tags).
        self.probabilities = store.probabilities(
            self.scorer, [stored.cell.key for stored in self.cells], [self.label[name].name for name in self.known]
        )
        self.implied = {tag["name"]: {tag["name"], self.label[tag["name"]].name, *tag["implies"]} for tag in self.planned}

    def evaluation(self) -> Evaluation:
        """Everything a report shows in numbers."""
        changed = changes(self.store, self.scorer, self.cells, self.implied, self.threshold)
        seen = {stored.cell.key: self._reading(row, stored, changed) for row, stored in enumerate(self.cells)}
        listed: Any = self.plan.get("checkpoints", [])
        tables = [self._table(position) for position in range(len(listed))]
        scores = [tuple(table.score(name, self.seeds, self.threshold) for name in self.scored) for table in tables]
        slot_of = {tag["name"]: tag["slot"] for tag in self.planned}
        checkpoints = _checkpoints(self.plan, scores, slot_of, [_side_effects(table.cells, changed) for table in tables])
        pairs = pairs_of(checkpoints)
        counts = [stored.state for stored in self.cells]
        return Evaluation(
            threshold=self.threshold,
            seeds=self.seeds,
            scored=tuple(self.scored),
            unscored=tuple(name for name, label in self.label.items() if label.status in ("proxy", "unscored")),
            checkpoints=with_tiers(checkpoints, pairs),
            pairs=pairs,
            states={state: counts.count(state) for state in ("done", "planned", "rejected", "failed")},
            scorer=self.scorer,
            labels={name: label for name, label in self.label.items() if label.status in ("alias", "proxy")},
            seen=seen,
            curve=self._curve(checkpoints, tables),
        )

    def _reading(self, row: int, stored: StoredCell, changed: Mapping[str, Change]) -> Reading:
        values = {name: float(self.probabilities[row, column]) for column, name in enumerate(self.known)}
        asked = [(tag, values[tag]) for tag in stored.cell.tags if tag in values and math.isfinite(values[tag])]
        return Reading(tuple(asked) if stored.state == "done" else (), changed.get(stored.cell.key))

    def _table(self, position: int) -> _Table:
        rows = [row for row, stored in enumerate(self.cells) if stored.cell.checkpoint == position and stored.state == "done"]
        return _Table([self.cells[row] for row in rows], self.probabilities[rows], self.known, self.implied)

    def _curve(self, checkpoints: Sequence[CheckpointScore], tables: Sequence[_Table]) -> tuple[CurvePoint, ...]:
        if all(len(stored.cell.tags) < 2 for stored in self.cells):
            return ()
        points: list[CurvePoint] = []
        for item, table in zip(checkpoints, tables, strict=True):
            hits = table.hits(self.scored, self.threshold)
            points += curve(item.name, table.cells, hits, {tag.tag: tag.control_rate for tag in item.tags})
        return tuple(points)


class _Table:
    """The done cells of one checkpoint and their probabilities, shape (cells, known tags)."""

    def __init__(
        self,
        cells: Sequence[StoredCell],
        probabilities: numpy.typing.NDArray[numpy.float32],
        names: Sequence[str],
        implied: Mapping[str, set[str]],
    ) -> None:
        self.cells, self.probabilities = cells, probabilities
        self.column = {name: index for index, name in enumerate(names)}
        self.shows = [set().union(*(implied.get(tag, {tag}) for tag in stored.cell.tags)) for stored in cells]

    def score(self, tag: str, seeds: Sequence[int], threshold: float) -> TagScore:
        """One tag against all cells that have nothing to do with it."""
        values = self.probabilities[:, self.column[tag]]
        row_of = {stored.cell.seed: row for row, stored in enumerate(self.cells) if stored.cell.tags == (tag,)}
        own = [float(values[row_of[seed]]) if seed in row_of else math.nan for seed in seeds]
        together = [row for row, stored in enumerate(self.cells) if len(stored.cell.tags) > 1 and tag in stored.cell.tags]
        known = [value for value in [*own, *map(float, values[together])] if math.isfinite(value)]
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

    def hits(self, tags: Collection[str], threshold: float) -> dict[str, dict[str, bool]]:
        """By cell key and scored tag of its prompt: seen or not."""
        found: dict[str, dict[str, bool]] = {}
        for row, stored in enumerate(self.cells):
            values = {tag: self.probabilities[row, self.column[tag]] for tag in stored.cell.tags if tag in tags}
            found[stored.cell.key] = {tag: bool(value >= threshold) for tag, value in values.items() if numpy.isfinite(value)}
        return found


def _side_effects(cells: Sequence[StoredCell], changed: Mapping[str, Change]) -> tuple[Interval | None, Interval | None]:
    """Keeping and number of labels that came unasked: means over tags (or sets), the seeds of one taken together."""
    by_tags: dict[tuple[str, ...], list[Change]] = {}
    for stored in cells:
        if stored.cell.key in changed:
            by_tags.setdefault(stored.cell.tags, []).append(changed[stored.cell.key])
    if not by_tags:
        return None, None
    keeping = [_mean([item.keeping for item in found if item.keepable]) for found in by_tags.values()]
    came = [_mean([float(item.came) for item in found]) for found in by_tags.values()]
    return stats.mean_share(numpy.array(keeping, dtype=float)), stats.bootstrap_mean(numpy.array(came, dtype=float))


def _checkpoints(
    plan: dict[str, object],
    tables: Sequence[tuple[TagScore, ...]],
    slot_of: dict[str, str],
    effects: Sequence[tuple[Interval | None, Interval | None]],
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
                accuracy=accuracy_of(table),
                lift=stats.mean_difference(numpy.array([tag.lift for tag in table], dtype=float)),
                versus_others=stats.mean_difference(rates[position] - others.mean(axis=0)) if len(others) else None,
                by_slot={slot: accuracy_of([tag for tag in table if slot_of[tag.tag] == slot]) for slot in slots},
                tier=1,
                keeping=effects[position][0],
                came_unasked=effects[position][1],
            )
        )
    return tuple(found)


def accuracy_of(tags: Sequence[TagScore]) -> Interval:
    """Mean share of hits over ``tags`` with its interval: Wilson with one picture per tag, otherwise tags resampled."""
    if all(tag.drawn < 2 for tag in tags):
        return stats.wilson(sum(tag.hits for tag in tags), sum(tag.drawn for tag in tags))
    return stats.mean_share(numpy.array([tag.rate for tag in tags], dtype=float))


def pairs_of(checkpoints: Sequence[CheckpointScore]) -> tuple[Pair, ...]:
    """Every two of ``checkpoints``, whose tags are the same ones in the same order, compared tag by tag."""
    found = []
    for first, second in itertools.combinations(checkpoints, 2):
        differences = numpy.array([a.rate - b.rate for a, b in zip(first.tags, second.tags, strict=True)], dtype=float)
        differences = differences[numpy.isfinite(differences)]
        b, c = int((differences > 0).sum()), int((differences < 0).sum())
        whole = bool(numpy.isin(differences, (-1.0, 0.0, 1.0)).all())
        p = stats.mcnemar(b, c) if whole else stats.sign_flip(differences)
        found.append(Pair(first.name, second.name, stats.mean_difference(differences), b, c, p, math.nan))
    adjusted = stats.holm([pair.p for pair in found])
    return tuple(dataclasses.replace(pair, p_holm=p) for pair, p in zip(found, adjusted, strict=True))


def with_tiers(checkpoints: Sequence[CheckpointScore], pairs: Sequence[Pair]) -> tuple[CheckpointScore, ...]:
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


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0
