"""The catalogue's rows, its look-ups, and what it says about tags it has no row for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import PromptError
from tag_atelier.prompt.catalogue import COLUMNS, IMPLIED_FILE, RARE_FILE, Catalogue
from tag_atelier.prompt.slots import CONFIDENT, SLOTS
from tag_atelier.settings import PRESETS_FOLDER

CATALOGUE = Catalogue.load()

BENCHMARK = {
    "action": (
        "holding eyewear|reaching|armpit peek|fox shadow puppet|knees to chest|shushing|holding strap|hands on own knees"
        "|glaring"
    ),
    "expression": r"sanpaku|solid circle eyes|turn pale|no mouth|>:\(|streaming tears|tsundere",
    "clothing": (
        "dougi|halter dress|fur-trimmed dress|business suit|print dress|meiji schoolgirl uniform|kindergarten uniform"
    ),
    "theme": "gothic",
    "composition": "cowboy shot|from behind|from side|dutch angle|pov|from above|close-up|upside-down",
}


@pytest.mark.parametrize(("slot", "tags"), sorted(BENCHMARK.items()))
def test_the_benchmark_pages_tags_are_reviewed_rows(slot: str, tags: str) -> None:
    for tag in tags.split("|"):
        entry = CATALOGUE.get(tag)
        assert entry is not None, tag
        assert (entry.slot, entry.reviewed, entry.one_person, entry.safe) == (slot, True, True, True), tag


@pytest.mark.parametrize("spelling", ["rem_(re:zero)", "rem (re:zero)", r"rem \(re:zero\)", " Rem  (Re:Zero) "])
def test_every_spelling_finds_the_same_row(spelling: str) -> None:
    entry = CATALOGUE.get(spelling)
    assert entry is not None
    assert (entry.name, entry.slot, entry.broader) == (
        "rem_(re:zero)",
        "character",
        "re:zero_kara_hajimeru_isekai_seikatsu",
    )
    assert entry.text == r"rem \(re:zero\)"


def test_a_face_keeps_its_signs_in_a_prompt() -> None:
    texts = {name: entry.text for name in ("^_^", ">:(", "|_|") if (entry := CATALOGUE.get(name))}
    assert texts == {"^_^": "^_^", ">:(": r">:\(", "|_|": "|_|"}


def test_the_rows_are_sound() -> None:
    entries = CATALOGUE.entries
    assert len(entries) >= 6_000
    assert {entry.slot for entry in entries.values()} == set(SLOTS) - {"trigger"}
    for name, entry in entries.items():
        assert name == entry.name == name.strip() == name.lower()
        assert " " not in name
        assert not entry.broader or entry.broader in entries, name
        assert entry.zh or entry.slot == "character", name
        assert entry.also != entry.slot, name


def test_broader_tags_form_no_circle() -> None:
    for name in CATALOGUE.entries:
        seen = [name]
        while broader := CATALOGUE.entries[seen[-1]].broader:
            assert broader not in seen, seen
            seen.append(broader)


def test_flags() -> None:
    flags = {name: CATALOGUE.entries[name] for name in ("hug", "2girls", "nude", "smile")}
    assert [(entry.one_person, entry.safe) for entry in flags.values()] == [
        (False, True),
        (False, True),
        (True, False),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("tag", "slot"),
    [
        ("by someone", "trigger"),
        ("7girls", "subject"),
        ("art by someone", "trigger"),
        ("holding banjo", "action"),
        ("mint green hair", "main_char"),
        ("teal eyes", "body_char"),
        ("polka dot scarf", "accessories"),
        ("tartan skirt", "clothing"),
        ("mauve background", "background"),
        ("year 2024", "quality"),
        ("alpaca girl", "race"),
        (r"someone \(some game\)", "character"),
    ],
)
def test_rules_place_what_has_no_row(tag: str, slot: str) -> None:
    assert CATALOGUE.get(tag) is None
    assert CATALOGUE.slot(tag).slot == slot


@pytest.mark.parametrize("tag", ["", "zxqv", "florble wibble", "123", "ng_deepnegative_v1_75t", "EasyNegative"])
def test_the_catalogue_abstains_from_what_it_cannot_tell(tag: str) -> None:
    assert CATALOGUE.slot(tag) == ("unknown", 0.0)


def test_a_rare_tag_has_a_slot_but_no_row() -> None:
    assert CATALOGUE.get("wheelie") is None
    assert CATALOGUE.slot("wheelie") == ("action", 0.9)
    assert CATALOGUE.slot(r"aries \(constellation\)") == ("secondary_env", 0.9)


def test_no_rare_tag_has_a_row_or_a_second_slot() -> None:
    names = [name for name in (PRESETS_FOLDER / "tags" / RARE_FILE).read_text(encoding="utf-8").split() if name[0] != "["]
    assert len(names) == len(set(names))
    assert [name for name in names if name in CATALOGUE.entries] == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (RARE_FILE, "apple\n", "rare.txt line 1 stands under '', expected a slot"),
        (RARE_FILE, "[fruit]\napple\n", "rare.txt line 2 stands under 'fruit', expected a slot"),
        (IMPLIED_FILE, "apple\n", "implied.txt line 1 stands under '', expected a broad tag"),
    ],
)
def test_names_under_no_heading_are_told_in_one_sentence(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=said):
        Catalogue.load(tmp_path)


def test_a_tag_may_imply_more_than_its_row_names() -> None:
    assert CATALOGUE.get("ak-47") is None
    assert set(CATALOGUE.implied("ak-47")) == {"assault_rifle", "gun", "rifle"}
    assert CATALOGUE.implied("zxqv") == ()


def test_a_row_is_surer_than_a_rule() -> None:
    listed = next(entry for entry in CATALOGUE.entries.values() if not (entry.reviewed or entry.also))
    shared = next(entry for entry in CATALOGUE.entries.values() if entry.also)
    reviewed, unread, doubtful = (CATALOGUE.slot(tag).confidence for tag in ("cowboy shot", listed.text, shared.text))
    assert reviewed > unread > CONFIDENT > doubtful > 0.5
    assert CATALOGUE.slot(r"someone \(some game\)").confidence < CONFIDENT


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name,slot\n", "begins with 'name,slot'"),
        ("", "begins with 'an empty file'"),
        (",".join(COLUMNS) + "\nhat,nowhere,,1,,1,1,0,\n", "line 2"),
        (",".join(COLUMNS) + "\nhat,clothing,,many,,1,1,0,\n", "line 2"),
        (",".join(COLUMNS) + "\nhat,clothing,,1,,1,1,0,nowhere\n", "line 2"),
        (",".join(COLUMNS) + "\nhat,clothing\n", "line 2"),
    ],
)
def test_a_wrong_file_is_named_in_one_sentence(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    with pytest.raises(PromptError) as caught:
        Catalogue.load(tmp_path)
    assert "own.csv" in str(caught.value)
    assert part in str(caught.value)
