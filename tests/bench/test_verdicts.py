"""Verdicts by people: read, kept, compared with the tagger's, and used to correct it once there are enough."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench import report, verdicts
from tag_atelier.bench.published import published
from tag_atelier.bench.run import run
from tag_atelier.bench.score import Evaluation, Reading, evaluate
from tag_atelier.bench.spec import BenchSpec, list_presets
from tag_atelier.bench.store import Store
from tag_atelier.bench.verdicts import Agreement, Verdict
from tag_atelier.errors import RequestError, SpecError, UnknownName
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer


def test_verdicts_are_laid_over_those_that_are_there(tmp_path: Path) -> None:
    verdicts.add(tmp_path, {"verdicts": {"a": {"answer": "drawn", "but": True, "note": "两只左手"}, "b": {"answer": "absent"}}})
    verdicts.add(tmp_path, {"verdicts": {"b": {"answer": "broken"}}})
    assert verdicts.read(tmp_path) == {"a": Verdict("drawn", True, "两只左手"), "b": Verdict("broken")}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "no mapping with 'verdicts'"),
        ({"verdicts": {"a": {"answer": "maybe"}}}, "expected 'answer' to be one of: drawn, absent, unsure, broken"),
        ({"verdicts": {"a": {"answer": "drawn", "but": "yes"}}}, "'but' is 'yes'"),
        ({"verdicts": {"a": {"answer": "drawn", "who": "me"}}}, "Unknown key 'who'"),
    ],
)
def test_what_is_no_verdict_is_refused_and_nothing_is_written(tmp_path: Path, value: object, sentence: str) -> None:
    verdicts.add(tmp_path, {"verdicts": {"a": {"answer": "drawn"}}})
    with pytest.raises(RequestError, match=sentence):
        verdicts.add(tmp_path, value)
    assert verdicts.read(tmp_path) == {"a": Verdict("drawn")}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "verdicts.json").write_text("{", encoding="utf-8")
    with pytest.raises(RequestError, match="export the verdicts again"):
        verdicts.read(tmp_path)


def test_the_page_s_verdicts_cover_its_four_rows() -> None:
    found = published("confusionxl-v2")
    counts = {}
    for row in ("actions", "faces", "views", "outfits"):
        spec = BenchSpec.from_value(f"page-{row}")
        assert spec.verdicts == "confusionxl-v2"
        tags = [tag.replace(" ", "_") for tag in spec.tags]
        counts[row] = [found.answers[tag] for tag in tags].count("drawn")
    assert counts == {"actions": 7, "faces": 7, "views": 8, "outfits": 6}
    assert len(found.answers) == 32
    assert "verdicts" not in list_presets()


def test_unknown_published_verdicts_are_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="confusionxl-v2"):
        small_plan(small_host(tmp_path), verdicts="somewhere")


def test_a_tag_with_two_verdicts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("source: x\ndrawn: [a tag]\nabsent: [a_tag]\n", encoding="utf-8")
    with pytest.raises(SpecError, match="two verdicts on 'a_tag'"):
        published("twice", tmp_path)


def judged(people: Mapping[str, verdicts.Answer], tagger: Mapping[str, float]) -> tuple[Evaluation, dict[str, Verdict]]:
    seen = {key: Reading((("glaring", value),)) for key, value in tagger.items()}
    found = Evaluation(0.35, (1,), ("glaring",), (), (), (), {}, seen=seen)
    return found, {key: Verdict(answer) for key, answer in people.items()}


def test_agreement_counts_pictures_that_both_judged() -> None:
    people: dict[str, Any] = {
        "a": "drawn",
        "b": "drawn",
        "c": "absent",
        "d": "absent",
        "e": "unsure",
        "f": "broken",
        "z": "drawn",
    }
    found, given = judged(people, {"a": 0.9, "b": 0.1, "c": 0.9, "d": 0.1, "e": 0.9, "f": 0.9})
    agreed = verdicts.agreement(found, given)
    assert agreed == Agreement(both=1, only_people=1, only_tagger=1, neither=1)
    assert (agreed.judged, agreed.share) == (4, 0.5)


def test_the_correction_is_rogan_and_gladen_s() -> None:
    # Of 50 drawn pictures the tagger sees 35: sensitivity 0.7. Observed 0.4 with 2 % false alarms: (0.4 − 0.02) / 0.68.
    people: dict[str, Any] = {str(number): "drawn" for number in range(50)}
    found, given = judged(people, {str(number): 0.9 if number < 35 else 0.1 for number in range(50)})
    better = verdicts.corrected(found, given, [1.0] * 40 + [0.0] * 60, 0.02)
    assert better is not None
    assert better.value == pytest.approx(0.38 / 0.68)
    assert better.low < 0.47 and better.high > 0.66  # wider than the raw interval of 0.31 to 0.50


def test_few_verdicts_or_a_blind_tagger_correct_nothing() -> None:
    people: dict[str, Any] = {str(number): "drawn" for number in range(50)}
    found, given = judged(people, {str(number): 0.1 for number in range(50)})
    assert verdicts.corrected(found, given, [0.5], 0.02) is None
    found, given = judged({"a": "drawn"}, {"a": 0.9})
    assert verdicts.corrected(found, given, [0.5], 0.02) is None


def test_the_report_shows_verdicts_from_here_and_elsewhere(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-b": 0.0})
    plan = small_plan(host, scorer, verdicts="confusionxl-v2")
    with Store(tmp_path / "run") as store:
        run(plan, host, scorer, store, FakeProgress())
        glaring = [cell.key for cell in plan.cells if cell.tags == ("glaring",)]
        answers = {key: {"answer": "drawn", "but": True, "note": "<b>two left hands</b>"} for key in glaring}
        verdicts.add(tmp_path / "run", {"verdicts": answers})
        page = report.write(store, tmp_path / "run").read_text(encoding="utf-8")
        found = evaluate(store)
    assert (
        "People judged 2 pictures: both say drawn 1, only people 1, only the tagger 0, neither 0; they agree on 50 %." in page
    )
    assert 'the page of ConfusionXL V2.0</th><td class="n">4 / 4' in page
    assert "by eye elsewhere: drawn" in page
    assert page.count('<span class="eye" title="drawn · but… · &lt;b&gt;two left hands&lt;/b&gt;">✓…') == 2
    assert found.checkpoints[1].hits == 0  # verdicts are in no automatic number
    assert json.loads((tmp_path / "run" / "verdicts.json").read_text(encoding="utf-8"))["verdicts"].keys() == set(glaring)
