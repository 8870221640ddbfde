"""A benchmark as a job: what it refuses before it draws, and what it leaves behind when it fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tag_atelier.errors import Busy, Cancelled, HostError, SpecError, UnknownName
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.benchmarks import Benchmarks
from tag_atelier.ports import Progress, SamplingParameters
from tests.fakes import FakeProgress, FakeScorer, fake_host

PLAN = {"name": "two tags", "template": "1girl, {tag}", "tags": ["glaring", "reaching"], "checkpoints": ["model-a"]} | {
    "parameters": {"width": 64, "height": 64, "steps": 2, "sampler": "Euler"},
    "batch_size": 1,
}


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    return make(tmp_path)


def make(folder: Path, **changes: Any) -> Atelier:
    host = dataclasses.replace(fake_host(folder, tensors={"weight": torch.zeros(2)}), **changes)
    return Atelier(host, find_scorer=lambda _folders, _name: FakeScorer())


def merge_live(atelier: Atelier) -> None:
    """What a live merge leaves in the loaded model."""
    assert atelier.host.live_model is not None
    atelier.host.checkpoints.load(atelier.host.checkpoints.resolve("model-a"))
    atelier.host.live_model.overwrite([("weight", torch.ones(2))])


def test_a_run_that_fails_before_its_first_picture_leaves_no_folder(atelier: Atelier, tmp_path: Path) -> None:
    atelier.host.sampler.fail_with = HostError("The GPU is gone.")  # type: ignore[attr-defined]
    with pytest.raises(HostError, match=r"The GPU is gone\."):
        atelier.benchmarks.run_now(PLAN, tmp_path / "run", FakeProgress())
    assert not (tmp_path / "run").exists()


def test_a_run_stopped_before_it_knows_its_batch_size_leaves_no_folder(atelier: Atelier, tmp_path: Path) -> None:
    benchmarks = atelier.benchmarks
    with pytest.raises(Cancelled):
        benchmarks.run_now({**PLAN, "batch_size": "auto"}, tmp_path / "open", FakeProgress(cancel_after=0))
    assert not (tmp_path / "open").exists()
    with pytest.raises(Cancelled):
        benchmarks.run_now(PLAN, tmp_path / "begun", FakeProgress(cancel_after=0))
    assert (tmp_path / "begun" / "report.html").is_file()


def test_a_failing_run_leaves_a_folder_that_was_there_before(atelier: Atelier, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine", encoding="utf-8")
    atelier.host.sampler.fail_with = HostError("The GPU is gone.")  # type: ignore[attr-defined]
    with pytest.raises(HostError):
        atelier.benchmarks.run_now(PLAN, tmp_path / "run", FakeProgress())
    assert (tmp_path / "run" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_stopped_run_can_be_taken_up(atelier: Atelier, tmp_path: Path) -> None:
    class StoppedAfterABatch(FakeProgress):
        @property
        def cancelled(self) -> bool:
            return bool(atelier.host.sampler.batches)  # type: ignore[attr-defined]

    with pytest.raises(Cancelled):
        atelier.benchmarks.run_now(PLAN, tmp_path / "run", StoppedAfterABatch())
    assert (tmp_path / "run" / "report.html").is_file()
    summary = atelier.benchmarks.run_now(PLAN, tmp_path / "run", FakeProgress())
    assert summary["missing"] == 0 and summary["stored_before"] != 0


def test_a_folder_that_is_a_file_is_one_sentence(atelier: Atelier, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(HostError, match="The run's folder 'file' could not be written"):
        atelier.benchmarks.run_now(PLAN, tmp_path / "file", FakeProgress())
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_merged_model_is_not_benchmarked(atelier: Atelier, tmp_path: Path) -> None:
    merge_live(atelier)
    with pytest.raises(Busy, match="merged live; restore it"):
        atelier.benchmarks.run_now(PLAN, tmp_path / "run", FakeProgress())
    assert not (tmp_path / "run").exists()


def test_a_merge_for_one_job_is_waited_for(tmp_path: Path) -> None:
    """While somebody draws one picture with a merge of its own, the model is changed, but not for long."""
    entered: list[str] = []

    class Queue:
        """The host's queue; whoever held it has put the model back when it is free."""

        def __enter__(self) -> None:
            entered.append("queue")
            assert made.host.live_model is not None
            made.host.live_model.restore()

        def __exit__(self, *_: object) -> None:
            entered.append("free")

    made = make(tmp_path, exclusive=Queue)
    merge_live(made)
    assert made.benchmarks.run_now(PLAN, tmp_path / "run", FakeProgress())["missing"] == 0
    assert entered[:2] == ["queue", "free"]


def test_what_the_host_cannot_draw_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refuse(parameters: SamplingParameters) -> None:
        raise UnknownName("sampler", parameters.sampler, ["DDIM"])

    atelier = make(tmp_path, check_parameters=refuse)
    for ask in (atelier.plan_benchmark, atelier.start_benchmark):
        with pytest.raises(UnknownName, match="Unknown sampler 'Euler'; expected one of: DDIM"):
            ask(PLAN)
    assert atelier.runner.list() == [] and atelier.benchmarks.stored.listed() == []


def test_start_answers_busy_at_once_unless_a_restore_is_queued(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(atelier.merges), "stays", True)
    with pytest.raises(Busy, match="merged live"):
        atelier.start_benchmark(PLAN)
    assert atelier.runner.list() == []

    def restores(progress: Progress) -> dict[str, object]:
        while not progress.cancelled:
            pass
        return {}

    restoring = atelier.runner.start("restore", "restore", restores)
    benchmark = atelier.start_benchmark(PLAN)
    atelier.runner.cancel(restoring.id)
    assert benchmark.wait(20) and benchmark.state == "done", benchmark.error


def test_two_benchmarks_of_one_plan_share_a_run(atelier: Atelier) -> None:
    jobs = [atelier.start_benchmark(PLAN) for _ in range(2)]
    assert all(job.wait(20) for job in jobs)
    first, second = (job.result for job in jobs)
    assert (first["run"], first["drawn"], second["drawn"], second["stored_before"]) == (second["run"], 3, 0, 3)


def test_the_script_inside_a_job_does_not_take_the_queue_again(atelier: Atelier, tmp_path: Path) -> None:
    inside = Benchmarks(
        dataclasses.replace(atelier.host, exclusive=None),
        atelier.prompts,
        atelier.runner,
        atelier.options,
        lambda *_: FakeScorer(),
    )
    assert inside.run_now(PLAN, tmp_path / "run", FakeProgress())["missing"] == 0


def test_unknown_verdicts_are_named_before_anything_is_drawn(atelier: Atelier, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Unknown file of verdicts '../nope'"):
        atelier.benchmarks.run_now({**PLAN, "verdicts": "../nope"}, tmp_path / "run", FakeProgress())
    assert atelier.host.sampler.batches == []  # type: ignore[attr-defined]
    assert not (tmp_path / "run").exists()


def test_a_shipped_plan_without_checkpoints_says_where_they_go(atelier: Atelier) -> None:
    with pytest.raises(SpecError, match=r"'checkpoints: \[name, …\]' in it, for a shipped plan beside 'preset: NAME'"):
        atelier.plan_benchmark({"preset": "rare-8"})
