"""What is to be tried next: a function of what is finished and what others are at, so that every worker decides alike.

Used by ``tune.study``. A candidate of CMA-ES and of the theatre follows from the finished ones; the other samplers are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy

from tag_atelier.tune.cma import Cloud, Finished
from tag_atelier.tune.space import Point, Space
from tag_atelier.tune.status import Phase
from tag_atelier.tune.study_spec import StudySpec

TOP_SHARE = 1 / 3
"""Of the finished candidates that the answer averages."""
THEATRE_STEP = 0.25
"""Largest share of the way to the partner that one step goes."""
THEATRE_TROUPE = 4
"""Steps that are tried from the same place; the best of them goes on where it is better than the place."""
REPLAYED = ("cma", "theatre")


@dataclass(frozen=True)
class Slot:
    """One thing to draw."""

    name: str
    stage: str
    """Whose Optuna study it belongs to: ``parents``, ``search``, ``refine`` or ``confirm``."""
    phase: Phase
    point: Point | None = None
    """None where there is none, or where the stage's sampler says."""
    parent: int | None = None
    """Position of the model that is drawn alone."""
    plan: str = "search"
    """``search``, ``confirm`` or ``validation``."""
    is_asked: bool = False
    """The stage's sampler says the point."""


@dataclass(frozen=True)
class Tried:
    """One finished candidate of a stage."""

    name: str
    point: Point
    whole: bool
    """Drawn in full, not stopped early."""
    objective: float
    diversity: float | None = None


class Schedule:
    """The way through one study."""

    def __init__(self, spec: StudySpec, spaces: Mapping[str, Space]) -> None:
        """``spaces``: of the stage ``search``, and of ``refine`` where there is one."""
        self._spec, self._spaces = spec, spaces
        parents, refined = len(spec.models), "refine" in spaces
        left = max(0, spec.trials - parents)
        self.budgets = {"search": left - (left // 3 if refined else 0), "refine": left // 3 if refined else 0}

    def parents(self) -> list[Slot]:
        """Every model alone, first of all."""
        return [Slot(f"parent-{i + 1}", "parents", "parents", parent=i) for i in range(len(self._spec.models))]

    def stages(self) -> list[str]:
        """``search``, and ``refine`` where it is asked for."""
        return list(self._spaces)

    def candidates(self, stage: str, tried: Mapping[str, Tried], coarse: Point | None) -> list[Slot]:
        """Slots of ``stage`` that may be drawn now: all of the current generation, finished ones included; empty: none left.

        Args:
            tried: finished candidates of this stage by their slots' names.
            coarse: the first stage's answer, from which the finer one starts.
        """
        budget = self.budgets[stage]
        if self._spec.sampler not in REPLAYED:
            names = [f"{stage}-{i + 1}" for i in range(budget)]
            return [Slot(name, stage, _phase(stage), is_asked=True) for name in names]
        brain, number = self._grown(stage, tried, coarse)
        points = brain.candidates()[: max(0, budget - number * brain.size)]
        slots = [
            Slot(_name(stage, number, i), stage, _phase(stage), tuple(map(float, point))) for i, point in enumerate(points)
        ]
        return slots if any(slot.name not in tried for slot in slots) else []

    def _grown(self, stage: str, tried: Mapping[str, Tried], coarse: Point | None) -> tuple[Cloud | Theatre, int]:
        """What chooses the candidates, after all generations that are finished, and how many these are."""
        brain = self._cloud(stage, coarse) if self._spec.sampler == "cma" else self._theatre(stage, coarse)
        number = 0
        while True:
            names = [_name(stage, number, i) for i in range(brain.size)]
            if any(name not in tried for name in names):
                return brain, number
            done = [tried[name] for name in names]
            brain.learn([Finished(numpy.array(each.point), (each.whole, each.objective)) for each in done])
            number += 1

    def answer(self, stage: str, tried: Mapping[str, Tried], coarse: Point | None) -> Point | None:
        """An average of good points: the mean of the best third, and of the cloud's own middle where there is one.

        None before anything is finished. Halfway between the two did better than either (docs/search.md).
        """
        if not tried:
            return None
        best = sorted(tried.values(), key=_goodness(tried.values()), reverse=True)
        top = best[: max(1, round(TOP_SHARE * len(best)))]
        mean = numpy.mean([each.point for each in top], axis=0)
        if self._spec.sampler == "cma":
            cloud, _ = self._grown(stage, tried, coarse)
            mean = (mean + cloud.mean) / 2
        return self._spaces[stage].repair(list(map(float, mean)))

    def _cloud(self, stage: str, coarse: Point | None) -> Cloud:
        space = self._spaces[stage]
        step = self._spec.step if stage == "search" else self._spec.step / 2
        start = numpy.array(self._start(stage, coarse), dtype=float)
        seed = self._spec.seed * 2 + (stage == "refine")
        return Cloud(start, step, seed, lambda point: numpy.array(space.repair(list(map(float, point)))))

    def _theatre(self, stage: str, coarse: Point | None) -> Theatre:
        return Theatre(self._spaces[stage], self._start(stage, coarse), self._spec.seed * 2 + (stage == "refine"))

    def _start(self, stage: str, coarse: Point | None) -> Point:
        space = self._spaces[stage]
        if stage == "refine" and coarse is not None:
            return space.finer(coarse, self._spaces["search"])
        return space.start()


class Theatre:
    """A chain of pairwise merges: into the best so far a random partner is mixed by a small step, group by group.

    A merge of merges is again a weighted sum of the models, so every link of the chain is a point of the space.
    Source: ConfusionXL's page, which calls its chain a theatre.
    """

    size = THEATRE_TROUPE

    def __init__(self, space: Space, start: Point, seed: int) -> None:
        """``start``: shape (dimensions,), 0…1."""
        self._space, self._seed, self._act = space, seed, 0
        self.mean: numpy.typing.NDArray[numpy.float64] = numpy.array(start, dtype=float)
        """The present place."""
        self._best = -numpy.inf

    def candidates(self) -> list[numpy.typing.NDArray[numpy.float64]]:
        """The troupe's steps from the present place, repaired."""
        noise = numpy.random.default_rng([self._seed, self._act])
        partners = [0, *sorted({each.model for each in self._space.dimensions})]
        found = []
        for _ in range(self.size):
            partner = int(noise.choice(partners))
            steps = {group.name: noise.uniform(0, THEATRE_STEP) for group in self._space.groups}
            moved = []
            for share, each in zip(self.mean, self._space.dimensions, strict=True):
                width = each.high - each.low
                goal = ((each.model == partner) - each.low) / width if width > 0 else 0.0
                moved.append(float(share + steps[each.group.name] * (goal - share)))
            found.append(numpy.array(self._space.repair(moved)))
        return found

    def learn(self, finished: Sequence[Finished]) -> None:
        """Go on from the best, where it is better than what was gone on from."""
        self._act += 1
        best = max(finished, key=lambda each: each.rank)
        if best.rank[1] > self._best:
            self.mean, self._best = best.point, best.rank[1]


def keeps_on(objective: float, others: Sequence[float]) -> bool:
    """Whether a candidate goes on after a halving: it is in the better half of those seen on the same prompts.

    The first three always go on, since there is nothing to hold them against.
    """
    return len(others) < 3 or objective >= float(numpy.median(others))


def first_open(slots: Sequence[Slot], finished: Collection[str], running: Collection[str]) -> Slot | None:
    """The first slot that is neither finished nor in anybody's hands."""
    return next((slot for slot in slots if slot.name not in finished and slot.name not in running), None)


def _name(stage: str, generation: int, position: int) -> str:
    return f"{stage}-{generation + 1}-{position + 1}"


def _phase(stage: str) -> Phase:
    return "refine" if stage == "refine" else "search"


def _goodness(tried: Collection[Tried]) -> Callable[[Tried], tuple[bool, float]]:
    """Sort key: drawn in full first, then the objective; with diversity, the mean of both ranks."""
    if any(each.diversity is None for each in tried):
        return lambda each: (each.whole, each.objective)
    by_objective = sorted(each.objective for each in tried)
    by_diversity = sorted(each.diversity or 0.0 for each in tried)
    return lambda each: (each.whole, by_objective.index(each.objective) + by_diversity.index(each.diversity or 0.0))
