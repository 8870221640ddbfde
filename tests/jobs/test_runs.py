"""Stored runs as the doors list them, verdicts on them, and how long a plan will take."""

from pathlib import Path
from typing import Any

import pytest

from tag_atelier.errors import Cancelled, UnknownName
from tag_atelier.jobs.benchmarks import Benchmarks, run_id
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import JobRunner
from tests.fakes import FakeProgress, FakeScorer, fake_host

PLAN: dict[str, Any] = {
    "name": "two",
    "template": "1girl, {tag}",
    "tags": ["glaring", "reaching"],
    "checkpoints": ["model-a"],
    "parameters": {"steps": 2, "width": 64, "height": 64},
    "self_test": 0,
}


def benchmarks(folder: Path) -> Benchmarks:
    return Benchmarks(fake_host(folder), Prompts(), JobRunner(), find_scorer=lambda folders, name: FakeScorer())


def test_a_run_is_listed_as_finished_once_every_picture_is_drawn(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    with pytest.raises(Cancelled):
        found.run_now(PLAN, None, FakeProgress(cancel_after=0))
    (stopped,) = found.runs()
    assert (stopped["name"], stopped["drawn"], stopped["total"], stopped["done"]) == ("two", 0, 3, False)
    found.run_now(PLAN, None, FakeProgress())
    (finished,) = found.runs()
    assert (finished["drawn"], finished["total"], finished["done"]) == (3, 3, True)
    assert finished["files"] == ["report.html", "report.md", "results.csv", "results.json", "sheet.png", "grid.png"]


def test_a_folder_that_holds_no_run_is_listed_without_a_summary(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    (found.runs_folder / "empty").mkdir(parents=True)
    assert found.runs() == [{"id": "empty", "files": []}]


def test_another_threshold_is_the_same_run_and_draws_nothing(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    first = found.run_now(PLAN, None, FakeProgress())
    second = found.run_now({**PLAN, "threshold": 0.95, "note": "stricter"}, None, FakeProgress())
    assert (first["run"], first["drawn"]) == (second["run"], 3)
    assert second["drawn"] == 0
    assert run_id(found.read_spec(PLAN)) != run_id(found.read_spec({**PLAN, "seeds": 2}))


def test_a_plan_says_how_long_it_takes_once_a_run_was_finished(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    assert "seconds" not in found.plan(PLAN)["estimate"]  # type: ignore[operator]
    found.run_now(PLAN, None, FakeProgress())
    estimate: Any = found.plan({**PLAN, "seeds": "1-1000"})["estimate"]
    assert estimate["images"] == 3000
    assert estimate["seconds"] >= 0


def test_verdicts_are_kept_beside_the_run_and_shown_in_its_report(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    run = str(found.run_now(PLAN, None, FakeProgress())["run"])
    key = "ab" * 32
    assert found.add_verdicts(run, {"verdicts": {key: {"answer": "drawn"}}}) == {"run": run, "verdicts": 1}
    assert '"drawn"' in found.report_file(run, "verdicts.json").read_text(encoding="utf-8")
    with pytest.raises(UnknownName, match="Unknown run"):
        found.add_verdicts("../elsewhere", {"verdicts": {}})
