"""What the page shows: escaped, counted, and saying what there is to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import PromptError, SpecError
from tag_atelier.language import say
from tag_atelier.ui import render
from tag_atelier.ui.bench_tab import with_checkpoints
from tag_atelier.ui.words import Words
from tests.ui.fake_atelier import FakeAtelier

ENGLISH, CHINESE = Words("en"), Words("zh_CN")


def test_an_error_is_its_sentence_escaped() -> None:
    shown = render.problem(PromptError("Found <script>, expected tags."), ENGLISH)
    assert "Found &lt;script&gt;, expected tags." in shown
    assert "<script>" not in shown


def test_an_arrangement_says_what_moved_and_where_it_belongs() -> None:
    result = {"changed": True, "reasons": [], "moves": [{"tag": "a<b", "slot": "main_char", "from": 3, "to": 0}]}
    assert "a&lt;b <small>hair colour</small>" in render.arrangement(result, ENGLISH)
    assert "a&lt;b <small>发色</small>" in render.arrangement(result, CHINESE)


def test_an_arrangement_says_why_nothing_moved() -> None:
    shown = render.arrangement({"changed": False, "reasons": ["unbalanced"], "moves": []}, ENGLISH)
    assert "a bracket is never closed" in shown
    assert "order already" not in shown


def test_a_long_list_is_cut_and_counted() -> None:
    finding = {"severity": "note", "message": "m", "fix": None}
    shown = render.findings({"findings": [finding] * 75}, ENGLISH)
    assert shown.count("<li>") == 60
    assert "… and 15 more." in shown


def test_a_finding_shows_its_fix(tmp_path: Path) -> None:
    shown = render.findings(FakeAtelier(tmp_path).lint({"text": "greay hair"}), ENGLISH)
    assert "is no &lt;b&gt;known&lt;/b&gt; tag. → <code>grey hair</code>" in shown


def test_a_fix_that_removes_says_so() -> None:
    shown = render.findings({"findings": [{"severity": "error", "message": "Twice.", "fix": ""}]}, ENGLISH)
    assert "<code>leave it out</code>" in shown


def test_a_tag_that_another_says_too_is_a_finding() -> None:
    result = {"findings": [], "overlaps": [{"narrow": "very long hair", "broad": "long <hair"}]}
    assert "“very long hair” says “long &lt;hair” too; both count." in render.findings(result, ENGLISH)
    assert "“very long hair”已包含“long &lt;hair”" in render.findings(result, CHINESE)


def test_a_plan_lists_its_cost_and_what_it_skips(tmp_path: Path) -> None:
    shown = render.plan(FakeAtelier(tmp_path).plan_benchmark({"template": "{tag}"}), CHINESE)
    for expected in ("1,234", "1.9 GB", "20 %", "model-a", "sex: 敏感内容"):
        assert expected in shown


def test_a_merge_lists_models_sizes_and_warnings(tmp_path: Path) -> None:
    shown = render.merge(FakeAtelier(tmp_path).check_merge(""), ENGLISH)
    for expected in ("model-b (6.9 GB)", "1680 of 2515 change", "marked v_pred", "196 EMA tensors"):
        assert expected in shown


def test_what_a_merge_remarks_is_said_in_the_readers_language(tmp_path: Path) -> None:
    warned = {"warnings": [say("'{name}' has NaN or infinite values there", name="<b>")], "notes": []}
    checked = {**FakeAtelier(tmp_path).check_merge(""), **warned}
    for shown in (render.merge(checked, CHINESE), render.merge_cost(checked, CHINESE)):
        assert "“&lt;b&gt;”在该处有 NaN" in shown
    assert "has NaN or infinite" in render.merge(checked, ENGLISH)


def test_chosen_checkpoints_take_the_place_of_the_plans() -> None:
    assert with_checkpoints("name: x\ncheckpoints: [a]", ["b"]) == {"name": "x", "checkpoints": ["b"]}
    assert with_checkpoints("name: x\ncheckpoints: [a]", []) == {"name": "x", "checkpoints": ["a"]}


@pytest.mark.parametrize(
    ("text", "named"), [("a: [1", "line"), ("", "empty"), ("- a", "no mapping"), ("x: !!python/object:a 1", "YAML")]
)
def test_a_plan_that_is_no_mapping_is_refused(text: str, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        with_checkpoints(text, None)


def test_long_work_is_told_in_hours() -> None:
    said = [render.duration(seconds, Words("en")) for seconds in (0.2, 89, 90, 5399, 5400, 100_000)]
    assert said == ["1 s", "89 s", "2 min", "1 h 30 min", "1 h 30 min", "27 h 47 min"]
    assert render.duration(5400, Words("zh_CN")) == "1 小时 30 分"


def test_a_hash_stands_in_a_tooltip_only() -> None:
    table = render.facts([("Tagger", "wd-v3", "wd-v3 <0123>"), ("Size", "3 MB")])
    assert '<td title="wd-v3 &lt;0123&gt;">wd-v3</td>' in table and "<td>3 MB</td>" in table
