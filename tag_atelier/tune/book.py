"""A study as it stands: what is finished, who is at what, the answer so far, and what is to be drawn next.

Used by ``tune.worker`` (what next) and ``tune.overview`` (what to show).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tag_atelier.merge.recipe import Recipe
from tag_atelier.tune.ledger import SEARCHING, Attempt, Ledger
from tag_atelier.tune.schedule import Schedule, Slot, Tried, first_open
from tag_atelier.tune.space import Point, Space, alone
from tag_atelier.tune.status import Phase
from tag_atelier.tune.study_spec import StudySpec

STAGES = ("parents", *SEARCHING, "confirm")
ANSWER_SEARCH, ANSWER_FRESH, PARENT_FRESH = "answer-search", "answer-fresh", "parent-fresh"
ANSWER_VALIDATION = "answer-validation"


class Book:
    """Reads one study's ledger."""

    def __init__(self, spec: StudySpec, spaces: Mapping[str, Space], ledger: Ledger) -> None:
        """``spaces``: of the stage ``search``, and of ``refine`` where there is one."""
        self.spec, self.spaces, self.ledger = spec, spaces, ledger
        self.schedule = Schedule(spec, spaces)

    def read(self) -> Page:
        """The study at this moment. Raises HostError where the storage stays away."""
        attempts = {stage: self.ledger.attempts(stage) for stage in STAGES if stage not in SEARCHING or stage in self.spaces}
        return Page(self, attempts, self.ledger.notes())


@dataclass(frozen=True)
class Page:
    """One moment of a study."""

    book: Book
    attempts: Mapping[str, list[Attempt]]
    notes: Mapping[str, Any]
    finished: Mapping[str, Mapping[str, Any]] = field(init=False)
    """Slot → outcome of its first finished attempt: what counts."""
    running: Mapping[str, Attempt] = field(init=False)
    """Slot → attempt that is going on."""

    def __post_init__(self) -> None:
        """Sort the attempts."""
        every = sorted((each for found in self.attempts.values() for each in found), key=lambda each: each.finished_at)
        finished: dict[str, Mapping[str, Any]] = {}
        for each in every:
            if each.state == "finished":
                finished.setdefault(each.slot, each.outcome)
        object.__setattr__(self, "finished", finished)
        running = {each.slot: each for each in every if each.state == "running" and each.slot not in finished}
        object.__setattr__(self, "running", running)

    def counted(self) -> list[Attempt]:
        """The finished attempt of every slot, in the order of finishing."""
        seen: set[str] = set()
        every = sorted((each for found in self.attempts.values() for each in found), key=lambda each: each.finished_at)
        first = []
        for each in every:
            if each.state == "finished" and each.slot not in seen:
                seen.add(each.slot)
                first.append(each)
        return first

    def tried(self, stage: str) -> dict[str, Tried]:
        """Finished candidates of a searching stage, in the order of finishing."""
        own = [each for each in self.counted() if each.stage == stage]
        return {each.slot: _tried(each) for each in own}

    def parent_scores(self) -> list[float]:
        """Search lift of every parent that is finished; NaN for the others."""
        outcomes = [self.finished.get(slot.name) for slot in self.book.schedule.parents()]
        return [math.nan if outcome is None else _number(outcome["lift"][0]) for outcome in outcomes]

    @property
    def best_parent(self) -> int | None:
        """Position of the parent with the highest search score; None while one is missing."""
        scores = self.parent_scores()
        if any(slot.name not in self.finished for slot in self.book.schedule.parents()):
            return None
        return max(range(len(scores)), key=lambda i: -math.inf if math.isnan(scores[i]) else scores[i])

    @property
    def stopped(self) -> bool:
        """Somebody ended the search early."""
        return bool(self.notes.get("stop"))

    def answer(self) -> tuple[str, Point] | None:
        """Stage and point of the answer so far; None before anything was searched."""
        found, coarse = None, None
        for stage in self.book.schedule.stages():
            tried = self.tried(stage)
            point = self.book.schedule.answer(stage, tried, coarse)
            if point is None:
                break
            found, coarse = (stage, point), point
        return found

    def answer_recipe(self) -> Recipe | None:
        """The answer so far as a recipe."""
        found = self.answer()
        return None if found is None else self.book.spaces[found[0]].recipe(found[1], f"{self.book.spec.name}: found by search")

    def coarse(self) -> Point | None:
        """The first stage's answer so far."""
        return self.book.schedule.answer("search", self.tried("search"), None)

    def phase(self) -> Phase:
        """Where the study is."""
        found = self.next_slot()
        if isinstance(found, Slot):
            return found.phase
        if found is None:
            return "done"
        at_work = [slot.phase for slot in self._known_slots() if slot.name in self.running]
        return at_work[0] if at_work else "search"

    def next_slot(self) -> Slot | Literal["wait"] | None:
        """What is to be drawn now; ``wait``: others are at all there is; None: everything is done."""
        for slots in self._steps():
            if all(slot.name in self.finished for slot in slots):
                continue
            return first_open(slots, self.finished, self.running) or "wait"
        return None

    def _steps(self) -> list[list[Slot]]:
        """Groups of slots, each of which must be finished before the next one begins, up to the first that is open."""
        schedule, steps = self.book.schedule, [self.book.schedule.parents()]
        if self.best_parent is None:
            return steps
        for stage in schedule.stages():
            slots = schedule.candidates(stage, self.tried(stage), self.coarse() if stage == "refine" else None)
            if self.stopped:
                slots = [slot for slot in slots if slot.name in self.running]
            steps.append(slots)
            if any(slot.name not in self.finished for slot in slots):
                return steps
        return [*steps, *self.final_steps()]

    def final_steps(self) -> list[list[Slot]]:
        """Confirmation and validation; nothing where nothing was searched."""
        found = self.answer()
        if found is None or self.best_parent is None:
            return []
        point, best = found[1], self.best_parent
        confirm = [
            Slot(ANSWER_SEARCH, "confirm", "confirm", point),
            Slot(ANSWER_FRESH, "confirm", "confirm", point, plan="confirm"),
            Slot(PARENT_FRESH, "confirm", "confirm", parent=best, plan="confirm"),
        ]
        validation = [Slot(ANSWER_VALIDATION, "confirm", "validation", point, plan="validation")]
        validation += [
            Slot(f"{slot.name}-validation", "confirm", "validation", parent=slot.parent, plan="validation")
            for slot in self.book.schedule.parents()
        ]
        return [confirm, validation]

    def _known_slots(self) -> list[Slot]:
        return [slot for slots in self._steps() for slot in slots]

    def slot_of(self, attempt: Attempt) -> Slot:
        """The slot that an attempt stands for; of a candidate, with the attempt's own point."""
        if attempt.stage in SEARCHING:
            phase: Phase = "refine" if attempt.stage == "refine" else "search"
            return Slot(attempt.slot, attempt.stage, phase, attempt.point)
        known = [*self.book.schedule.parents(), *(slot for slots in self.final_steps() for slot in slots)]
        return next(slot for slot in known if slot.name == attempt.slot)

    def recipe_of(self, slot: Slot) -> Recipe:
        """What is merged for ``slot``."""
        if slot.parent is not None:
            return alone(self.book.spec.models, slot.parent)
        stage = slot.stage if slot.stage in SEARCHING else (self.answer() or ("search", ()))[0]
        assert slot.point is not None, "a candidate that was begun has a point"
        return self.book.spaces[stage].recipe(slot.point, f"{self.book.spec.name}: {slot.name}")


def _tried(attempt: Attempt) -> Tried:
    outcome = attempt.outcome
    diversity = outcome.get("diversity")
    whole = float(outcome["share"]) >= 1
    return Tried(attempt.slot, attempt.point, whole, _number(outcome["objective"], -2.0), diversity)


def _number(value: Any, missing: float = math.nan) -> float:
    return missing if value is None else float(value)
