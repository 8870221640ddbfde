"""Reports of small runs: what they say, that nothing in them is live, and that they are whole."""

import contextlib
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench import report, report_data
from tag_atelier.bench.report_data import headline
from tag_atelier.bench.run import run
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import Store
from tag_atelier.errors import Cancelled
from tag_atelier.settings import EXTENSION_FOLDER
from tests.bench.bench_parts import LABELS, small_host, small_plan
from tests.fakes import FakeProgress, FakeScorer


def written(tmp_path: Path, language: Any = "en", progress: FakeProgress | None = None, **changes: Any) -> dict[str, str]:
    """File names and texts of the report of a small run; model-b draws next to nothing."""
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-b": 0.0})
    with Store(tmp_path / "run") as store:
        with contextlib.suppress(Cancelled):
            run(small_plan(host, scorer, **changes), host, scorer, store, progress or FakeProgress())
        path = report.write(store, tmp_path / "run", language)
    assert path == tmp_path / "run" / "report.html"
    found = [path for path in (tmp_path / "run").iterdir() if path.suffix in (".html", ".md", ".csv", ".json")]
    return {path.name: path.read_text(encoding="utf-8-sig") for path in found}


class Page(HTMLParser):
    """Collects tags, addresses and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses.extend(value or "" for name, value in attrs if name in ("src", "href"))
        if tag not in ("img", "meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_opens_with_the_result(tmp_path: Path) -> None:
    text = " ".join("".join(Page(written(tmp_path)["report.html"]).text).split())
    assert "model-a draws 4 of 4 tags (100 %, 95 % interval 51–100 %), 100 points above what appears unasked." in text
    assert "Not separable from the best: model-b. 4 tags tell checkpoints apart" in text  # four discordant tags never suffice
    assert "Only seed 1 was drawn" in text
    assert "1 of 5 tags are unknown to the tagger" in text
    assert "Partial" not in text


def test_the_page_is_one_well_formed_file_that_needs_no_network(tmp_path: Path) -> None:
    html = written(tmp_path)["report.html"]
    page = Page(html)
    assert page.open == []
    assert len(page.addresses) == 12
    assert all(re.match(r"data:image/(webp|jpeg);base64,", address) for address in page.addresses)
    assert "http" not in re.sub(r"http-equiv", "", html)
    assert "default-src 'none'" in html


def test_what_comes_from_outside_is_escaped(tmp_path: Path) -> None:
    changes = {"name": "<script>alert(1)</script>", "note": "<img src=x>", "tags": ["<b>x</b>", 'quote"s']}
    html = written(tmp_path, **changes)["report.html"]
    assert Page(html).tags.count("script") == 1
    assert "<b>x" not in html and "<img src=x>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_the_page_speaks_chinese(tmp_path: Path) -> None:
    files = written(tmp_path, "zh_CN")
    assert '<html lang="zh-CN">' in files["report.html"]
    assert "model-a 画出了 4 个标签中的 4 个" in files["report.html"]
    assert "怒视" in files["report.html"]
    assert "| 梯队 | 模型 | 命中率 |" in files["report.md"]


def test_every_sentence_of_the_report_has_a_translation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: set[str] = set()

    def remember(english: str, language: str, **values: object) -> str:
        asked.add(english)
        return english.format(**values) if values else english

    monkeypatch.setattr(report_data, "sentence", remember)
    written(tmp_path, tags=["glaring", "reaching", "reaching", "unheard of"], progress=FakeProgress(cancel_after=4))
    written(tmp_path, verdicts="confusionxl-v2", batch_size=1)
    written(tmp_path / "sets", sets={"sizes": [1, 2], "count": 2}, self_test=1)
    table = json.loads((EXTENSION_FOLDER / "localizations" / "zh_CN.json").read_text(encoding="utf-8"))
    assert len(asked) > 50
    assert sorted(asked - set(table)) == []


def test_markdown_tables_survive_the_tags_in_them(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer((":|", "a_*b*"))
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer, tags=[":|", "a *b*"]), host, scorer, store, FakeProgress())
        report.write(store, tmp_path / "run")
    lines = (tmp_path / "run" / "report.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if ":" in line and "0.90" in line)
    assert row == "| :\\| | – | ✓ 0.90 | ✓ 0.90 |"
    assert any(line.startswith("| a \\*b\\* |") for line in lines)


def test_the_csv_has_a_line_per_picture(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written(tmp_path)["results.csv"])))
    assert len(rows) == 12
    glaring = rows[1]
    assert (glaring["checkpoint"], glaring["tag"], glaring["slot"], glaring["posts"]) == (
        "model-a",
        "glaring",
        "expression",
        "4000",
    )
    assert (glaring["status"], glaring["hit"], glaring["rank"], glaring["state"]) == ("scored", "1", "1", "done")
    assert float(glaring["probability"]) == pytest.approx(0.9)
    assert (rows[0]["status"], rows[0]["probability"]) == ("baseline", "")
    assert rows[5]["status"] == "unscored"


def test_the_csv_holds_no_formula(tmp_path: Path) -> None:
    text = written(tmp_path, tags=["=1+1", "@sum"], template="{tag}, 1girl")["results.csv"]
    values = {value for row in csv.reader(io.StringIO(text)) for value in row}
    assert not [value for value in values if value[:1] in ("=", "@")]
    assert "'=1+1" in values


def test_the_json_is_valid_and_complete(tmp_path: Path) -> None:
    def refuse(name: str) -> float:
        raise AssertionError(name)

    value = json.loads(written(tmp_path)["results.json"], parse_constant=refuse)
    assert value["plan"]["name"] == "small"
    assert value["unscored"] == ["unheard_of"]
    assert [item["hits"] for item in value["checkpoints"]] == [4, 0]
    assert value["checkpoints"][0]["tags"][0]["tag"] == "glaring"
    assert value["pairs"][0]["p"] == 0.0625


def test_a_stopped_run_has_a_valid_report_that_says_so(tmp_path: Path) -> None:
    files = written(tmp_path, progress=FakeProgress(cancel_after=4))
    assert Page(files["report.html"]).open == []
    assert "Partial: " in files["report.md"]
    assert json.loads(files["results.json"])["partial"] is True


def test_a_run_that_never_began_has_a_report_too(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        report.write(store, tmp_path)
    assert "Nothing is scored yet." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_hits_that_are_no_more_than_chance_are_not_praised(tmp_path: Path) -> None:
    class Eager(FakeScorer):
        def probability(self, label: str, checkpoint: str, prompt: str, seed: int) -> float:
            return 0.9

    host, scorer = small_host(tmp_path), Eager(LABELS)
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer), host, scorer, store, FakeProgress())
        first = headline(report.read(store, tmp_path / "run"))[0]
    assert first == (
        "model-a hits in 4 of 4 pictures (100 %, 95 % interval 51–100 %), "
        "which is not clearly more than what appears unasked (0 points)."
    )


def test_many_pictures_lie_beside_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SINGLE_FILE_CELLS", 11)
    page = Page(written(tmp_path)["report.html"])
    assert len(page.addresses) == 12
    assert all((tmp_path / "run" / address).is_file() for address in page.addresses)


def test_ranges_are_printed_as_people_read_them() -> None:
    assert report_data.percent_range(Interval(0.5, 0.299, 0.701)) == "30–70 %"
    assert report_data.points_range(Interval(0.1, -0.05, 0.25)) == "−5 … +25"


def test_pairs_name_the_tags_on_which_they_differ_and_show_their_pictures(tmp_path: Path) -> None:
    html = written(tmp_path)["report.html"]
    assert "Only or more often on model-a</strong> (4): glaring, reaching, &gt;:(, fox shadow puppet</p>" in html
    assert "Only or more often on model-b" not in html
    assert '<button type="button" data-pair="0,1">' in html
    marks = re.findall(r'data-marks="(\w+)"', html)
    assert marks == ["nn", "hm", "hm", "hm", "hm", "nn"]  # baseline, four tags, the one that is unknown


def test_one_tag_has_an_interval_that_admits_that_it_is_one(tmp_path: Path) -> None:
    files = written(tmp_path, tags=["glaring"], seeds=[1, 2], checkpoints=["model-a"])
    row = next(line for line in files["report.md"].splitlines() if line.startswith("| 1 | model"))
    assert row.split("|")[3:5] == [" 100 % ", " 21–100 % "]
    assert "100–100" not in files["report.html"]


def test_a_tagger_that_may_have_captioned_the_training_data_is_warned_of(tmp_path: Path) -> None:
    class Swin(FakeScorer):
        @property
        def identity(self) -> str:
            return "wd-v1-4-swinv2-tagger-v2 0123+4567"

    host, scorer = small_host(tmp_path), Swin(LABELS)
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer), host, scorer, store, FakeProgress())
        page = report.write(store, tmp_path / "run").read_text(encoding="utf-8")
    assert "may have captioned the training data of AIDXL" in page
    assert "may have captioned" not in written(tmp_path / "other")["report.html"]


def test_a_probability_just_below_the_threshold_does_not_look_like_it(tmp_path: Path) -> None:
    host, scorer = small_host(tmp_path), FakeScorer(LABELS, {"model-a": 0.0, "model-b": 0.0})
    scorer.miss = 0.3491
    with Store(tmp_path / "run") as store:
        run(small_plan(host, scorer), host, scorer, store, FakeProgress())
        page = report.write(store, tmp_path / "run").read_text(encoding="utf-8")
    assert set(re.findall(r'<span class="mark">(.*?)</span>', page)) == {"✗ 0.349"}


def test_a_dark_screen_is_not_printed_light_on_white(tmp_path: Path) -> None:
    page = written(tmp_path)["report.html"]
    assert page.count("prefers-color-scheme: dark") == page.count("@media screen and (prefers-color-scheme: dark)") == 1
    assert "content-visibility: visible" in page.split("@media print")[1]
