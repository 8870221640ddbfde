"""A sweep over one merge weight: every candidate is merged live, benchmarked with the same plan, and put back.

Called by the command line. The only kind of search so far; it writes no checkpoint, only runs and the best recipe.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.bench.plan import PlannedCheckpoint, plan
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import Busy, HostError, RecipeError, SpecError
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host, LiveModel, Progress, Scorer
from tag_atelier.prompt.catalogue import Catalogue

if TYPE_CHECKING:
    from tag_atelier.merge.plan import MergePlan


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
        RecipeError: the recipe mixes more than two models, so that one weight does not say what to do; or the weights are none.
        SpecError, UnknownName: the plan cannot be run on this host, or scores nothing.
        HostError: the host cannot change a loaded model, or the folder cannot be written.
        Busy: the loaded model is merged already.
        Cancelled: stopped; the loaded model is restored.
    """
    from tag_atelier.bench.store import disk_errors, write_whole

    host, live_model = experiment.host, _live_model(experiment.host)
    if len(recipe.models) != 2:
        raise RecipeError(f"The recipe mixes {len(recipe.models)} models; a sweep over one weight expects two.")
    _check_alphas(alphas)
    if host.check_parameters is not None:
        host.check_parameters(experiment.spec.parameters)
    merges = [_plan_merge(recipe, alpha, host) for alpha in alphas]
    with disk_errors(experiment.folder):
        experiment.folder.mkdir(parents=True, exist_ok=True)
    inside = dataclasses.replace(experiment, host=dataclasses.replace(host, exclusive=None))
    with host.exclusive() if host.exclusive is not None else nullcontext():
        if live_model.dirty:
            raise Busy("The loaded model is merged live; restore it before a sweep.")
        try:
            host.checkpoints.load(host.checkpoints.resolve(recipe.models[0]))
            trials = [_try(alpha, merge, inside, progress) for alpha, merge in zip(alphas, merges, strict=True)]
        finally:
            live_model.restore()
    found = Sweep(tuple(trials))
    with disk_errors(experiment.folder):
        write_whole(experiment.folder / "best.yaml", found.best.recipe.to_yaml().encode("utf-8"))
    return found


def _check_alphas(alphas: Sequence[float]) -> None:
    names = [_folder_name(alpha) for alpha in alphas]
    if not names or len(set(names)) < len(names) or not all(math.isfinite(alpha) for alpha in alphas):
        raise RecipeError(f"The weights to try are {list(alphas)}; expected at least one number, each one once.")


def _plan_merge(recipe: Recipe, alpha: float, host: Host) -> MergePlan:
    from tag_atelier.merge.model_files import ModelFiles
    from tag_atelier.merge.plan import plan as plan_merge

    files = ModelFiles(host)
    return plan_merge(Recipe.from_value({**recipe.as_dict(), "alpha": alpha}), files.model, find_part=files.part)


def _folder_name(alpha: float) -> str:
    return f"alpha-{alpha:g}"


def _try(alpha: float, merge: MergePlan, experiment: Experiment, progress: Progress) -> Trial:
    """Merge one candidate live and benchmark it; its cells are keyed by the recipe, not by the file it starts from."""
    from tag_atelier.bench.run import run
    from tag_atelier.bench.score import evaluate
    from tag_atelier.bench.store import Store, disk_errors
    from tag_atelier.merge.live import apply

    host, recipe = experiment.host, merge.recipe
    apply(merge, _live_model(host), progress)
    first = host.checkpoints.resolve(recipe.models[0])
    planned = plan(
        experiment.spec,
        [PlannedCheckpoint(first, recipe.digest)],
        experiment.catalogue,
        experiment.scorer.identity,
        host.name,
    )
    folder = experiment.folder / _folder_name(alpha)
    with disk_errors(folder), Store(folder) as store:
        run(planned, host, experiment.scorer, store, progress)
        lift = evaluate(store).checkpoints[0].lift
    if math.isnan(lift.value):
        raise SpecError("The plan scores no tag beside its controls, so no weight is better than another; add seeds or tags.")
    return Trial(alpha, lift.value, lift.low, lift.high, recipe)


def _live_model(host: Host) -> LiveModel:
    if host.live_model is None:
        raise HostError(f"The host '{host.name}' cannot change a loaded model; sweep on the embedded host.")
    return host.live_model
