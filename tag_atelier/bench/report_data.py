"""What every form of the report shows: the run's values and its sentences in one language. Used by ``bench.report*``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tag_atelier.bench.deviation import Deviation, deviations
from tag_atelier.bench.diversity import Diversity
from tag_atelier.bench.multi import CurvePoint, headline_point
from tag_atelier.bench.published import Published
from tag_atelier.bench.score import CheckpointScore, Evaluation, TagScore
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import StoredCell
from tag_atelier.bench.verdicts import Verdict
from tag_atelier.language import Language, found_again, sentence, tell
from tag_atelier.prompt.lanes import SLOT_NAMES

DASH = "–"
Outcome = Literal["hit", "some", "miss", "none"]


class Mark(NamedTuple):
    """How one picture is marked."""

    verdict: Outcome
    text: str
    value: float = -1.0
    """Distance from the threshold, 0…1; −1 where nothing is scored."""


@dataclass(frozen=True)
class Passage:
    """A text that stands before the numbers, such as the recipe of a merge under test."""

    title: str
    """English; shown in the report's language."""
    text: str
    """Shown as it is, line by line."""


@dataclass(frozen=True)
class ReportData:
    """One run, read once, for HTML, Markdown, CSV and JSON alike."""

    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]
    evaluation: Evaluation
    cells: Sequence[StoredCell]
    language: Language
    images: str
    """Address of the folder of full pictures, ending in a slash; empty where the report lies elsewhere."""
    picture: Callable[[StoredCell], str]
    """Address of a cell's small picture: a data URI, or a path beside the report; empty where there is none."""
    passages: Sequence[Passage] = ()
    mosaic: str = ""
    """Address of the picture of the best characters; empty where there is none."""
    self_test: Mapping[str, Any] = field(default_factory=dict)
    """What ``self_test.result`` gives."""
    diversity: Sequence[Diversity | None] = ()
    """One per checkpoint where a CLIP model was at hand; empty or None where there is nothing."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """What people say of this run's pictures, by cell key."""
    published: Published | None = None
    """What is said elsewhere of the same tags."""

    def say(self, english: str, **values: object) -> str:
        """``english`` in the report's language."""
        return sentence(english, self.language, **values)

    def slot(self, name: str) -> str:
        """A slot as the lanes call it, in the report's language."""
        return self.say(SLOT_NAMES.get(name, name))

    def reason(self, stored: StoredCell) -> str:
        """Why a picture was rejected or never drawn, in the report's language."""
        return str(tell(found_again(stored.reason), self.language))

    @property
    def name(self) -> str:
        """The plan's name."""
        return str(self.plan.get("name", ""))

    @property
    def note(self) -> str:
        """What the plan's author says of it."""
        return str(self.plan.get("spec", {}).get("note", ""))

    @property
    def tags(self) -> list[dict[str, Any]]:
        """The planned tags in order, as ``PlannedTag`` fields."""
        return list(self.plan.get("tags", []))

    @property
    def checkpoints(self) -> tuple[CheckpointScore, ...]:
        """In the plan's order."""
        return self.evaluation.checkpoints

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """What was drawn, in the plan's order: ``()`` for the baseline, one tag, or the tags of a set."""
        return list(dict.fromkeys(found.cell.tags for found in self.cells))

    def cell_at(self) -> dict[tuple[int, tuple[str, ...], int], StoredCell]:
        """Cells by (checkpoint, tags, seed)."""
        return {(found.cell.checkpoint, found.cell.tags, found.cell.seed): found for found in self.cells}

    def title(self, tags: tuple[str, ...]) -> str:
        """What a row is called."""
        if len(tags) < 2:
            return spaced("".join(tags)) or self.say("Baseline")
        return self.say("{count} tags: {tags}", count=len(tags), tags=", ".join(map(spaced, tags)))

    def mark(self, stored: StoredCell | None) -> Mark:
        """How a picture is marked: by its own tag's probability, or by how many of its tags are seen."""
        reading = self.evaluation.seen.get(stored.cell.key) if stored is not None else None
        asked = reading.asked if reading is not None else ()
        scored = [value >= self.evaluation.threshold for tag, value in asked if tag in self.evaluation.scored]
        if stored is None or not asked:
            return Mark("none", "")
        if not scored:
            return Mark("none", f"≈ {asked[0][1]:.2f}" if len(stored.cell.tags) == 1 else "")
        verdict: Outcome = "hit" if all(scored) else "some" if any(scored) else "miss"
        if len(stored.cell.tags) > 1:
            return Mark(verdict, f"{sum(scored)} / {len(scored)}")
        sign = "✓" if verdict == "hit" else "✗"
        value, threshold = asked[0][1], self.evaluation.threshold
        digits = next((digits for digits in (2, 3) if (round(value, digits) >= threshold) == (value >= threshold)), 4)
        return Mark(verdict, f"{sign} {value:.{digits}f}", abs(value - threshold))

    def change_line(self, stored: StoredCell) -> str:
        """What else changed in a picture against the baseline; empty for a baseline."""
        reading = self.evaluation.seen.get(stored.cell.key)
        if reading is None or reading.change is None:
            return ""
        change = reading.change
        kept = self.say("{kept} of {all} template tags kept", kept=change.kept, all=change.keepable)
        lost = self.say("lost: {tags}", tags=", ".join(map(spaced, change.lost))) if change.lost else ""
        more = " …" if change.came > len(change.came_first) else ""
        names = ", ".join(map(spaced, change.came_first)) + more
        came = self.say("{count} came unasked: {tags}", count=change.came, tags=names) if change.came else ""
        return " · ".join(part for part in (kept, lost, came) if part)

    def score_of(self) -> dict[tuple[int, str], TagScore]:
        """Scores by (checkpoint, tag); unscored tags are missing."""
        return {(position, tag.tag): tag for position, item in enumerate(self.checkpoints) for tag in item.tags}

    def deviations(self) -> list[tuple[CheckpointScore, list[Deviation]]]:
        """Each checkpoint against the others by direction; empty where one is alone or nothing is scored."""
        if len(self.checkpoints) < 2 or not self.evaluation.scored:
            return []
        where = {tag["name"]: tag.get("direction", "people") for tag in self.tags}
        return [
            (item, deviations(item, [other for other in self.checkpoints if other is not item], where))
            for item in self.evaluation.ranked
        ]

    def diversity_columns(self) -> list[tuple[str, list[Interval | None]]]:
        """Titles and values, one per checkpoint, of what a CLIP model measured; nothing where none was at hand."""
        found = [item or Diversity(None, None, None) for item in self.diversity]
        columns = [
            ("Diversity", [item.seeds for item in found]),
            ("Response", [item.response for item in found]),
            ("CLIP score", [item.score for item in found]),
        ]
        return [(title, values) for title, values in columns if any(value is not None for value in values)]

    @property
    def chinese_name(self) -> dict[str, str]:
        """Chinese names of tags, where the catalogue has one."""
        return {tag["name"]: tag.get("title", {}).get("zh_CN", "") for tag in self.tags}


def spaced(tag: str) -> str:
    """A canonical tag as people read it."""
    return tag.replace("_", " ") if any(sign.isalpha() for sign in tag) else tag


def percent(value: float) -> str:
    """0…1 as whole percent.

    >>> percent(0.875), percent(float("nan"))
    ('88 %', '–')
    """
    return f"{math.floor(100 * value + 0.5)} %" if math.isfinite(value) else DASH


def points(value: float) -> str:
    """A difference of shares in signed percentage points.

    >>> points(0.625), points(-0.625), points(0.0)
    ('+63', '−63', '0')
    """
    if not math.isfinite(value):
        return DASH
    magnitude = math.floor(100 * abs(value) + 0.5)
    sign = "" if not magnitude else "+" if value > 0 else "−"
    return f"{sign}{magnitude}"


def percent_range(interval: Interval) -> str:
    """The 95 % interval of a share."""
    if not math.isfinite(interval.low):
        return DASH
    return f"{percent(interval.low)[:-2]}{DASH}{percent(interval.high)}"


def points_range(interval: Interval) -> str:
    """The 95 % interval of a difference."""
    return f"{points(interval.low)} … {points(interval.high)}" if math.isfinite(interval.low) else DASH


def one_decimal(interval: Interval | None) -> str:
    """A mean count.

    >>> one_decimal(Interval(2.46, 2.0, 3.0)), one_decimal(None)
    ('2.5', '–')
    """
    return f"{interval.value:.1f}" if interval is not None and math.isfinite(interval.value) else DASH


def measured(interval: Interval | None, digits: int = 3) -> str:
    """A number on its own scale.

    >>> measured(Interval(0.12345, 0.1, 0.2)), measured(None)
    ('0.123', '–')
    """
    return f"{interval.value:.{digits}f}" if interval is not None and math.isfinite(interval.value) else DASH


def measured_range(interval: Interval | None, digits: int = 3) -> str:
    """Its interval; a dash where one value alone gives none."""
    if interval is None or not math.isfinite(interval.low):
        return DASH
    return f"{interval.low:.{digits}f}{DASH}{interval.high:.{digits}f}"


def headline(data: ReportData) -> list[str]:
    """The sentences a reader should take away if they read nothing else; the first is the result."""
    found = data.evaluation
    ranked = [item for item in found.ranked if item.drawn]
    if not ranked:
        lines = [data.say("Nothing is scored yet.")]
    else:
        lines = [_result(data, ranked[0])]
        if len(ranked) > 1:
            lines.append(_separability(data, ranked))
    point = headline_point([item for item in found.curve if ranked and item.name == ranked[0].name])
    if point is not None:
        lines.append(_curve_line(data, point))
    if ranked and ranked[0].keeping is not None and math.isfinite(ranked[0].keeping.value):
        lines.append(_keeping_line(data, ranked[0]))
    if len(found.seeds) == 1:
        lines.append(data.say("Only seed {seed} was drawn: another starting noise may give other hits.", seed=found.seeds[0]))
    if found.unscored:
        lines.append(
            data.say(
                "{count} of {all} tags are unknown to the tagger: drawn and shown, but in no number.",
                count=len(found.unscored),
                all=len(data.tags),
            )
        )
    if found.partial:
        missing = len(data.cells) - found.states["done"]
        lines.append(data.say("Partial: {missing} of {all} pictures are missing.", missing=missing, all=len(data.cells)))
    return lines


def _result(data: ReportData, best: CheckpointScore) -> str:
    one_picture = (
        "{name} draws {hits} of {drawn} tags ({rate}, 95 % interval {range}), {lift} points above what appears unasked."
    )
    seeds = (
        "{name} hits in {hits} of {drawn} pictures ({rate}, 95 % interval {range}), {lift} points above what appears unasked."
    )
    doubtful = (
        "{name} hits in {hits} of {drawn} pictures ({rate}, 95 % interval {range}), "
        "which is not clearly more than what appears unasked ({lift} points)."
    )
    sets = (
        "{name} shows {hits} of {drawn} asked tags ({rate}, 95 % interval {range}), {lift} points above what appears unasked."
    )
    seeds = sets if data.evaluation.curve else seeds
    sure = one_picture if all(tag.drawn < 2 for tag in best.tags) else seeds
    return data.say(
        sure if best.lift.low > 0 else doubtful,
        name=best.name,
        hits=best.hits,
        drawn=best.drawn,
        rate=percent(best.accuracy.value),
        range=percent_range(best.accuracy),
        lift=points(best.lift.value).lstrip("+"),
    )


def _curve_line(data: ReportData, point: CurvePoint) -> str:
    return data.say(
        "With {size} tags in one prompt {name} shows {rate} of them (95 % interval {range}), {tags} more than come unasked.",
        size=point.size,
        name=point.name,
        rate=percent(point.recall.value),
        range=percent_range(point.recall),
        tags=f"{point.realised:.1f}",
    )


def _keeping_line(data: ReportData, best: CheckpointScore) -> str:
    return data.say(
        "A tag leaves {rate} of the template's tags in the picture, and {labels} labels come along that nobody asked for.",
        rate=percent(best.keeping.value if best.keeping else math.nan),
        labels=one_decimal(best.came_unasked),
    )


def _separability(data: ReportData, ranked: Sequence[CheckpointScore]) -> str:
    together = [item.name for item in ranked if item.tier == 1]
    resolvable = data.plan.get("estimate", {}).get("resolvable_difference", math.nan)
    if len(together) == 1:
        return data.say("It is better than every other checkpoint here beyond chance (Holm-corrected p < 0.05).")
    return data.say(
        "Not separable from the best: {names}. {tags} tags tell checkpoints apart that differ by about {points} points.",
        names=", ".join(together[1:]),
        tags=len(data.evaluation.scored),
        points=points(float(resolvable)).lstrip("+"),
    )
