"""A study's report: one offline page and Markdown, in both languages, finished or not, whatever its names hold."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from PIL import Image

from tag_atelier.settings import EXTENSION_FOLDER
from tag_atelier.tune import report_data, report_page, report_plot, report_text
from tag_atelier.tune.cost import cost
from tag_atelier.tune.overview import overview
from tag_atelier.tune.report import write
from tag_atelier.tune.sentences import BEATS, FEW_TAGS, NOTHING_BEATS, SENTENCES, outcome
from tag_atelier.tune.status import Convergence, Score, StudyStatus
from tag_atelier.tune.study_spec import SAMPLERS, StudySpec
from tag_atelier.tune.worker import Worker
from tests.fakes import FakeProgress
from tests.tune.planted import Nobody, PlantedPainter, planted_book, planted_plans, planted_spec

HOSTILE = "<b>\"&'|x"


class PicturePainter(PlantedPainter):
    """Draws one colour for every preview."""

    def preview(self, prompts, spec, folder, name, progress):  # type: ignore[no-untyped-def]
        folder.mkdir(exist_ok=True)
        names = tuple(f"{name}-{i + 1}.png" for i in range(len(prompts)))
        for each in names:
            Image.new("RGB", (64, 96), (200, 100, 50)).save(folder / each)
        return names


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudySpec, StudyStatus, Path]:
    folder = tmp_path_factory.mktemp("study")
    spec = planted_spec(trials=14, models=["plain", HOSTILE], note=HOSTILE)
    book, plans = planted_book(spec, folder), planted_plans(spec)
    Worker(book, plans, PicturePainter(0.03), folder).work(FakeProgress())
    costs = cost(spec, plans, book.spaces, Nobody())  # type: ignore[arg-type]
    (folder / "cost.json").write_text(json.dumps(costs), encoding="utf-8")
    return spec, overview(book.read(), costs), folder


class Reader(HTMLParser):
    """Tags that are open, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_a_finished_study_says_how_it_ended_and_needs_nothing_from_elsewhere(
    finished: tuple[StudySpec, StudyStatus, Path],
) -> None:
    spec, status, folder = finished
    page = write(spec, status, folder).read_text(encoding="utf-8")
    assert status.result is not None and status.answer is not None
    assert "The answer beats the best parent" in page and status.result.beats_best_parent
    for title in ("Scores", "Convergence", "Previews", "The answer", "Importance of the groups", "Candidates (14)"):
        assert title in page
    reader = read(page)
    assert "b" not in reader.tags and "script" not in reader.tags
    assert reader.addresses and all(address.startswith("data:image/") for address in reader.addresses)
    assert page.count("<circle") == 12 and "default-src 'none'" in page
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# planted\n\n**The answer beats the best parent") and status.answer.recipe in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "search-1-1" in line]
    assert len(rows) == 1 and len(re.findall(r"(?<!\\)\|", rows[0])) == len(report_text.TRIAL_HEADER) + 1


def test_it_is_all_chinese_where_chinese_is_asked_for(finished: tuple[StudySpec, StudyStatus, Path]) -> None:
    spec, status, folder = finished
    page = write(spec, status, folder, "zh_CN").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page and "答案胜过最好的原模型" in page
    table = json.loads((EXTENSION_FOLDER / "localizations" / "zh_CN.json").read_text(encoding="utf-8"))
    modules = (report_data, report_page, report_plot, report_text)
    code = "\n".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in modules)
    joined = re.sub(r'"\s*\n\s*"', "", code)  # sentences that go on in the next line
    said = set(re.findall(r"""say\(\s*"([^"]+)\"""", joined)) | set(re.findall(r"say\('([^']+)'", joined))
    said |= {*SENTENCES, *SAMPLERS.values(), *report_data.PHASES.values()}
    said |= {*report_text.SCORE_HEADER, *report_text.TRIAL_HEADER}
    assert len(said) > 40 and sorted(said - set(table)) == []


def test_an_unfinished_study_says_so(finished: tuple[StudySpec, StudyStatus, Path]) -> None:
    spec, status, folder = finished
    begun = dataclasses.replace(
        status, phase="search", result=None, answer=None, finished_trials=3, trials=status.trials[:3], importance={}
    )
    page = write(spec, begun, folder).read_text(encoding="utf-8")
    assert "Not finished: 3 of 14 candidates were tried" in page and '<span class="badge warn">Search</span>' in page
    nothing = dataclasses.replace(begun, phase="parents", finished_trials=0, trials=(), parents=(), convergence=())
    assert "Not finished: 0 of 14" in write(spec, nothing, folder).read_text(encoding="utf-8")


def test_numbers_that_are_none_are_left_out_of_the_plot(finished: tuple[StudySpec, StudyStatus, Path]) -> None:
    spec, status, folder = finished
    points = (Convergence(1, math.nan, -1.0), Convergence(2, 0.1, -0.45))
    page = write(spec, dataclasses.replace(status, convergence=points), folder).read_text(encoding="utf-8")
    assert "nan" not in page.lower()


@pytest.mark.parametrize(
    ("difference", "by_prompt", "said"),
    [
        (Score(0.1, 0.01, 0.2), Score(0.1, 0.05, 0.2), BEATS),
        (Score(0.1, -0.01, 0.2), Score(0.1, 0.05, 0.2), FEW_TAGS),
        (Score(0.1, -0.01, 0.2), Score(0.1, -0.05, 0.2), NOTHING_BEATS),
        (Score(-0.1, -0.2, -0.01), Score(-0.1, 0.01, 0.2), NOTHING_BEATS),
        (Score(0.1, 0.0, 0.2), Score(math.nan, math.nan, math.nan), NOTHING_BEATS),
    ],
)
def test_the_outcome_is_as_careful_as_its_intervals(difference: Score, by_prompt: Score, said: str) -> None:
    template, values = outcome("a {b}", difference, by_prompt)
    assert template == said and "a {b}" in template.format(**values)
