"""The rules by themselves, held to their own confidence on the catalogue's rows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.slot_rules import guess
from tag_atelier.prompt.slots import CONFIDENT, SLOTS, UNKNOWN
from tests.prompt.test_catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


def _guesses(catalogue: Catalogue) -> list[tuple[tuple[str, str], str, float]]:
    return [((entry.slot, entry.also), *guess(entry.name)) for entry in catalogue.entries.values() if entry.slot != "character"]


def test_what_the_rules_call_sure_is_right_nineteen_times_in_twenty() -> None:
    sure = [guessed in slots for slots, guessed, confidence in _guesses(CATALOGUE) if confidence >= CONFIDENT]
    assert len(sure) > 1_000
    assert sum(sure) / len(sure) > 0.95


def test_rules_answer_most_rows_and_know_only_our_slots() -> None:
    answers = [guessed for _, guessed, _ in _guesses(CATALOGUE)]
    assert set(answers) <= {*SLOTS, UNKNOWN}
    assert sum(answer != UNKNOWN for answer in answers) / len(answers) > 0.7


@pytest.mark.parametrize(
    ("tag", "slot"),
    [
        ("riding_crop", "items"),
        ("mauve_shopping_street", "main_env"),
        ("marble_amphitheater", "main_env"),
        ("floating_teacup", "items"),
        ("arms_over_knees", "action"),
        ("under_cherry_tree", "action"),
        ("scar_on_wrist", "body_char"),
        ("no_earrings", "accessories"),
        ("okapi_girl", "race"),
        ("squinting_eyes", "expression"),
        ("fuchsia_eyes", "body_char"),
        ("sparrow_(bird)", "items"),
        ("edelweiss_(flower)", "secondary_env"),
        ("violet_hair", "main_char"),
        ("feathered_shuriken", "items"),
        ("two_sparrows", "items"),
        ("fallen_cherries", "items"),
        ("in_the_style_of_impasto", "style"),
        ("is_sleeping", "action"),
        ("she_is_smiling", "expression"),
        ("he_is_wearing_red_boots", "clothing"),
        ("looks_at_the_viewer", "action"),
        ("is_expressionless", "expression"),
    ],
)
def test_words_place_what_nobody_listed(tag: str, slot: str) -> None:
    assert guess(tag).slot == slot


@pytest.mark.parametrize("tag", ["loli", "shota", "toddlercon", "kodocon"])
def test_what_the_catalogue_leaves_out_the_rules_do_not_place(tag: str) -> None:
    assert guess(tag).slot == UNKNOWN


def test_two_blind_readers_agree_as_the_page_says() -> None:
    measured = runpy.run_path(str(ROOT / "benchmarks" / "slots.py"))["agreement"]()
    assert measured["rows"] >= 300
    page = (ROOT / "docs" / "prompt_rules.md").read_text(encoding="utf-8")
    assert f"agree on {measured['equal']:.1%}".replace("%", " %") in page
    assert f"kappa {measured['kappa']}" in page


def test_ten_thousand_tags_take_less_than_a_second() -> None:
    import time

    names = [f"{colour}_{noun}_{number}" for colour in ("red", "odd") for noun in ("dress", "thing") for number in range(2500)]
    started = time.process_time()
    for name in names:
        guess(name)
    assert time.process_time() - started < 1.0
