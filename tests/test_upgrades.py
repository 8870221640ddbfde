"""What earlier versions stored is read and taken up; what a later one stored is left alone, with a sentence."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tag_atelier import __version__
from tag_atelier.errors import RequestError, TagAtelierError
from tag_atelier.jobs.kept_files import Form, NewerFile, read_lines
from tag_atelier.jobs.panel_prompts import PanelMemory
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.recipe_shelf import RecipeShelf
from tag_atelier.merge.recipe import Recipe
from tests.fakes import FakeScorer, fake_host

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "tests" / "data" / "upgrades" / "run-226598e.sql"
"""A finished run as the first commit that stored one wrote it, as SQL."""
RECIPE = Recipe.from_value({"models": ["a", "b"], "alpha": 0.5})


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# --- runs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """The host's folder with the oldest run in it; its pictures are gone."""
    pytest.importorskip("numpy")
    folder = tmp_path / "data" / "runs" / "old-run-172e66da39"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.executescript(RUN.read_text(encoding="utf-8"))
    connection.close()
    return folder


def stored(folder: Path) -> Any:
    from tag_atelier.jobs.atelier import Atelier

    return Atelier(fake_host(folder), find_scorer=lambda _folders, _name: FakeScorer()).benchmarks.stored


def test_the_oldest_run_is_listed_shown_and_reported(tmp_path: Path, old_run: Path) -> None:
    runs = stored(tmp_path)
    (listed,) = runs.listed()
    assert {key: listed[key] for key in ("name", "total", "drawn", "done")} == {
        "name": "old run", "total": 3, "drawn": 3, "done": True,
    }  # fmt: skip
    assert [cell["tag"] for cell in runs.cells(old_run.name)["cells"]] == ["", "glaring", "reaching"]
    results = json.loads(runs.report_file(old_run.name, "results.json").read_text(encoding="utf-8"))
    assert (results["plan"]["name"], results["states"]["done"]) == ("old run", 3)


def test_the_oldest_runs_plan_is_taken_up_in_its_own_folder(tmp_path: Path, old_run: Path) -> None:
    from tag_atelier.bench.store import Store
    from tag_atelier.jobs.atelier import Atelier
    from tests.fakes import FakeProgress

    with Store(old_run) as store:
        spec = store.plan()["spec"]
    atelier = Atelier(fake_host(tmp_path), find_scorer=lambda _folders, _name: FakeScorer())
    taken_up = atelier.benchmarks.run_now(spec, old_run, FakeProgress())
    assert {key: taken_up[key] for key in ("run", "planned", "drawn")} == {"run": old_run.name, "planned": 3, "drawn": 3}
    assert (old_run / "images" / "glaring-s1-f47c2f01fb89.png").is_file()


def test_a_later_versions_run_is_left_alone(tmp_path: Path, old_run: Path) -> None:
    with sqlite3.connect(old_run / "run.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '9' WHERE key = 'schema'")
    connection.close()
    runs = stored(tmp_path)
    assert [run["id"] for run in runs.listed()] == [old_run.name]
    with pytest.raises(TagAtelierError, match=r"has schema 9; expected at most 1: update Tag Atelier\."):
        runs.cells(old_run.name)


def test_verdicts_of_every_schema(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    from tag_atelier.bench import verdicts

    write(tmp_path / "verdicts.json", '{"verdicts": {"ab": {"answer": "drawn", "but": false, "note": ""}}}')
    assert verdicts.add(tmp_path, {"verdicts": {}}) == {"ab": verdicts.Verdict("drawn")}
    assert json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))["schema"] == 1
    assert verdicts.read(tmp_path) == {"ab": verdicts.Verdict("drawn")}
    newer = write(tmp_path / "verdicts.json", '{"schema": 2, "verdicts": {"ab": {"answer": "drawn"}}}').read_text("utf-8")
    with pytest.raises(RequestError, match=r"schema 2, this version knows 1; update Tag Atelier\."):
        verdicts.add(tmp_path, {"verdicts": {}})
    assert (tmp_path / "verdicts.json").read_text(encoding="utf-8") == newer


# --- small files ----------------------------------------------------------------------------------------------------------


def test_switches_from_before_schemas(tmp_path: Path) -> None:
    write(tmp_path / "panel.json", '{"txt2img": true}')
    PanelMemory(tmp_path).enforce("img2img", True)
    assert json.loads((tmp_path / "panel.json").read_text(encoding="utf-8")) == {
        "schema": 1, "enforced": {"txt2img": True, "img2img": True},
    }  # fmt: skip
    assert PanelMemory(tmp_path).enforced("txt2img")


def test_block_presets_from_before_schemas(tmp_path: Path) -> None:
    write(tmp_path / "block_presets.json", '{"mine": {"IN04": 0.5}, "schema": {"M00": 1}}')
    shelf = RecipeShelf(tmp_path)
    assert shelf.block_presets() == {"mine": {"IN04": 0.5}, "schema": {"M00": 1.0}}
    shelf.save_block_preset("other", {"M00": 0.25})
    assert RecipeShelf(tmp_path).block_presets() == {"mine": {"IN04": 0.5}, "schema": {"M00": 1.0}, "other": {"M00": 0.25}}


def test_a_history_from_before_schemas_and_lines_that_nobody_can_read(tmp_path: Path) -> None:
    old, newer, broken = '{"date": "2026", "file": "old"}', '{"schema": 7, "file": "later"}', '{"date'
    write(tmp_path / "history.jsonl", "\n".join((old, newer, broken)) + "\n")
    shelf = RecipeShelf(tmp_path)
    shelf.remember(RECIPE, "new", "")
    assert [entry["file"] for entry in shelf.history()] == ["new", "old"]
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [old, newer, broken] and json.loads(lines[3])["schema"] == 1


def test_the_prompt_memory_of_the_first_version(tmp_path: Path) -> None:
    first = {"version": 1, "corrections": {"hat": {"slot": "items"}}, "favourites": [{"text": "a"}], "history": [], "boxes": {}}
    write(tmp_path / "prompt-memory.json", json.dumps(first))
    memory = PromptMemory(tmp_path)
    assert (memory.value(), memory.problem) == (first, "")


@pytest.mark.parametrize(
    ("name", "content", "change"),
    [
        ("prompt-memory.json", {"version": 2, "favourites": {}}, lambda place: PromptMemory(place).change(lambda _: None)),
        ("block_presets.json", {"schema": 2}, lambda place: RecipeShelf(place).save_block_preset("a", {"M00": 1})),
    ],
)
def test_a_later_versions_file_is_neither_read_nor_written(
    tmp_path: Path, name: str, content: object, change: Callable[[Path], None]
) -> None:
    text = write(tmp_path / name, json.dumps(content)).read_text(encoding="utf-8")
    with pytest.raises(NewerFile, match=rf"'{name}' was written by a newer Tag Atelier \(\w+ 2, this one knows 1\)"):
        change(tmp_path)
    assert PromptMemory(tmp_path).value()["favourites"] == [] and RecipeShelf(tmp_path).block_presets() == {}
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(name, text)]


def test_a_later_versions_switches_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "panel.json", '{"schema": 2, "txt2img": true}')
    PanelMemory(tmp_path).enforce("txt2img", True)
    assert not PanelMemory(tmp_path).enforced("txt2img")
    assert (tmp_path / "panel.json").read_text(encoding="utf-8") == '{"schema": 2, "txt2img": true}'


def test_an_old_file_goes_through_every_upgrade_on_its_way() -> None:
    form = Form(2, {0: lambda value: {"list": value["items"]}, 1: lambda value: {"count": len(value["list"])}})
    assert form.parse('{"items": [1, 2]}', "x") == {"count": 2, "schema": 2}
    assert form.parse('{"schema": 1, "list": [3]}', "x") == {"count": 1, "schema": 2}
    assert form.parse(form.render({"count": 5}).decode("utf-8"), "x") == {"count": 5, "schema": 2}
    with pytest.raises(ValueError, match="it holds schema -1, expected 2"):
        form.parse('{"schema": -1}', "x")


def test_a_missing_file_of_lines_is_empty(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "none.jsonl", Form(1, {})) == ((), [])


# --- the version ----------------------------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place_and_the_changelog_begins_with_it() -> None:
    (written,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert __version__ == written
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0] == written
    others = [
        path.relative_to(ROOT).as_posix()
        for path in [
            *(ROOT / "tag_atelier").rglob("*.py"),
            *ROOT.glob("*.py"),
            ROOT / "metadata.ini",
        ]
        if f'"{written}"' in path.read_text(encoding="utf-8")
    ]
    assert others == []
