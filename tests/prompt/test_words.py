"""Search, overlaps and the reading of items: small tables of what is expected."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.overlap import find_overlaps, implies
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.search import by_chinese_name, search

CATALOGUE = Catalogue.load()
PAIRS = Path(__file__).resolve().parent / "overlap_pairs.csv"
"""Pairs written down without looking at the rules: ``implied`` (the first implies the second) or ``both`` (keep both)."""


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("long hair", "long_hair"),
        ("long_h", "long_hair"),
        ("双马尾", "twintails"),
        ("frier", "frieren"),
        (r"rem \(re", "rem_(re:zero)"),
    ],
)
def test_search_finds_names_and_chinese(query: str, first: str) -> None:
    assert search(CATALOGUE, query)[0].name == first


def test_search_is_bounded_ranked_and_can_be_kept_safe() -> None:
    found = [entry.name for entry in search(CATALOGUE, "hair", limit=5)]
    assert len(found) == 5
    assert found[0].startswith("hair")
    assert not any(entry.name.startswith("nude") for entry in search(CATALOGUE, "nude", safe_only=True))
    assert [entry.name for entry in search(CATALOGUE, "nude", limit=2)] == ["nude", "nude_cover"]
    assert search(CATALOGUE, "   ") == []


def test_a_chinese_name_leads_to_its_tag() -> None:
    entry = by_chinese_name(CATALOGUE, "白发")
    assert entry is not None
    assert entry.name == "white_hair"
    assert by_chinese_name(CATALOGUE, "没有这个") is None


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("very long hair, long hair", [("very long hair", "long hair")]),
        ("absurdly_long_hair, long_hair", [("absurdly_long_hair", "long_hair")]),
        ("ornate velvet dress, dress", [("ornate velvet dress", "dress")]),
        ("white shirt, shirt, smile", [("white shirt", "shirt")]),
        (
            "white pleated skirt, pleated skirt, white skirt",
            [("white pleated skirt", tag) for tag in ("pleated skirt", "white skirt")],
        ),
        ("light blue eyes, blue eyes", [("light blue eyes", "blue eyes")]),
        ("holding sword, holding", [("holding sword", "holding")]),
        ("teal serafuku, school uniform", [("teal serafuku", "school uniform")]),
        ("scar on cheek, scar", [("scar on cheek", "scar")]),
        ("katana, weapon", [("katana", "weapon")]),
        ("plaid skirt, plaid, skirt", [("plaid skirt", "skirt"), ("plaid skirt", "plaid")]),
        ("goatee, beard, facial hair", [("goatee", "beard"), ("goatee", "facial hair"), ("beard", "facial hair")]),
        ("horizontal-striped socks, striped clothes", [("horizontal-striped socks", "striped clothes")]),
        ("unworn skirt, unworn clothes", [("unworn skirt", "unworn clothes")]),
        (r"rem \(re:zero\) \(cosplay\), cosplay", [(r"rem \(re:zero\) \(cosplay\)", "cosplay")]),
        (r"amber \(gemstone\), gem", [(r"amber \(gemstone\)", "gem")]),
        ("playing guitar, guitar", []),
        ("riding bicycle, riding", [("riding bicycle", "riding")]),
        ("riding crop, riding", []),
        ("skirt lift, clothes lift", [("skirt lift", "clothes lift")]),
        ("hair lift, clothes lift", []),
        ("puffy shorts, puffy sleeves", []),
        ("cat girl, cat ears, animal ears", [("cat ears", "animal ears")]),
        ("birthday cake, birthday, cake", [("birthday cake", "cake")]),
        ("belt buckle, belt", []),
        ("unworn hat, hat", []),
        ("holding sword, sword", []),
        ("fake animal ears, animal ears", []),
        ("no bra, bra", []),
        ("hair ribbon, ribbon", [("hair ribbon", "ribbon")]),
        ("striped scarf, hair scarf", []),
        ("goggles around neck, goggles", []),
        ("panties under pantyhose, panties", [("panties under pantyhose", "panties")]),
        ("ak-47, gun, weapon", [("ak-47", "gun"), ("ak-47", "weapon"), ("gun", "weapon")]),
        ("arms up, arm up", []),
        ("hot dog, dog", []),
        ("stuffed cat, cat", []),
        ("long hair, hair", []),
        ("two-tone dress, red dress", []),
        ("very long hair, (long hair:1.2)", []),
        ("1girl, solo", []),
        ("best quality, amazing quality", []),
        ("frieren, sousou no frieren", []),
    ],
)
def test_overlaps_are_advice_on_plain_tags(text: str, pairs: list[tuple[str, str]]) -> None:
    assert [(found.narrow, found.broad) for found in find_overlaps(text, CATALOGUE)] == pairs


def _pairs(judged: str) -> list[tuple[str, str]]:
    with PAIRS.open(encoding="utf-8", newline="") as lines:
        return [(row["one"], row["other"]) for row in csv.DictReader(lines) if row["judged"] == judged]


def test_pairs_that_people_call_narrow_and_broad_are_found() -> None:
    pairs = _pairs("implied")
    missed = [pair for pair in pairs if not implies(*pair, CATALOGUE)]
    assert len(pairs) >= 3_000
    assert len(missed) <= 0.03 * len(pairs), missed


def test_pairs_that_only_look_alike_are_kept() -> None:
    pairs = _pairs("both")
    assert len(pairs) >= 600
    assert [(one, other) for one, other in pairs if implies(one, other, CATALOGUE) or implies(other, one, CATALOGUE)] == []


def test_no_tag_implies_itself_by_way_of_another() -> None:
    for name in CATALOGUE.entries:
        for broad in CATALOGUE.implied(name):
            assert not implies(broad, name, CATALOGUE), (name, broad)


def test_strangers_do_not_overlap() -> None:
    chance = random.Random(5)
    names = sorted(CATALOGUE.entries)
    pairs = [chance.sample(names, 2) for _ in range(2000)]
    assert sum(implies(narrow, broad, CATALOGUE) for narrow, broad in pairs) <= 4


@pytest.mark.parametrize(
    ("core", "tags"),
    [
        ("smile", ("smile",)),
        ("(smile, hat:1.2)", ("smile", "hat")),
        ("((smile))", ("smile",)),
        ("[red hair:blue hair:0.5]", ("red hair",)),
        ("[:red hair:5]", ("red hair",)),
        ("[|cat]", ("cat",)),
        ("[[red:blue:4]:green:0.5] dress", ("red dress",)),
        ("{2$$red hair|blue hair}", ("red hair",)),
        ("smile <lora:x:1>", ("smile",)),
        ("<lora:x:1>", ()),
        (r">:\(", (r">:\(",)),
        ("(:3:1.0)", (":3",)),
        ("smile:1.2", ("smile",)),
        (":3", (":3",)),
        ("(" * 3000, ()),
    ],
)
def test_reading_of_an_item(core: str, tags: tuple[str, ...]) -> None:
    assert tags_of(core) == tags
