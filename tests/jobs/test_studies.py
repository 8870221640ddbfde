"""Searches as jobs on tiny files, with a sampler that can be held up: paused, taken up after a restart, ended, used."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("optuna")

from tag_atelier.errors import Busy, HostError, RequestError, SpecError, UnknownName, Unsupported
from tag_atelier.jobs import extras, studies
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.runner import Job
from tag_atelier.merge.recipe import Recipe
from tests.fakes import FakeProgress
from tests.jobs.tiny_studies import STUDY, TAGS, A, B, build_atelier, sampler


@pytest.fixture(scope="module")
def models(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("studies") / "models"
    shutil.copytree(tiny_checkpoints[A].parent, made, ignore=shutil.ignore_patterns("tiny-sdxl-*"))
    return made


@pytest.fixture
def atelier(models: Path, tmp_path: Path) -> Iterator[Atelier]:
    made = build_atelier(models, tmp_path / "data")
    yield made
    sampler(made).let_go()
    made.runner.stop(20)


def ended(job: Job) -> Job:
    assert job.wait(300)
    return job


def begun_and_held(atelier: Atelier, after: int) -> tuple[Job, str]:
    """A study that is at work and stands still once ``after`` of its candidates are finished."""
    sampler(atelier).hold(after)
    job = atelier.studies.start(STUDY)
    assert sampler(atelier).reached.wait(300)
    return job, str(job.result["study"])


def test_a_study_is_carried_out_and_the_model_is_its_own_again(atelier: Atelier) -> None:
    job = ended(atelier.studies.start(STUDY))
    assert (job.state, job.error) == ("done", "")
    study = str(job.result["study"])
    found: Any = atelier.studies.status(study)
    assert (found["state"], found["phase"], found["finished_trials"]) == ("done", "done", 5)
    assert [parent["name"] for parent in found["parents"]] == [A, B]
    assert found["outcome"]["values"]["parent"] == found["result"]["best_parent"]
    assert found["result"]["sentence"].startswith("Nothing was found that beats the best parent")  # all draw alike
    assert found["files"] == ["report.html", "report.md", "best.yaml"]
    recipe = Recipe.from_value(str(atelier.studies.best(study)["recipe"]))
    assert recipe.models == (A, B) and atelier.studies.best(study)["final"] is True
    (entry,) = atelier.studies.listed()["studies"]  # type: ignore[misc]
    assert (entry["state"], entry["finished_trials"], entry["sentence"]) == ("done", 5, found["result"]["sentence"])
    assert atelier.host.live_model is not None and not atelier.host.live_model.dirty
    page = atelier.studies.file(study, "report.html").read_text(encoding="utf-8")
    assert "Nothing was found that beats the best parent" in page and "data:image/" in page and 'src="http' not in page
    small = atelier.studies.shelf.picture(study, "parent-1-1.png", "thumbs")
    assert small.parent.name == "thumbs" and small.stat().st_size > 100


def test_the_cost_is_said_before_anything_is_drawn(atelier: Atelier) -> None:
    found: Any = atelier.studies.plan(STUDY)
    # 6 prompts and the one without a tag; 5 candidates, the answer twice and a parent once more, three validations
    assert found["pictures_per_trial"] == [7] and found["pictures"] == 5 * 7 + 7 + 2 * 7 + 3 * 7
    assert found["models"] == [A, B] and found["started"] is False and "seconds" not in found
    assert sampler(atelier).batches == [] and atelier.studies.listed()["studies"] == []
    plan = {**STUDY["plan"], "name": "before", "checkpoints": [A], "tags": TAGS[:2], "self_test": 0}
    atelier.benchmarks.run_now(plan, None, FakeProgress())
    assert atelier.studies.plan(STUDY)["seconds"] > 0  # type: ignore[operator]


def test_the_password_of_a_storage_is_kept_from_requests(atelier: Atelier) -> None:
    job = ended(atelier.studies.start(STUDY))
    folder = atelier.studies.shelf.folder(str(job.result["study"]))
    with (folder / "study.yaml").open("a", encoding="utf-8") as file:
        file.write("note: postgresql://me:s@c/ret@machine/base\n")
    assert "note: postgresql://…@machine/base" in str(atelier.studies.status(folder.name)["spec"])
    with pytest.raises(UnknownName):
        atelier.studies.file(folder.name, "study.yaml")


def test_what_cannot_be_searched_is_refused_at_once(atelier: Atelier) -> None:
    for spec, error, said in (
        (3, RequestError, "neither an object nor a text"),
        ({**STUDY, "plan": "no-such-plan"}, UnknownName, "no-such-plan"),
        ({"preset": "no-such-study"}, UnknownName, "no-such-study"),
        ({**STUDY, "models": [A, "nobody"]}, UnknownName, "nobody"),
        ({**STUDY, "prompts": 1}, SpecError, "set 'prompts' to at least 6"),
        ({**STUDY, "storage": "/anywhere/else.log"}, SpecError, "tune start"),
        ({**STUDY, "storage": "sqlite:////anywhere/else.db"}, SpecError, "tune start"),
    ):
        for ask in (atelier.studies.plan, atelier.studies.start):
            with pytest.raises(error, match=said):
                ask(spec)
    with pytest.raises(UnknownName, match="no-such-study"):
        atelier.studies.status("no-such-study")
    assert atelier.runner.list() == []


def test_settings_of_the_user_fill_what_a_studys_plan_leaves_out(models: Path, tmp_path: Path) -> None:
    made = build_atelier(models, tmp_path)
    made.benchmarks._options = lambda: {"batch_size": 7, "threshold": 0.4, "language": "en"}
    plan = {key: value for key, value in STUDY["plan"].items() if key != "batch_size"}
    read = made.studies.read_spec({**STUDY, "plan": plan})
    assert (read.plan.batch_size, read.plan.threshold) == (7, 0.4)
    assert made.studies.read_spec({"preset": "miniature", "trials": 9}).trials == 9


def test_a_paused_study_goes_on_after_a_restart(atelier: Atelier, models: Path) -> None:
    job, study = begun_and_held(atelier, 3)
    with pytest.raises(Busy, match="at work already"):
        atelier.studies.start(STUDY)
    with pytest.raises(Busy, match="pause it first"):
        atelier.studies.delete(study)
    found: Any = atelier.studies.status(study)
    assert (found["state"], found["job"], found["running"]) == ("running", job.id, True)
    atelier.studies.pause(study)
    sampler(atelier).let_go()
    assert ended(job).state == "cancelled"
    before: Any = atelier.studies.status(study)
    assert (before["state"], before["finished_trials"]) == ("paused", 3)
    with pytest.raises(SpecError, match="nothing to pause"):
        atelier.studies.pause(study)
    again = build_atelier(models, atelier.host.data_folder)
    (entry,) = again.studies.listed()["studies"]  # type: ignore[misc]
    assert (entry["id"], entry["state"], entry["finished_trials"]) == (study, "paused", 3)
    assert ended(again.studies.resume(study)).state == "done"
    after: Any = again.studies.status(study)
    counted = [trial["candidate"] for trial in after["trials"] if trial["number"]]
    assert len(counted) == len(set(counted)) == 5
    assert again.studies.delete(study)["deleted"] == study
    assert again.studies.listed()["studies"] == []


def test_a_study_is_ended_early_and_still_validated(atelier: Atelier) -> None:
    blocker = threading.Event()
    waiting = atelier.runner.start("other", "in front", lambda _progress: {"over": blocker.wait(300)})
    queued = atelier.studies.start(STUDY)
    shown: Any = atelier.studies.status(str(queued.result["study"]))
    assert (shown["state"], shown["phase"], shown["finished_trials"]) == ("queued", "parents", 0)
    atelier.runner.cancel(queued.id)
    blocker.set()
    ended(waiting)
    job, study = begun_and_held(atelier, 1)
    with pytest.raises(SpecError, match="tried no candidate yet"):
        atelier.studies.stop(study)
    sampler(atelier).hold(3)
    assert sampler(atelier).reached.wait(300)
    assert atelier.studies.stop(study) is job
    sampler(atelier).let_go()
    assert ended(job).state == "done", job.error
    found: Any = atelier.studies.status(study)
    assert found["phase"] == "done" and found["finished_trials"] < 5
    assert found["result"] is not None and len(found["notes"]) == 1
    with pytest.raises(SpecError, match="is done"):
        atelier.studies.stop(study)


def test_the_answer_becomes_a_checkpoint_a_benchmark_and_a_live_merge(atelier: Atelier) -> None:
    study = str(ended(atelier.studies.start(STUDY)).result["study"])
    with pytest.raises(SpecError, match="save it as one first"):
        atelier.studies.benchmark(study)
    saved = ended(atelier.studies.save(study, "found"))
    assert saved.state == "done" and saved.result["file"] == "found.safetensors"
    plan = atelier.benchmarks.read_spec(atelier.studies.benchmark(study)["spec"])
    assert plan.checkpoints == ("found", A, B) and not set(plan.seeds) & {1, 1001}
    (atelier.host.checkpoints.output_folder() / "found.safetensors").unlink()
    assert ended(atelier.studies.live(study)).state == "done"
    assert atelier.host.live_model is not None and atelier.host.live_model.dirty
    with pytest.raises(Busy, match="merged live"):
        atelier.studies.resume(study)
    ended(atelier.restore_live())


def test_somebody_elses_picture_comes_between_two_candidates_and_meets_no_merge(atelier: Atelier) -> None:
    job, _ = begun_and_held(atelier, 2)
    assert atelier.host.exclusive is not None and atelier.host.live_model is not None
    seen: list[bool] = []

    def draw() -> None:
        with atelier.host.exclusive():  # type: ignore[misc]
            seen.append(atelier.host.live_model.dirty)  # type: ignore[union-attr]

    other = threading.Thread(target=draw)
    other.start()
    sampler(atelier).let_go()
    other.join(60)
    assert seen == [False]
    assert ended(job).state == "done"


def test_without_optuna_a_search_says_what_to_press(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "PACKAGE", "no_such_package")
    assert atelier.studies.listed()["ready"] is False
    with pytest.raises(Unsupported, match="press Install, then start again"):
        atelier.studies.start(STUDY)


def test_what_is_there_is_not_installed_again(atelier: Atelier) -> None:
    with pytest.raises(RequestError, match="installed already"):
        atelier.studies.install()


def test_installing_is_told_in_pips_words() -> None:
    def installer(program: str) -> list[str]:
        return [sys.executable, "-c", program]

    said = extras.install("tune", "json", FakeProgress(), installer("import sys; print('Tag Atelier: installed', sys.argv[1])"))
    assert said == {"said": "Tag Atelier: installed tune"}
    with pytest.raises(HostError, match="^no wheel for you$"):
        extras.install("tune", "json", FakeProgress(), installer("print('no wheel for you'); raise SystemExit(1)"))
    with pytest.raises(HostError, match="'no_such_package' could not be installed"):
        extras.install("tune", "no_such_package", FakeProgress(), installer("pass"))
    with pytest.raises(HostError, match="pip could not be started"):
        extras.install("tune", "json", FakeProgress(), ["/no/such/program"])
