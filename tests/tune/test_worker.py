"""One worker on a planted truth: parents first, halving, pause and resume, early end, honest result."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from tag_atelier.errors import Cancelled, HostError
from tag_atelier.merge.recipe import Recipe
from tag_atelier.tune.book import Book
from tag_atelier.tune.overview import overview
from tag_atelier.tune.status import Score, StudyStatus
from tag_atelier.tune.study_spec import StudySpec
from tag_atelier.tune.worker import Worker
from tests.fakes import FakeProgress
from tests.tune.planted import PlantedPainter, planted_book, planted_plans, planted_spec, regret


def work(
    spec: StudySpec, folder: Path, painter: PlantedPainter, progress: FakeProgress | None = None
) -> tuple[Book, StudyStatus]:
    book = planted_book(spec, folder)
    Worker(book, planted_plans(spec), painter, folder).work(progress or FakeProgress())
    return book, overview(book.read(), {})


def test_a_study_goes_through_parents_search_confirmation_and_validation(tmp_path: Path) -> None:
    spec, painter = planted_spec(trials=26), PlantedPainter(noise=0.02)
    book, status = work(spec, tmp_path, painter)
    names = [name.removeprefix("planted: ") for name, _ in painter.measured]
    assert names[:3] == ["a", "b", "search-1-1"]
    assert names[-6:] == ["answer-search", "answer-fresh", "a", "answer-validation", "a", "b"]
    assert (status.phase, status.finished_trials, len(status.trials), status.running) == ("done", 26, 26, False)
    assert [parent.is_best for parent in status.parents] == [True, False]
    start, answer = book.spaces["search"].start(), book.read().answer_recipe()
    assert answer is not None
    assert regret(answer) < 0.5 * regret(book.spaces["search"].recipe(start, ""))
    assert status.result is not None and status.result.beats_best_parent
    assert status.result.best_parent == "a" and status.result.difference.low > 0.2
    assert "beats the best parent 'a'" in str(status.result.sentence)
    assert painter.restored == 1
    assert len(status.convergence) == 24 and status.convergence[-1].best >= status.convergence[0].best
    assert set(status.importance) == {"early", "deep", "rising", "late"}
    assert sum(status.importance.values()) == pytest.approx(1)


def test_nothing_beats_a_parent_that_is_the_best_there_is(tmp_path: Path) -> None:
    class Flat(PlantedPainter):
        """Every merge is as good as any model; only luck differs."""

        def measure(self, recipe, plan, folder, progress):  # type: ignore[no-untyped-def]
            found = super().measure(recipe, plan, folder, progress)
            lifts = {tag: self._luck(recipe, tag, plan) for tag in found.lifts}
            return type(found)(found.lift, lifts, (0.5,) * len(found.recalls), found.pictures, found.diversity)

    _, status = work(planted_spec(trials=12), tmp_path, Flat(noise=0.05))
    assert status.result is not None and not status.result.beats_best_parent
    assert str(status.result.sentence).startswith("Nothing was found that beats the best parent")


def test_the_answer_is_held_against_the_parent_that_is_best_on_validation(tmp_path: Path) -> None:
    class Late(PlantedPainter):
        """The second model knows the validation's tags, of which the search can tell nothing."""

        def measure(self, recipe, plan, folder, progress):  # type: ignore[no-untyped-def]
            found = super().measure(recipe, plan, folder, progress)
            if recipe.name != "b" or plan.seeds != (1001,):
                return found
            return replace(found, lift=Score(0.9, 0.8, 1.0), lifts=dict.fromkeys(found.lifts, 0.9))

    _, status = work(planted_spec(trials=12), tmp_path, Late(noise=0.02))
    assert [parent.name for parent in status.parents if parent.is_best] == ["a"]
    assert status.result is not None and status.result.best_parent == "b"
    assert status.result.difference.high < 0 and not status.result.beats_best_parent


def test_after_half_of_the_prompts_only_the_better_half_goes_on(tmp_path: Path) -> None:
    painter = PlantedPainter(noise=0.02)
    _, status = work(planted_spec(trials=26, halving=[0.5, 1]), tmp_path, painter)
    searched = [trial for trial in status.trials if trial.phase == "search"]
    early = [trial for trial in searched if trial.state == "stopped early"]
    assert 5 <= len(early) <= 14
    assert all(trial.share == 0.5 for trial in early)
    drawn = [count for name, count in painter.measured if name == f"planted: {early[0].candidate}"]
    assert drawn == [8]
    assert [count for name, count in painter.measured if name == "a"][:2] == [8, 16], "parents are drawn in full"


def test_a_paused_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    spec, first = planted_spec(trials=16), PlantedPainter(noise=0.02)
    with pytest.raises(Cancelled, match="start it again to go on"):
        work(spec, tmp_path, first, FakeProgress(cancel_after=5))
    assert first.restored == 1
    second = PlantedPainter(noise=0.02)
    _, resumed = work(spec, tmp_path, second)
    _, whole = work(spec, tmp_path / "whole", PlantedPainter(noise=0.02))
    assert not {name for name, _ in first.measured} & {name for name, _ in second.measured if "search" in name}
    assert [trial.objective for trial in resumed.trials] == [trial.objective for trial in whole.trials]
    assert resumed.answer is not None and whole.answer is not None
    assert resumed.answer.recipe == whole.answer.recipe


def test_a_failing_candidate_is_tried_again_by_the_next_session(tmp_path: Path) -> None:
    def fail(name: str) -> None:
        if "search-1-3" in name:
            raise HostError("The WebUI went away; start it again.")

    spec = planted_spec(trials=12)
    with pytest.raises(HostError, match="went away"):
        work(spec, tmp_path, PlantedPainter(before=fail))
    _, status = work(spec, tmp_path, PlantedPainter())
    assert [trial.state for trial in status.trials if trial.candidate == "search-1-3"] == ["done", "lost"]
    assert status.finished_trials == 12


def test_a_study_that_is_ended_early_is_still_confirmed_and_validated(tmp_path: Path) -> None:
    spec = planted_spec(trials=40)
    book = planted_book(spec, tmp_path)

    def stop(name: str) -> None:
        if "search-2-1" in name:
            book.ledger.note(stop=True)

    painter = PlantedPainter(noise=0.02, before=stop)
    Worker(book, planted_plans(spec), painter, tmp_path).work(FakeProgress())
    status = overview(book.read(), {})
    assert (status.phase, status.finished_trials) == ("done", 11)
    assert status.result is not None and status.notes


NEEDS_SCIPY = pytest.mark.skipif(not find_spec("scipy"), reason="scipy is not installed")


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "theatre", pytest.param("gp", marks=NEEDS_SCIPY)])
def test_every_sampler_carries_a_study_out(sampler: str, tmp_path: Path) -> None:
    book, status = work(planted_spec(trials=14, sampler=sampler), tmp_path, PlantedPainter(noise=0.02))
    assert (status.phase, status.finished_trials) == ("done", 14)
    assert all(trial.weights for trial in status.trials if trial.phase == "search")
    answer = book.read().answer_recipe()
    assert answer is not None and answer == Recipe.from_value(status.answer.recipe if status.answer else "")


@pytest.mark.skipif(bool(find_spec("scipy")), reason="scipy is installed")
def test_gp_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="pip install scipy"):
        work(planted_spec(trials=14, sampler="gp"), tmp_path, PlantedPainter())


def test_a_second_finer_stage_goes_on_from_the_first(tmp_path: Path) -> None:
    spec = planted_spec(trials=32, space={"groups": "eight", "refine": "blocks", "low": 0, "high": 1})
    book, status = work(spec, tmp_path, PlantedPainter(noise=0.02))
    assert [trial.phase for trial in status.trials].count("refine") == 10
    found = book.read().answer()
    assert found is not None and found[0] == "refine" and len(found[1]) == 20
