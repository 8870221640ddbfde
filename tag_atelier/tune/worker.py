"""One worker: takes what is to be drawn next, draws and scores it, and writes down what it found, until all is done.

Used by ``tune.study``. Any number of workers may do this at once, and any of them may die at any moment.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import Cancelled, HostError, say
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Progress
from tag_atelier.tune.book import ANSWER_SEARCH, Book, Page
from tag_atelier.tune.easel import Measure, Stopwatch
from tag_atelier.tune.findings import paired
from tag_atelier.tune.ledger import SEARCHING
from tag_atelier.tune.schedule import Slot, keeps_on
from tag_atelier.tune.split import Split

logger = logging.getLogger(__name__)

WAIT_S = 2.0
"""Between two looks at whether the others have finished."""
PREVIEWS = "previews"
TRIALS = "trials"
BROKEN = -1.0
"""Objective of a candidate of whose pictures less than half are valid."""
_REMEMBERED = 16
"""So many of the last candidates decide whether one goes on after a halving."""


class Painter(Protocol):
    """What a worker draws with: ``tune.easel.Easel``, or a fake that knows the truth."""

    watch: Stopwatch

    def taken(self) -> AbstractContextManager[None]:
        """Hold the model for one candidate."""

    def merge(self, recipe: Recipe, progress: Progress) -> None:
        """Make the loaded model the recipe's result."""

    def measure(self, recipe: Recipe, spec: BenchSpec, folder: Path, progress: Progress) -> Measure:
        """Draw and score a plan."""

    def preview(self, prompts: Sequence[str], spec: BenchSpec, folder: Path, name: str, progress: Progress) -> tuple[str, ...]:
        """Draw a few prompts to look at."""

    def forget_pictures(self, folder: Path) -> None:
        """Drop what is no longer needed."""

    def restore(self) -> None:
        """Put the model's own weights back."""


class Worker:
    """One worker of one study."""

    def __init__(self, book: Book, plans: Split, painter: Painter, folder: Path) -> None:
        """``folder``: where this worker keeps pictures and previews."""
        self._book, self._plans, self._painter, self._folder = book, plans, painter, folder
        self._prompts = book.spec.preview or plans.prompts

    def work(self, progress: Progress) -> None:
        """Draw until nothing is left. The loaded model is restored whatever happens.

        Raises:
            Cancelled: paused; what is finished stays.
            TagAtelierError: the host, the tagger, a disk or the storage failed; what is finished stays.
        """
        total = self._book.spec.trials + 4 + len(self._book.spec.models)
        progress.begin(total, self._book.spec.name)
        counted = 0
        try:
            with self._book.ledger.working():
                while True:
                    if progress.cancelled:
                        raise Cancelled("The search was paused; start it again to go on where it stopped.")
                    page = self._book.read()
                    progress.advance(len(page.finished) - counted)
                    counted = len(page.finished)
                    slot = page.next_slot()
                    if slot is None:
                        return
                    if isinstance(slot, Slot):
                        self._take(page, slot, progress)
                    else:
                        time.sleep(WAIT_S)
        finally:
            self._painter.restore()

    def _take(self, page: Page, slot: Slot, progress: Progress) -> None:
        ledger = self._book.ledger
        space = self._book.spaces[slot.stage] if slot.is_asked else None
        attempt = ledger.begin(slot.stage, slot.name, slot.point or (), space)
        if attempt is None:
            return
        try:
            with ledger.beating(attempt):
                outcome = self._draw(page, page.slot_of(attempt), progress)
            if not ledger.finish(attempt, self._values(slot, outcome), outcome):
                logger.info("the candidate '%s' had been given to another worker; this one is not counted", attempt.slot)
        except BaseException:
            with contextlib.suppress(HostError):  # a storage that is away will be told by the next worker's patience
                ledger.give_up(attempt)
            raise

    def _values(self, slot: Slot, outcome: Mapping[str, Any]) -> list[float]:
        objective = float(outcome["objective"])
        both = slot.stage in SEARCHING and self._book.spec.sampler == "nsga2"
        return [objective, float(outcome["diversity"] or 0.0)] if both else [objective]

    def _draw(self, page: Page, slot: Slot, progress: Progress) -> dict[str, Any]:
        """Merge, draw and score one slot; what is to be stored of it."""
        progress.advance(0, say("{candidate} ({phase})", candidate=slot.name, phase=say(slot.phase)))
        recipe, started, drawing = page.recipe_of(slot), time.perf_counter(), self._painter.watch.seconds
        folder = self._folder / TRIALS / slot.name
        with self._painter.taken():
            self._painter.merge(recipe, progress)
            rungs, measure = self._climb(page, slot, recipe, folder, progress)
            improved = self._improves(page, slot, rungs)
            previews = (
                self._preview(slot, progress) if improved or slot.parent is not None or slot.name == ANSWER_SEARCH else ()
            )
        self._painter.forget_pictures(folder)
        seconds = time.perf_counter() - started
        space = self._book.spaces.get(slot.stage)
        return {
            "share": rungs[-1]["share"],
            "rungs": rungs,
            "lift": rungs[-1]["lift"],
            "lifts": rungs[-1]["lifts"],
            "objective": rungs[-1]["objective"],
            "recalls": [_plain(each) for each in measure.recalls] if slot.stage == "confirm" else [],
            "diversity": _plain(measure.diversity),
            "pictures": measure.pictures,
            "weights": space.shares(slot.point) if space is not None and slot.point is not None else {},
            "recipe": recipe.to_yaml(),
            "improved": improved,
            "previews": list(previews),
            "seconds": round(seconds, 3),
            "overhead_s": round(max(0.0, seconds - (self._painter.watch.seconds - drawing)), 4),
        }

    def _climb(
        self, page: Page, slot: Slot, recipe: Recipe, folder: Path, progress: Progress
    ) -> tuple[list[dict[str, Any]], Measure]:
        """Draw more and more of the prompts, as long as it is worth it."""
        plans = self._plans.rungs if slot.plan == "search" else (getattr(self._plans, slot.plan),)
        shares = self._book.spec.halving if slot.plan == "search" else (1.0,)
        rungs: list[dict[str, Any]] = []
        measure = None
        for position, (plan, share) in enumerate(zip(plans, shares, strict=True)):
            if slot.name == ANSWER_SEARCH and share < 1:
                continue  # not a candidate: nothing is to be decided half way
            measure = self._painter.measure(recipe, plan, folder, progress)
            objective = self._objective(page, slot, measure, position, plan)
            lift = [_plain(each) for each in (measure.lift.value, measure.lift.low, measure.lift.high)]
            lifts = {tag: _plain(each) for tag, each in measure.lifts.items()}
            rungs.append({"share": share, "lift": lift, "lifts": lifts, "objective": objective})
            if slot.stage in SEARCHING and not keeps_on(objective, self._others(page, slot.stage, position)):
                break
        assert measure is not None, "every plan has at least one rung"
        return rungs, measure

    def _objective(self, page: Page, slot: Slot, measure: Measure, position: int, plan: BenchSpec) -> float:
        """Of a candidate: its paired lift over the best parent on the same prompts, less the penalty; else the lift itself."""
        if not measure.pictures or measure.pictures < 0.5 * len(measure.recalls) or math.isnan(measure.lift.value):
            return BROKEN
        if slot.stage not in SEARCHING or slot.point is None or page.best_parent is None:
            return measure.lift.value
        parent = page.finished[f"parent-{page.best_parent + 1}"]["rungs"][position]["lifts"]
        known = {tag: lift for tag, lift in parent.items() if lift is not None}
        difference = paired(measure.lifts, known).value
        return BROKEN if math.isnan(difference) else difference - self._book.spaces[slot.stage].penalty(slot.point)

    def _others(self, page: Page, stage: str, position: int) -> list[float]:
        """Objectives on the same prompts of the stage's last candidates."""
        found = [each.outcome["rungs"] for each in page.counted() if each.stage == stage]
        return [rungs[position]["objective"] for rungs in found[-_REMEMBERED:] if position < len(rungs)]

    def _improves(self, page: Page, slot: Slot, rungs: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a candidate is better than the best parent and every whole candidate before it."""
        if slot.stage not in SEARCHING or rungs[-1]["share"] < 1:
            return False
        before = [each.objective for stage in self._book.spaces for each in page.tried(stage).values() if each.whole]
        return bool(rungs[-1]["objective"] > max([0.0, *before]))

    def _preview(self, slot: Slot, progress: Progress) -> tuple[str, ...]:
        return self._painter.preview(self._prompts, self._plans.search, self._folder / PREVIEWS, slot.name, progress)


def _plain(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
