"""Checkpoints against the others by direction, in the figures and the layout of ConfusionXL's page."""

from pathlib import Path

import pytest

from tag_atelier.bench import report
from tag_atelier.bench.deviation import Deviation, deviations, percent_text
from tag_atelier.bench.directions import direction_of
from tag_atelier.bench.report_data import ReportData
from tag_atelier.bench.report_tables import card_sentence, deviation_table
from tag_atelier.bench.run import run
from tag_atelier.bench.score import CheckpointScore, Evaluation, TagScore, evaluate
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer

PAGE = [
    Deviation("Artistic licence", 1, 0.353, 0.141),
    Deviation("People", 1, 0.846, 0.608),
    Deviation("Man-made scenery", 1, 0.947, 0.859),
    Deviation("Composition", 1, 0.689, 0.455),
    Deviation("Objects", 1, 0.94, 0.791),
    Deviation("Natural scenery", 1, 0.982, 0.905),
    Deviation("Restricted", 1, 0.679, 0.367),
    Deviation("Overall", 1, 0.829, 0.603),
]


def checkpoint(name: str, hits: dict[str, int]) -> CheckpointScore:
    tags = tuple(TagScore(tag, (0.9,), 1, hit, 4, 0, (1,)) for tag, hit in hits.items())
    whole = Interval(0.5, 0.0, 1.0)
    return CheckpointScore(name, name, tags, whole, whole, None, {}, 1)


def data(*checkpoints: CheckpointScore) -> ReportData:
    found = Evaluation(0.35, (1,), ("a",), (), checkpoints, (), {"done": 1})
    return ReportData({}, {}, found, [], "zh_CN", "", lambda stored: "")


def test_the_page_s_own_figures_give_its_own_table() -> None:
    assert deviation_table(data(), PAGE).splitlines() == [
        "| 方向 | 命中率 | 其他模型的均值 | 偏差 |",
        "| --- | --- | --- | --- |",
        "| 艺术破格 | 0.353 | 0.141 | +150.35 % |",
        "| 人物 | 0.846 | 0.608 | +39.14 % |",
        "| 人文景观 | 0.947 | 0.859 | +10.24 % |",
        "| 构图 | 0.689 | 0.455 | +51.43 % |",
        "| 物品 | 0.940 | 0.791 | +18.84 % |",
        "| 自然景观 | 0.982 | 0.905 | +8.51 % |",
        "| 限制级 | 0.679 | 0.367 | +85.01 % |",
        "| 总体 | 0.829 | 0.603 | +37.48 % |",
    ]


def test_the_sentence_for_a_model_card() -> None:
    item = checkpoint("甲", {})
    assert card_sentence(data(), item, PAGE) == "甲：命中率相对其他模型的均值 +37.48 %，各方向 +8.51 % 至 +150.35 %。"
    nothing = [Deviation("People", 2, 0.5, 0.0), Deviation("Overall", 2, 0.5, 0.0)]
    assert card_sentence(data(), item, nothing) == "甲：其他模型一个也没画出来，因此没有偏差可言。"


def test_the_mean_is_that_of_the_others_on_the_same_tags() -> None:
    best = checkpoint("best", {"a": 1, "b": 1, "c": 0})
    others = [checkpoint("one", {"a": 1, "b": 0, "c": 1}), checkpoint("two", {"a": 1, "b": 0, "c": 0})]
    people, nature, overall = deviations(best, others, {"a": "people", "b": "people", "c": "nature"})
    assert (people.tags, people.accuracy, people.mean, percent_text(people.percent)) == (2, 1.0, 0.5, "+100.00 %")
    assert (nature.accuracy, nature.mean, percent_text(nature.percent)) == (0.0, 0.5, "−100.00 %")
    assert (overall.direction, overall.tags, overall.mean) == ("Overall", 3, 0.5)


def test_both_reports_show_it(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-b": 0.5})
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer), host, scorer, store, FakeProgress())
        page = report.write(store, tmp_path / "run").read_text(encoding="utf-8")
        hits = [item.hits for item in evaluate(store).checkpoints]
    expected = percent_text(100 * (hits[0] / hits[1] - 1))
    assert f'<td class="n">{expected}</td>' in page
    assert f"| Overall | 1.000 | {hits[1] / 4:.3f} | {expected} |" in (tmp_path / "run" / "report.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("name", "slot", "safe", "expected"),
    [
        ("glaring", "expression", True, "people"),
        ("from_above", "composition", True, "composition"),
        ("ukiyo-e", "style", True, "art"),
        ("sword", "items", True, "objects"),
        ("starry_sky", "background", True, "nature"),
        ("star_(sky)", "background", True, "nature"),
        ("classroom", "main_env", True, "manmade"),
        ("skyscraper", "main_env", True, "manmade"),
        ("nude", "clothing", False, "restricted"),
    ],
)
def test_every_tag_has_a_direction(name: str, slot: str, safe: bool, expected: str) -> None:
    assert direction_of(name, slot, safe) == expected
