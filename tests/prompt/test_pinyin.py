"""Pinyin: every Chinese name in the catalogue can be typed, and is found so."""

from __future__ import annotations

import re

import pytest

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.characters import load_characters
from tag_atelier.prompt.pinyin import spoken
from tag_atelier.prompt.search import search

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("双马尾", ("shuangmawei", "smw")),
        ("绿色眼睛", ("lvseyanjing", "lsyj")),
        ("女孩，微笑", ("nvhaiweixiao", "nhwx")),
        ("1个女孩", ("1genvhai", "1gnh")),
        ("", ()),
        ("髺", ()),
    ],
)
def test_a_name_is_typed_as_it_sounds(name: str, sounds: tuple[str, ...]) -> None:
    assert spoken(name) == sounds


@pytest.mark.parametrize("query", ["shuangmawei", "smw", "shuang ma w"])
def test_a_tag_is_found_by_its_sound(query: str) -> None:
    assert "twintails" in [entry.name for entry in search(CATALOGUE, query, 20)]


def test_nearly_every_chinese_name_can_be_typed() -> None:
    names = [entry.zh for entry in CATALOGUE.entries.values() if re.search("[\u4e00-\u9fff]", entry.zh)]
    names += [name for row in load_characters().rows for name in row.zh if not re.search("[\u3040-\u30ff]", name)]
    assert len(names) > 6000
    silent = [name for name in names if not spoken(name)]
    assert len(silent) < len(names) / 100, silent[:20]
