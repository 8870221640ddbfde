"""The negative builder: words of the preset, embeddings that fit, and why the others do not."""

from __future__ import annotations

import pytest

from tag_atelier.errors import UnknownName
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.negatives import Embedding, build_negative
from tag_atelier.prompt.profile import get_profile

CATALOGUE = Catalogue.load()
AIDXL = get_profile("aidxl")


def test_embeddings_that_fit_stand_in_front_of_the_words() -> None:
    installed = [Embedding("negXL", "sdxl"), Embedding("mystery"), Embedding("old15", "sd15"), Embedding("EasyNegative")]
    text, used, left = build_negative("hat", AIDXL, "author", installed, CATALOGUE)
    assert text == f"negXL, mystery, {AIDXL.negative['author']}, hat"
    assert used == ["negXL", "mystery"]
    assert [(name, str(why)) for name, why in left] == [
        (name, f"'{name}' was made for SD1.5 and does not fit {AIDXL.name}; the WebUI would draw its name as words.")
        for name in ("old15", "EasyNegative")
    ]


def test_on_sd15_it_is_the_other_way_round() -> None:
    installed = [Embedding("negXL", "sdxl"), Embedding("EasyNegative")]
    _, used, left = build_negative("", get_profile("sd15-anime"), "", installed, CATALOGUE)
    assert (used, [name for name, _ in left]) == (["EasyNegative"], ["negXL"])


def test_what_is_there_already_is_not_repeated() -> None:
    text, used, _ = build_negative("(negxl:1.2), lowres", AIDXL, "", [Embedding("negXL", "sdxl")], CATALOGUE)
    assert (text, used) == ("(negxl:1.2), lowres", [])


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UnknownName, match="author"):
        build_negative("", AIDXL, "mine", [], CATALOGUE)
