"""What the catalogue leaves out whoever asks: it neither places, names nor suggests sexualised minors."""

from __future__ import annotations

import re

from tag_atelier.prompt.catalogue import RARE_FILE, Catalogue
from tag_atelier.settings import PRESETS_FOLDER

LEFT_OUT = re.compile(r"(^|[_-])(loli|shota|lolicon|shotacon|toddlercon)($|[_-])|child_on_child|incest")


def test_no_row_and_no_broader_tag_names_sexualised_minors() -> None:
    entries = Catalogue.load().entries.values()
    assert [entry.name for entry in entries if LEFT_OUT.search(entry.name) or LEFT_OUT.search(entry.broader)] == []


def test_no_rare_tag_does() -> None:
    names = (PRESETS_FOLDER / "tags" / RARE_FILE).read_text(encoding="utf-8").split()
    assert len(names) > 3_000
    assert [name for name in names if LEFT_OUT.search(name)] == []


def test_the_pattern_spares_garments_and_weapons() -> None:
    assert not any(LEFT_OUT.search(name) for name in ("lolita_fashion", "gothic_lolita", "shotgun", "princess_carry"))
    assert LEFT_OUT.search("oppai_loli") and LEFT_OUT.search("onee-shota")
