"""Quality and negative words: where each family wants them, once, and never inside what was written."""

from __future__ import annotations

import pytest

from tag_atelier.errors import UnknownName
from tag_atelier.prompt.compose import compose
from tag_atelier.prompt.profile import get_profile


@pytest.mark.parametrize(
    ("profile", "positive", "expected"),
    [
        ("aidxl", "1girl, smile", "1girl, smile, best quality"),
        ("aidxl", "1girl, smile, ", "1girl, smile, best quality "),
        ("aidxl", "best quality, 1girl", "best quality, 1girl"),
        ("aidxl", "(best quality:1.2), 1girl", "(best quality:1.2), 1girl"),
        ("aidxl", "", "best quality"),
        ("aidxl", "1girl BREAK hat", "1girl BREAK hat, best quality"),
        ("aidxl", "1girl AND cat :0.5", "1girl, best quality AND cat :0.5"),
        ("aidxl", "1girl, :3", "best quality, 1girl, :3"),
        ("aidxl", "1girl, (hat", "best quality, 1girl, (hat"),
        ("aidxl", "1girl # note", "1girl, best quality # note"),
        ("pony", "1girl", "score_9, score_8_up, score_7_up, score_6_up, score_5_up, score_4_up, 1girl"),
        ("pony", "score_9, 1girl", "score_8_up, score_7_up, score_6_up, score_5_up, score_4_up, score_9, 1girl"),
        ("confusionxl", "1girl", "1girl"),
    ],
)
def test_quality_words(profile: str, positive: str, expected: str) -> None:
    assert compose(positive, "", get_profile(profile), quality="default") == (expected, "")


def test_nothing_is_added_unless_asked_for() -> None:
    assert compose("1girl", "lowres", get_profile("aidxl")) == ("1girl", "lowres")
    assert compose("1girl", "lowres", get_profile("aidxl"), "", "") == ("1girl", "lowres")


def test_negative_preset_stands_before_what_was_written_without_repeating_it() -> None:
    _, negative = compose("", "lowres, my word", get_profile("confusionxl"), negative_preset="author")
    assert negative == "(worst quality, low quality:1.4), nsfw, lowres, my word"
    _, negative = compose("", "lowres, text", get_profile("aidxl"), negative_preset="chinese_guide")
    assert negative == (
        "worst quality, low quality, messy, abstract, ugly, disfigured, bad anatomy, deformed hands, fused fingers, signature,"
        " multi views, lowres, text"
    )


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName, match="quality level"):
        compose("", "", get_profile("aidxl"), quality="super")
    with pytest.raises(UnknownName, match="negative preset"):
        compose("", "", get_profile("aidxl"), negative_preset="super")
