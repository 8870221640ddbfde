"""Stored runs as the doors list them, verdicts on them, and how long a plan will take."""

import re
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench.store import Store
from tag_atelier.errors import Busy, Cancelled, SpecError, TagAtelierError, UnknownName
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
    (stopped,) = found.stored.listed()
    assert (stopped["name"], stopped["drawn"], stopped["total"], stopped["done"]) == ("two", 0, 3, False)
    found.run_now(PLAN, None, FakeProgress())
    (finished,) = found.stored.listed()
    assert (finished["drawn"], finished["total"], finished["done"]) == (3, 3, True)
    assert finished["files"] == ["report.html", "report.md", "results.csv", "results.json", "sheet.png", "grid.png", "card.md"]


def test_a_folder_that_holds_no_run_is_listed_without_a_summary(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    (found.runs_folder / "empty").mkdir(parents=True)
    assert found.stored.listed() == [{"id": "empty", "files": [], "size_bytes": 0}]


def test_another_threshold_is_the_same_run_and_draws_nothing(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    first = found.run_now(PLAN, None, FakeProgress())
    second = found.run_now({**PLAN, "threshold": 0.95, "note": "stricter"}, None, FakeProgress())
    assert (first["run"], first["drawn"]) == (second["run"], 3)
    assert second["drawn"] == 0
    assert run_id(found.read_spec(PLAN)) != run_id(found.read_spec({**PLAN, "seeds": 2}))


def test_a_verdict_is_in_the_report_that_is_opened_in_the_same_second(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    name = str(found.run_now(PLAN, None, FakeProgress())["run"])
    pictures: Any = found.stored.verdicts(name)["pictures"]
    found.stored.add_verdicts(name, {"verdicts": {pictures[0]["key"]: {"answer": "broken"}}})
    page = found.stored.report_file(name, "report.html").read_text(encoding="utf-8")
    assert '<span class="eye" title="broken">' in page


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
    assert found.stored.add_verdicts(run, {"verdicts": {key: {"answer": "drawn"}}}) == {"run": run, "verdicts": 1}
    assert '"drawn"' in found.stored.report_file(run, "verdicts.json").read_text(encoding="utf-8")
    with pytest.raises(UnknownName, match="Unknown run"):
        found.stored.add_verdicts("../elsewhere", {"verdicts": {}})


def with_run(folder: Path, **changes: Any) -> tuple[Benchmarks, str]:
    found = benchmarks(folder)
    return found, str(found.run_now({**PLAN, **changes}, None, FakeProgress())["run"])


def test_pictures_to_judge_come_in_the_order_in_which_they_say_most(tmp_path: Path) -> None:
    scores = {"glaring": 0.9, "reaching": 0.3, "smile": 0.36}

    class Unsure(FakeScorer):
        def probability(self, label: str, checkpoint: str, prompt: str, seed: int) -> float:
            return scores[label] if label.replace("_", " ") in prompt else 0.05

    host = fake_host(tmp_path)
    found = Benchmarks(host, Prompts(), JobRunner(), find_scorer=lambda *_: Unsure(tuple(scores)))
    plan = {**PLAN, "tags": ["unheard of", "glaring", "reaching", "smile"], "verdicts": "confusionxl-v2"}
    run = str(found.run_now(plan, None, FakeProgress())["run"])
    asked: Any = found.stored.verdicts(run)
    # Published says that reaching is drawn and the tagger does not; then the distance from 0.35; the unknown last.
    assert [item["tag"] for item in asked["pictures"]] == ["reaching", "smile", "glaring", "unheard_of"]
    first = asked["pictures"][0]
    assert (first["published"], first["verdict"], first["checkpoint"], first["seed"]) == ("drawn", None, "model-a", 1)
    assert found.stored.picture_file(run, first["image"]).is_file()
    found.stored.add_verdicts(run, {"verdicts": {first["key"]: {"answer": "drawn", "but": True, "note": "左手"}}})
    again: Any = found.stored.verdicts(run)
    assert [item["tag"] for item in again["pictures"]] == ["smile", "glaring", "unheard_of", "reaching"]
    assert again["pictures"][-1]["verdict"] == {"answer": "drawn", "but": True, "note": "左手"}
    assert (again["agreement"]["only_people"], again["agreement"]["judged"]) == (1, 1)
    assert again["corrected"] == []  # fewer than 50


def test_a_report_is_written_again_when_verdicts_came(tmp_path: Path) -> None:
    found, run = with_run(tmp_path)
    old = found.runs_folder / run / "report.html"
    age(old)
    before = old.read_text(encoding="utf-8")
    assert found.stored.report_file(run, "report.html").read_text(encoding="utf-8") == before
    key = found.stored.verdicts(run)["pictures"][0]["key"]  # type: ignore[index]
    found.stored.add_verdicts(run, {"verdicts": {key: {"answer": "broken", "note": "two left hands"}}})
    assert "two left hands" in found.stored.report_file(run, "report.html").read_text(encoding="utf-8")


def age(path: Path, seconds: int = 60) -> None:
    import os

    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))


def test_a_report_asked_for_while_the_run_goes_on_is_valid_and_says_so(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    reports: list[str] = []

    class Looking(FakeProgress):
        def advance(self, steps: int = 1, text: str = "") -> None:
            super().advance(steps, text)
            (run,) = found.stored.listed()
            reports.append(found.stored.report_file(str(run["id"]), "report.html").read_text(encoding="utf-8"))

    found.run_now({**PLAN, "batch_size": 1}, None, Looking())
    assert any("Partial" in text for text in reports)
    assert all(text.rstrip().endswith("</html>") for text in reports)


def test_an_export_holds_the_report_and_no_path_of_this_machine(tmp_path: Path) -> None:
    import zipfile

    found, run = with_run(tmp_path, note=f"made in {tmp_path} and C:\\Users\\ann\\models\\a.safetensors")
    with zipfile.ZipFile(found.stored.report_file(run, "export.zip")) as archive:
        names = set(archive.namelist())
        texts = {name: archive.read(name).decode("utf-8") for name in names if name.endswith((".html", ".md", ".json", ".csv"))}
    assert {f"{run}/report.html", f"{run}/results.json", f"{run}/sheet.png"} <= names
    assert not any(name.endswith(".sqlite") or "/images/" in name for name in names)
    assert all(str(tmp_path) not in text and "ann" not in re.findall(r"Users\W+(\w+)", text) for text in texts.values())
    assert "a.safetensors" in texts[f"{run}/report.md"]


def test_runs_are_compared_on_the_tags_they_share(tmp_path: Path) -> None:
    found = Benchmarks(
        fake_host(tmp_path), Prompts(), JobRunner(), find_scorer=lambda *_: FakeScorer(("glaring", "reaching", "smile"), SKILL)
    )
    first = str(found.run_now(PLAN, None, FakeProgress())["run"])
    second = {**PLAN, "name": "other", "checkpoints": ["model-b"], "tags": ["smile", "reaching"], "template": "{tag}, 1girl"}
    other = str(found.run_now(second, None, FakeProgress())["run"])
    told: Any = found.stored.compare([first, other])
    assert (told["tags"], told["seeds"]) == (1, [1])
    assert [(item["name"], item["hits"], item["drawn"]) for item in told["columns"]] == [
        (f"model-a ({first})", 1, 1),
        (f"model-b ({other})", 0, 1),
    ]
    assert told["notes"] == ["The runs have different templates, so a part of the difference is the prompt's."]
    with pytest.raises(SpecError, match="Fewer than two runs"):
        found.stored.compare([first, first])


SKILL = {"model-b": 0.0}


def test_a_deleted_run_is_gone_and_one_that_is_written_is_not_deleted(tmp_path: Path) -> None:
    found, run = with_run(tmp_path)
    with Store(found.runs_folder / run) as store, store.writing(), pytest.raises(Busy, match="Another job is writing"):
        found.stored.delete(run)
    size = found.stored.listed()[0]["size_bytes"]
    assert found.stored.delete(run) == {"deleted": run, "size_bytes": size}
    assert found.stored.listed() == [] and list(found.runs_folder.iterdir()) == []
    with pytest.raises(UnknownName):
        found.stored.delete(run)


def test_a_damaged_run_is_told_of_and_can_be_deleted(tmp_path: Path) -> None:
    found = benchmarks(tmp_path)
    run = found.run_now(PLAN, None, FakeProgress())["run"]
    with Store(found.runs_folder / run) as store, store._transaction() as database:
        database.execute("UPDATE cell SET tags = 'no json'")
    with pytest.raises(TagAtelierError, match=r"its database is damaged; put a copy of it back, or delete the run\."):
        found.stored.cells(run)
    (found.runs_folder / run / "run.sqlite").write_bytes(b"no database" * 100)
    assert [item["id"] for item in found.stored.listed()] == [run]
    assert found.stored.delete(run)["deleted"] == run
    assert found.stored.listed() == []
