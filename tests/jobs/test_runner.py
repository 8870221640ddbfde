"""Jobs run one after the other, tell where they are, stop when asked and never take the worker down."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Mapping

import pytest

from tag_atelier.errors import Cancelled, RecipeError, UnknownName
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.ports import Progress


def counting(progress: Progress) -> Mapping[str, object]:
    progress.begin(3, "counting")
    for number in range(3):
        progress.advance(1, f"step {number}")
    return {"answer": 42}


def test_a_job_reports_its_result_and_its_steps() -> None:
    job = JobRunner().start("count", "a count", counting)
    assert job.wait(5)
    shown = job.as_dict()
    assert (shown["state"], shown["done"], shown["total"], shown["text"]) == ("done", 3, 3, "step 2")
    assert shown["result"] == {"answer": 42}
    assert shown["eta_s"] is None


def test_a_failed_job_keeps_the_sentence_and_the_next_one_runs() -> None:
    def fails(_progress: Progress) -> Mapping[str, object]:
        raise RecipeError("There is no block 'IN99'; expected IN00 to IN11.")

    def breaks(_progress: Progress) -> Mapping[str, object]:
        raise ZeroDivisionError("division by zero")

    runner = JobRunner()
    first, second, third = (runner.start("x", "x", work) for work in (fails, breaks, counting))
    assert third.wait(5)
    assert (first.state, first.error) == ("failed", "There is no block 'IN99'; expected IN00 to IN11.")
    assert (second.state, second.error) == ("failed", "ZeroDivisionError: division by zero")
    assert third.state == "done"


def test_cancel_reaches_a_running_job_and_removes_a_queued_one() -> None:
    running = threading.Event()

    def waits(progress: Progress) -> Mapping[str, object]:
        running.set()
        while not progress.cancelled:
            threading.Event().wait(0.005)
        raise Cancelled("Stopped as asked.")

    runner = JobRunner()
    first = runner.start("wait", "first", waits)
    second = runner.start("count", "second", counting)
    assert running.wait(5)
    assert first.state == "running"
    runner.cancel(second.id)
    runner.cancel(first.id)
    assert first.wait(5) and second.wait(5)
    assert (first.state, first.error) == ("cancelled", "Stopped as asked.")
    assert (second.state, second.done) == ("cancelled", 0)


def test_cancelling_what_is_over_changes_nothing() -> None:
    runner = JobRunner()
    job = runner.start("count", "count", counting)
    assert job.wait(5)
    assert runner.cancel(job.id).state == "done"


def test_an_unknown_job_is_named() -> None:
    with pytest.raises(UnknownName, match="Unknown job 'nope'"):
        JobRunner().get("nope")


def test_jobs_are_listed_newest_first() -> None:
    runner = JobRunner()
    jobs = [runner.start("count", str(number), counting) for number in range(3)]
    assert jobs[-1].wait(5)
    assert [job.title for job in runner.list()] == ["2", "1", "0"]


def test_a_job_that_is_over_holds_nothing_of_its_work() -> None:
    class Tagger:
        """Stands for what a job works with: hundreds of megabytes."""

    def holding(tagger: Tagger) -> Job:
        return Job("benchmark", "x", lambda _progress: {"tagger": type(tagger).__name__})

    taggers = [Tagger(), Tagger()]
    left = [weakref.ref(tagger) for tagger in taggers]
    done, cancelled = (holding(tagger) for tagger in taggers)
    taggers.clear()
    done.carry_out()
    cancelled.request_cancel()
    gc.collect()
    assert (done.state, done.result, cancelled.state) == ("done", {"tagger": "Tagger"}, "cancelled")
    assert [reference() for reference in left] == [None, None]


def test_a_job_cancelled_in_the_queue_is_never_begun() -> None:
    begun: list[str] = []

    def work(_progress: Progress) -> Mapping[str, object]:
        begun.append("begun")
        return {}

    job = Job("x", "x", work)
    job.request_cancel()
    job.carry_out()
    assert (job.state, begun) == ("cancelled", [])


def test_stop_waits_until_the_running_job_has_put_its_things_away() -> None:
    running, put_away = threading.Event(), threading.Event()

    def waits(progress: Progress) -> Mapping[str, object]:
        running.set()
        while not progress.cancelled:
            threading.Event().wait(0.005)
        put_away.set()
        raise Cancelled("Stopped.")

    runner = JobRunner()
    first, second = runner.start("wait", "first", waits), runner.start("count", "second", counting)
    assert running.wait(5)
    runner.stop(5)
    assert put_away.is_set()
    assert (first.state, second.state) == ("cancelled", "cancelled")
