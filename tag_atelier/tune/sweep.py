"""A sweep over one merge weight: every candidate is merged live, benchmarked with the same plan, and put back.

Called by the command line. The only kind of search so far; it writes no checkpoint, only runs and the best recipe.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import HostError, RecipeError
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, LiveModel, Progress, Scorer
from tag_atelier.prompt.catalogue import Catalogue


@dataclass(frozen=True)
class Trial:
    """One candidate and what the benchmark says of it."""

    alpha: float
    score: float
    """Mean lift over tags, −1…1."""
    low: float
    high: float
    """95 % interval of ``score``, resampled by tag."""
    recipe: Recipe


@dataclass(frozen=True)
class Sweep:
    """All candidates in the order tried."""

    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The highest score; of several, the smallest weight."""
        return min(self.trials, key=lambda trial: (-trial.score, trial.alpha))

    @property
    def separable(self) -> bool:
        """Whether the best one's interval lies above that of the first model alone, where that was tried."""
        alone = [trial for trial in self.trials if trial.alpha == 0]
        return bool(alone) and self.best.low > alone[0].high


@dataclass(frozen=True)
class Experiment:
    """What stays the same for every candidate."""

    spec: BenchSpec
    host: Host
    scorer: Scorer
    catalogue: Catalogue
    folder: Path
    """Every candidate is a run of its own in here, so a stopped sweep is taken up where it was."""


def sweep(recipe: Recipe, alphas: Sequence[float], experiment: Experiment, progress: Progress) -> Sweep:
    """Try ``alphas`` as the recipe's one weight and write ``best.yaml`` into the experiment's folder.

    Raises:
        RecipeError: the recipe mixes more than two models, so that one weight does not say what to do.
        HostError: the host cannot change a loaded model.
        Cancelled: stopped; the loaded model is restored.
    """
    host = experiment.host
    if host.live_model is None:
        raise HostError(f"The host '{host.name}' cannot change a loaded model; sweep on the embedded host.")
    if len(recipe.models) != 2:
        raise RecipeError(f"The recipe mixes {len(recipe.models)} models; a sweep over one weight expects two.")
    experiment.folder.mkdir(parents=True, exist_ok=True)
    candidates = [Recipe.from_value({**recipe.as_dict(), "alpha": alpha}) for alpha in alphas]
    inside = dataclasses.replace(experiment, host=dataclasses.replace(host, exclusive=None))
    with host.exclusive() if host.exclusive is not None else nullcontext():
        try:
            host.checkpoints.load(host.checkpoints.resolve(recipe.models[0]))
            trials = [_try(alpha, found, inside, progress) for alpha, found in zip(alphas, candidates, strict=True)]
        finally:
            host.live_model.restore()
    found = Sweep(tuple(trials))
    partial = experiment.folder / "best.yaml.tmp"
    partial.write_text(found.best.recipe.to_yaml(), encoding="utf-8")
    partial.replace(experiment.folder / "best.yaml")
    return found


def _try(alpha: float, recipe: Recipe, experiment: Experiment, progress: Progress) -> Trial:
    """Merge one candidate live and benchmark it; its cells are keyed by the recipe, not by the file it starts from."""
    from tag_atelier.bench.run import run
    from tag_atelier.bench.score import evaluate
    from tag_atelier.bench.store import Store
    from tag_atelier.merge.live import apply
    from tag_atelier.merge.plan import plan as plan_merge

    host = experiment.host
    apply(plan_merge(recipe, lambda name: checkpoint_path(host, name)), _live_model(host), progress)
    first = host.checkpoints.resolve(recipe.models[0])
    planned = plan(
        experiment.spec,
        [PlannedCheckpoint(first, recipe.digest)],
        experiment.catalogue,
        experiment.scorer.identity,
        host.name,
    )
    with Store(experiment.folder / f"alpha-{alpha:g}") as store:
        run(planned, host, experiment.scorer, store, progress)
        lift = evaluate(store).checkpoints[0].lift
    return Trial(alpha, lift.value, lift.low, lift.high, recipe)


def checkpoint_path(host: Host, name: str) -> Path:
    """The file of a checkpoint. Raises UnknownName, or HostError where it lies on another machine."""
    path = host.checkpoints.resolve(name).path
    if path is None:
        raise HostError(f"'{name}' lies on another machine; merge on the machine that holds the files.")
    return path


def _live_model(host: Host) -> LiveModel:
    if host.live_model is None:
        raise HostError(f"The host '{host.name}' cannot change a loaded model.")
    return host.live_model
