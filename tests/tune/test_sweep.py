"""A sweep over one weight on tiny files: a run for each candidate, the model restored, nothing drawn for bad input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers")

from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import Busy, Cancelled, HostError, RecipeError, TagAtelierError
from tag_atelier.host.embedded import build
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Host
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tagger import find_tagger
from tag_atelier.tune.sweep import Experiment, Sweep, Trial, sweep
from tests.fakes import FakeProgress, fake_host

A, B = "tiny-sd15-a", "tiny-sd15-b"
RECIPE = Recipe.from_value({"method": "weighted_sum", "models": [A, B], "alpha": 0.5})
PLAN: Mapping[str, object] = {"name": "tiny", "template": "1girl, {tag}", "tags": ["glaring", "holding sword"]} | {
    "parameters": {"sampler": "Euler", "steps": 1, "width": 64, "height": 64},
    "batch_size": 3,
}


@pytest.fixture(scope="module")
def host(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Host:
    return build(tiny_checkpoints[A].parent, tmp_path_factory.mktemp("data"), device="cpu")


@pytest.fixture
def experiment(host: Host, tiny_tagger: Path, tmp_path: Path) -> Experiment:
    scorer = find_tagger([tiny_tagger.parent], "")
    return Experiment(BenchSpec.from_value(PLAN), host, scorer, Catalogue.load(), tmp_path / "sweep")


def weights(host: Host) -> list[torch.Tensor]:
    model = host.checkpoints.model  # type: ignore[attr-defined]
    return [parameter.detach().clone() for parameter in model.unet.mid_block.parameters()]


def test_every_candidate_is_a_run_and_the_best_is_a_recipe(experiment: Experiment) -> None:
    host, live = experiment.host, experiment.host.live_model
    host.checkpoints.load(host.checkpoints.resolve(A))
    before = weights(host)
    found = sweep(RECIPE, [0, 0.5], experiment, FakeProgress())
    assert [trial.alpha for trial in found.trials] == [0, 0.5]
    assert sorted(path.name for path in experiment.folder.iterdir()) == ["alpha-0", "alpha-0.5", "best.yaml"]
    assert Recipe.from_file(experiment.folder / "best.yaml") == found.best.recipe
    assert live is not None and not live.dirty
    assert all(torch.equal(now, was) for now, was in zip(weights(host), before, strict=True))
    pictures = [{path.read_bytes() for path in experiment.folder.glob(f"alpha-{alpha}/images/*.png")} for alpha in ("0", "0.5")]
    assert len(pictures[0]) == 3 and not pictures[0] & pictures[1], "both candidates were drawn with the same weights"


def test_a_stopped_sweep_is_taken_up_and_leaves_the_model_alone(experiment: Experiment) -> None:
    class StoppedInTheSecondMerge(FakeProgress):
        @property
        def cancelled(self) -> bool:
            return (experiment.folder / "alpha-0" / "run.sqlite").exists() and "M00" in self.texts

    host = experiment.host
    host.checkpoints.load(host.checkpoints.resolve(A))
    before = weights(host)
    with pytest.raises(Cancelled):
        sweep(RECIPE, [0, 1], experiment, StoppedInTheSecondMerge())
    assert all(torch.equal(now, was) for now, was in zip(weights(host), before, strict=True))
    assert host.live_model is not None and not host.live_model.dirty
    assert not (experiment.folder / "best.yaml").exists()
    drawn = {path: path.stat().st_mtime_ns for path in experiment.folder.glob("alpha-0/images/*.png")}
    assert len(sweep(RECIPE, [0, 1], experiment, FakeProgress()).trials) == 2
    assert len(drawn) == 3 and {path: path.stat().st_mtime_ns for path in drawn} == drawn


@pytest.mark.parametrize(
    ("alphas", "sentence"),
    [
        ([], "expected at least one number, each one once"),
        ([0.5, 0.5], "expected at least one number, each one once"),
        ([0.1234567, 0.1234568], "expected at least one number, each one once"),
        ([0, float("nan")], "expected at least one number, each one once"),
        ([0, 99], "A block weight is 99"),
    ],
)
def test_bad_weights_are_refused_before_anything_is_drawn(experiment: Experiment, alphas: list[float], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        sweep(RECIPE, alphas, experiment, FakeProgress())
    assert not experiment.folder.exists()


@pytest.mark.parametrize(
    ("recipe", "plan", "sentence"),
    [
        ({"models": [A, "nope"]}, {}, "Unknown checkpoint 'nope'"),
        ({"models": [A, B, B], "alpha": [0.5, 0.5]}, {}, "sweep over one weight expects two"),
        ({"models": [A, "tiny-sdxl-a"]}, {}, "only checkpoints of one architecture"),
        ({}, {"parameters": {"sampler": "Nope"}}, "Unknown sampler 'Nope'"),
    ],
)
def test_bad_recipes_and_plans_are_refused_before_anything_is_drawn(
    experiment: Experiment, recipe: dict[str, object], plan: dict[str, object], sentence: str
) -> None:
    asked = dataclasses.replace(experiment, spec=BenchSpec.from_value({**PLAN, **plan}))
    with pytest.raises(TagAtelierError, match=sentence):
        sweep(Recipe.from_value({**RECIPE.as_dict(), **recipe}), [0, 1], asked, FakeProgress())
    assert not experiment.folder.exists()


def test_a_merged_model_stays_merged(experiment: Experiment) -> None:
    host, live = experiment.host, experiment.host.live_model
    assert live is not None
    host.checkpoints.load(host.checkpoints.resolve(A))
    key = next(key for key in list(live.keys()) if "middle_block" in key)
    shape = host.checkpoints.model.shapes[key]  # type: ignore[attr-defined]
    live.overwrite([(key, torch.ones(shape))])
    with pytest.raises(Busy, match="restore it before a sweep"):
        sweep(RECIPE, [0, 1], experiment, FakeProgress())
    assert live.dirty
    live.restore()


def test_a_host_without_a_live_model_says_where_to_sweep(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="sweep on the embedded host"):
        sweep(RECIPE, [0, 1], dataclasses.replace(experiment, host=fake_host(tmp_path)), FakeProgress())


def test_of_equal_candidates_the_one_closest_to_the_first_model_is_best() -> None:
    def trial(alpha: float, score: float, low: float) -> Trial:
        return Trial(alpha, score, low, score + 0.1, RECIPE)

    level = Sweep((trial(0.75, 0.3, 0.2), trial(0, 0.1, 0.0), trial(0.25, 0.3, 0.25)))
    assert (level.best.alpha, level.separable) == (0.25, True)
    assert not Sweep((trial(0, 0.1, 0.0), trial(1, 0.25, 0.15))).separable
    assert not Sweep((trial(0.5, 0.9, 0.8),)).separable, "without the first model alone nothing can be said"
