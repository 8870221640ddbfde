"""Many tags in one prompt: the curve of what is seen, and how reports show it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench import report
from tag_atelier.bench.multi import CurvePoint, headline_point
from tag_atelier.bench.run import run
from tag_atelier.bench.score import Evaluation, evaluate
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import Store
from tests.bench.bench_parts import small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer

TAGS = ["glaring", "reaching", "hat", "gloves"]


class CrowdedScorer(FakeScorer):
    """Sees the first two tags of a prompt's list and nothing behind them; gloves are always there."""

    def probability(self, label: str, checkpoint: str, prompt: str, seed: int) -> float:
        if label == "gloves":
            return 0.9
        return 0.9 if label in prompt.split(", ")[1:3] else 0.05


def drawn(folder: Path, language: Any = "en", **changes: Any) -> Evaluation:
    host, scorer = small_host(folder), CrowdedScorer(("1girl", *TAGS))
    sets = {"sizes": [1, 2, 4], "count": 6}
    plan = small_plan(host, scorer, tags=TAGS, sets=sets, self_test=0, checkpoints=["model-a"], **changes)
    with Store(folder / "run") as store:
        run(plan, host, scorer, store, FakeProgress())
        report.write(store, folder / "run", language)
        return evaluate(store)


def test_recall_falls_with_the_number_of_tags(tmp_path: Path) -> None:
    found = drawn(tmp_path)
    one, two, four = found.curve
    assert [point.size for point in found.curve] == [1, 2, 4]
    assert (one.recall.value, two.recall.value) == (1.0, 1.0)
    assert 0.5 <= four.recall.value <= 0.75  # two of four, and the gloves where they stand behind
    assert (four.first_half, two.second_half) == (1.0, 1.0)
    assert four.second_half == pytest.approx(2 * four.recall.value - 1)
    assert one.control_rate == pytest.approx(0.25, abs=0.09)  # gloves in every picture, the other three in none
    assert four.realised == pytest.approx(4 * (four.recall.value - four.control_rate))


def test_the_report_shows_the_curve(tmp_path: Path) -> None:
    drawn(tmp_path)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 1
    assert "With 4 tags in one prompt model-a shows" in page
    assert "2 tags: " in page
    written = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert [point["size"] for point in written["curve"]] == [1, 2, 4]
    assert "## Many tags in one prompt" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    rows = (tmp_path / "run" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert any(",set," in row for row in rows)


@pytest.mark.parametrize(("sizes", "expected"), [((2, 32, 128), 32), ((2, 64), 64), ((2, 8), 8), ((), None)])
def test_the_headline_stands_at_32_tags_or_the_most_there_are(sizes: tuple[int, ...], expected: int | None) -> None:
    whole = Interval(1.0, 1.0, 1.0)
    point = headline_point([CurvePoint("a", size, 3, whole, 0.0, 1.0, 1.0) for size in sizes])
    assert (point.size if point else None) == expected
