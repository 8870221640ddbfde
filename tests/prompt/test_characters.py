"""The character table: found by every name, complete, and written in tags that the catalogue knows as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import PromptError
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.characters import COLUMNS, load_characters

CATALOGUE = Catalogue.load()
ROWS = load_characters().rows


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("绫波丽", "ayanami_rei"),
        ("Ayanami Rei", "ayanami_rei"),
        ("lucy \\(cyberpunk\\)", "lucy_(cyberpunk)"),
        ("lucy", "lucy_(cyberpunk)"),
        ("a girl named frieren", "frieren"),
        ("灵梦", "hakurei_reimu"),
    ],
)
def test_a_character_is_found_by_every_name(asked: str, name: str) -> None:
    found = load_characters().get(asked)
    assert found is not None and found.name == name


def test_nobody_is_found_by_another_name() -> None:
    assert load_characters().get("xyzzy") is None


def test_both_forms_of_the_trigger() -> None:
    lucy, frieren = load_characters().get("lucy"), load_characters().get("芙莉莲")
    assert lucy is not None and frieren is not None
    assert lucy.tag_form == "lucy \\(cyberpunk\\)"
    assert frieren.sentence_form == "a girl named frieren from sousou no frieren series"
    assert frieren.costume_tag == "frieren \\(cosplay\\)"
    violet = load_characters().get("violet evergarden")
    assert violet is not None and violet.sentence_form == "a girl named violet evergarden from violet evergarden series"


def test_the_table_holds_the_best_known() -> None:
    assert len(ROWS) >= 200
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.zh and row.series for row in ROWS)


def test_characteristics_and_clothes_are_what_they_are_called() -> None:
    features = {tag for row in ROWS for tag in row.features}
    outfit = {tag for row in ROWS for tag in row.outfit}
    assert sorted(tag for tag in outfit if CATALOGUE.slot(tag).slot not in ("clothing", "accessories")) == []
    assert sorted(tag for tag in features if CATALOGUE.slot(tag).slot in ("clothing", "unknown")) == []
    entries = [CATALOGUE.get(tag) for tag in features | outfit]
    assert [entry.name for entry in entries if entry is not None and not entry.safe] == []
    assert min(len(row.features) for row in ROWS) >= 2


@pytest.mark.parametrize("content", ["", "a,b\n", ",".join(COLUMNS) + "\nx,robot,,,,\n", ",".join(COLUMNS) + "\nx,girl\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "characters.csv").write_text(content, encoding="utf-8")
    with pytest.raises(PromptError, match=r"characters\.csv"):
        load_characters(tmp_path / "characters.csv")
