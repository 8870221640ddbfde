"""The rules by themselves, held to their own confidence on the catalogue's rows."""

from __future__ import annotations

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.slot_rules import guess
from tag_atelier.prompt.slots import CONFIDENT, SLOTS, UNKNOWN
from tests.prompt.test_catalogue import CATALOGUE


def _guesses(catalogue: Catalogue) -> list[tuple[str, str, float]]:
    return [(entry.slot, *guess(entry.name)) for entry in catalogue.entries.values() if entry.slot != "character"]


def test_what_the_rules_call_sure_is_right_nine_times_in_ten() -> None:
    sure = [slot == guessed for slot, guessed, confidence in _guesses(CATALOGUE) if confidence >= CONFIDENT]
    assert len(sure) > 1_000
    assert sum(sure) / len(sure) > 0.9


def test_rules_answer_most_rows_and_know_only_our_slots() -> None:
    answers = [guessed for _, guessed, _ in _guesses(CATALOGUE)]
    assert set(answers) <= {*SLOTS, UNKNOWN}
    assert sum(answer != UNKNOWN for answer in answers) / len(answers) > 0.7


def test_ten_thousand_tags_take_less_than_a_second() -> None:
    import time

    names = [f"{colour}_{noun}_{number}" for colour in ("red", "odd") for noun in ("dress", "thing") for number in range(2500)]
    started = time.perf_counter()
    for name in names:
        guess(name)
    assert time.perf_counter() - started < 1.0
