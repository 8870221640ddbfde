"""What a plan remarks before it starts: what may be misspelt, what the tagger cannot see; in both languages."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tag_atelier.bench import choice, judge, report, sets
from tag_atelier.bench.run import run
from tag_atelier.bench.store import Store
from tag_atelier.jobs.benchmarks import Benchmarks
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.runner import JobRunner
from tag_atelier.settings import EXTENSION_FOLDER
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer

TABLE = json.loads((EXTENSION_FOLDER / "localizations" / "zh_CN.json").read_text(encoding="utf-8"))


def test_a_tag_that_may_be_misspelt_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    (note,) = small_plan(small_host(tmp_path), tags=["glaring", "reachin", "sentence of my own"]).notes
    assert note == (
        "2 tags are not in the catalogue; correct their spelling, or leave them: they are drawn as written. "
        "reachin (reaching?), sentence of my own"
    )
    assert small_plan(small_host(tmp_path), tags=["glaring", "reaching"]).notes == ()


def test_what_the_tagger_cannot_see_is_said_before_the_run(tmp_path: Path) -> None:
    benchmarks = Benchmarks(small_host(tmp_path), Prompts(), JobRunner(), find_scorer=lambda *_: FakeScorer(LABELS))
    plan = {"name": "x", "template": "{tag}, 1girl", "checkpoints": ["model-a"]}
    notes = benchmarks.plan({**plan, "tags": ["glaring", "smile"]})["notes"]
    assert notes == [
        "The tagger knows no label of 1 of the 2 tags: they are drawn for the eye and are in no number; another tagger may "
        "know them. smile"
    ]
    assert benchmarks.plan({**plan, "tags": ["glaring", "reaching"]})["notes"] == []


@pytest.mark.parametrize(("language", "words"), [("en", "2 tags are not in the catalogue"), ("zh_CN", "2 个标签不在词表里")])
def test_the_report_repeats_it_in_its_language(tmp_path: Path, language: str, words: str) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    with Store(tmp_path / "run") as store:
        run(small_plan(host, tags=["glaring", "reachin", "{odd}"], self_test=0), host, scorer, store, FakeProgress())
        page = report.write(store, tmp_path / "run", language).read_text(encoding="utf-8")  # type: ignore[arg-type]
    assert f"{words}" in page and "reachin (reaching?), {odd}" in page


def test_a_chinese_report_says_why_a_picture_was_rejected(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS)
    host.sampler.draw_with = "model-b"
    with Store(tmp_path / "run") as store:
        run(small_plan(host, self_test=0), host, scorer, store, FakeProgress())
        assert store.cells()[0].reason == "drawn with 'model-b' instead of 'model-a'"
        page = report.write(store, tmp_path / "run", "zh_CN").read_text(encoding="utf-8")
    assert 'title="实际用“model-b”绘制，而不是“model-a”"' in page and "instead of" not in page
    assert "实际用“model-b”绘制" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def test_every_remark_has_its_chinese() -> None:
    said = {judge.OFFER, judge.TRAINING_JUDGE}
    for module in (choice, judge, sets):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if constant and "{" in node.value and " " in node.value and "``" not in node.value:  # type: ignore[attr-defined]
                said.add(str(node.value))  # type: ignore[attr-defined]
    assert len(said) == 9
    assert sorted(said - set(TABLE)) == []
