"""A painter that knows the truth: a recipe's score is a planted square in its weights, plus noise. No model, no picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tag_atelier.bench.spec import BenchSpec
from tag_atelier.merge.layout import architectures
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Progress
from tag_atelier.tune.book import Book
from tag_atelier.tune.easel import Measure, Stopwatch
from tag_atelier.tune.ledger import Ledger
from tag_atelier.tune.samplers import sampler_of
from tag_atelier.tune.space import Space
from tag_atelier.tune.split import Split, split
from tag_atelier.tune.status import Score
from tag_atelier.tune.study_spec import StudySpec
from tests.fakes import fraction

GROUPS = {"early": ["IN00-IN03"], "deep": ["IN04-M00"], "rising": ["OUT00-OUT02"], "late": ["OUT03-OUT08"]}
TRUTH = {"IN00": 0.8, "M00": 0.2, "OUT00": 0.65, "OUT03": 0.3}
"""Best weight of each group, by one of its blocks."""
TAGS = tuple(f"tag_{i}" for i in range(12))


def planted_spec(**changes: object) -> StudySpec:
    """A study of two models with one weight per group; nothing in it needs a file."""
    values: dict[str, object] = {
        "name": "planted",
        "models": ["a", "b"],
        "plan": {"template": "1girl, {tag}", "tags": list(TAGS), "escape": False},
        "space": {"groups": GROUPS, "low": 0, "high": 1},
        "tags_per_prompt": 6,
        "prompts": 16,
        "trials": 80,
        "halving": [1.0],
    }
    return StudySpec.from_value(values | changes)


def regret(recipe: Recipe) -> float:
    """Squared distance from the truth, summed over groups."""
    weights = recipe.weights[0].resolve(architectures()["sdxl"])
    return sum((weights[block] - best) ** 2 for block, best in TRUTH.items())


class PlantedPainter:
    """Implements ``worker.Painter``: lift 0.5 less the regret, and noise that is its own in every tag and recipe."""

    def __init__(self, noise: float = 0.0, seed: int = 0, before: Callable[[str], None] = lambda name: None) -> None:
        """``noise``: standard deviation of the mean lift. ``before`` hears the recipe's name, and may kill."""
        self.watch = Stopwatch()
        self.merged: list[Recipe] = []
        self.measured: list[tuple[str, int]] = []
        self.restored = 0
        self._noise, self._seed, self._before = noise, seed, before

    @contextmanager
    def taken(self) -> Iterator[None]:
        yield

    def merge(self, recipe: Recipe, progress: Progress) -> None:
        self.merged.append(recipe)

    def measure(self, recipe: Recipe, spec: BenchSpec, folder: Path, progress: Progress) -> Measure:
        self._before(recipe.name)
        assert spec.sets is not None
        self.measured.append((recipe.name, spec.sets.count))
        truth = 0.5 - regret(recipe)
        lifts = {tag: truth + self._luck(recipe, tag, spec) for tag in spec.tags}
        mean = sum(lifts.values()) / len(lifts)
        pictures = spec.sets.count + 1
        recalls = tuple(truth + 0.01 * i for i in range(spec.sets.count))
        return Measure(Score(mean, mean - 0.1, mean + 0.1), lifts, recalls, pictures, 0.1 * fraction(recipe.digest))

    def _luck(self, recipe: Recipe, tag: str, spec: BenchSpec) -> float:
        """Normal noise by recipe and tag, such that its mean over tags has the asked spread."""
        one, other = (fraction(self._seed, recipe.digest, tag, spec.seeds, half) for half in "ab")
        normal = math.sqrt(-2 * math.log(max(1e-12, one))) * math.cos(2 * math.pi * other)
        return self._noise * math.sqrt(len(spec.tags)) * normal

    def preview(self, prompts: Sequence[str], spec: BenchSpec, folder: Path, name: str, progress: Progress) -> tuple[str, ...]:
        return tuple(f"{name}-{i + 1}.png" for i in range(len(prompts)))

    def forget_pictures(self, folder: Path) -> None:
        """There are none."""

    def restore(self) -> None:
        self.restored += 1


class Nobody:
    """A catalogue that knows no tag: nothing implies anything."""

    entries: Mapping[str, object] = {}

    def get(self, name: str) -> None:
        return None


def planted_plans(spec: StudySpec) -> Split:
    """The plans of a planted study."""
    return split(spec, Nobody())  # type: ignore[arg-type]


def planted_book(spec: StudySpec, folder: Path) -> Book:
    """The book of a planted study in ``folder``."""
    architecture = architectures()["sdxl"]
    spaces: Mapping[str, Space] = {"search": Space(spec, architecture, spec.space.groups)}
    if spec.space.refine:
        spaces = {**spaces, "refine": Space(spec, architecture, spec.space.refine)}
    objectives = 2 if spec.sampler == "nsga2" else 1
    ledger = Ledger(spec.storage, spec.name, folder, sampler_of(spec, spaces["search"]), objectives)
    return Book(spec, spaces, ledger)
