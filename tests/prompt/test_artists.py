"""The artist mixer: a family's form and place, in the user's own order, and back."""

from __future__ import annotations

import pytest

from tag_atelier.errors import PromptError
from tag_atelier.prompt.artists import MOST_ARTISTS, Artist, find_artists, mix, says_by, written
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.labels import Label, Labels
from tag_atelier.prompt.profile import get_profile
from tag_atelier.prompt.user_catalogue import UserCatalogue

CATALOGUE = UserCatalogue(Catalogue.load(), {}, Labels([Label("wlop", "artist", 700), Label("ask_(askzy)", "artist", 900)]))
AIDXL, ILLUSTRIOUS = get_profile("aidxl"), get_profile("illustrious")
MERGE = [Artist("yoneyama mai", 0.9), Artist("chi4", 0.8), Artist("ask"), Artist("modare"), Artist("ikky", 0.9)]


def test_the_guides_style_merge() -> None:
    assert mix("chun-li, amazing quality", MERGE, AIDXL, CATALOGUE) == (
        "chun-li, amazing quality, (by yoneyama mai:0.9), (by chi4:0.8), by ask, by modare, (by ikky:0.9)"
    )


def test_one_artist_stands_in_front() -> None:
    assert (
        mix("1girl, smile, best quality", [Artist("wlop", 0.6)], AIDXL, CATALOGUE)
        == "(by wlop:0.6), 1girl, smile, best quality"
    )
    assert mix("", [Artist("by wlop")], AIDXL, CATALOGUE) == "by wlop"


def test_other_families_take_the_bare_name_in_their_own_place() -> None:
    assert (says_by(AIDXL), says_by(get_profile("aidxl-0.6")), says_by(ILLUSTRIOUS)) == (True, True, False)
    text = mix("1girl, hat", [Artist("ask (askzy)", 0.9), Artist("wlop")], ILLUSTRIOUS, CATALOGUE)
    assert [artist for _, artist in find_artists(text, ILLUSTRIOUS, CATALOGUE)] == [Artist("ask (askzy)", 0.9), Artist("wlop")]
    assert "(ask \\(askzy\\):0.9), wlop" in text


def test_what_was_mixed_is_read_back_and_can_be_mixed_again() -> None:
    text = mix("1girl, (smile:1.1)\nforest", MERGE, AIDXL, CATALOGUE)
    found = find_artists(text, AIDXL, CATALOGUE)
    assert [artist for _, artist in found] == MERGE
    assert [text[chip.start : chip.end] for chip, _ in found[:2]] == ["(by yoneyama mai:0.9)", "(by chi4:0.8)"]
    assert mix(text, [], AIDXL, CATALOGUE) == "1girl, (smile:1.1)\nforest"
    assert mix(text, MERGE[::-1], AIDXL, CATALOGUE).endswith("by modare, by ask, (by chi4:0.8), (by yoneyama mai:0.9)")


def test_a_group_of_artists_shares_its_weight() -> None:
    found = find_artists("1girl, (by ask, by modare:0.8)", AIDXL, CATALOGUE)
    assert [artist for _, artist in found] == [Artist("ask", 0.8), Artist("modare", 0.8)]


@pytest.mark.parametrize(
    "artist", [Artist(""), Artist("by "), Artist("a, b"), Artist("a\nb"), Artist("ask", 0), Artist("ask", 11)]
)
def test_what_is_no_artist_is_refused(artist: Artist) -> None:
    with pytest.raises(PromptError, match="expected"):
        written(artist, AIDXL, CATALOGUE)


def test_too_many_artists_are_refused() -> None:
    with pytest.raises(PromptError, match=f"at most {MOST_ARTISTS}"):
        mix("", [Artist("ask")] * (MOST_ARTISTS + 1), AIDXL, CATALOGUE)
