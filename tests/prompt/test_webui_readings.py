"""Sorting judged by what the WebUI itself read: its recorded readings, and a model that is held to every one of them."""

from __future__ import annotations

import gzip
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from tag_atelier.prompt.arrange import Arrangement, arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.meaning import same_meaning
from tag_atelier.prompt.profile import load_profiles
from tag_atelier.prompt.slots import CONFIDENT
from tests.prompt.prompt_maker import PLAIN, make, plain, prompts
from tests.prompt.readings import bag
from tests.prompt.webui_model import AMBIGUOUS, read

FILE = Path(__file__).resolve().parent.parent / "data" / "webui_readings.jsonl.gz"
CATALOGUE = Catalogue.load()
PROFILES = list(load_profiles().values())
JUDGED = int(os.environ.get("TAG_ATELIER_PROMPTS", "20000"))
"""Generated prompts to judge; 200,000 take a few minutes."""


@lru_cache(maxsize=1)
def recorded() -> list[tuple[str, bool, Any]]:
    """Text, whether negative, and the WebUI's reading; each prompt is followed by a careless shuffle of it."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [tuple(json.loads(line)) for line in lines]


def model(text: str, negative: bool) -> object:
    """The model's reading as a comparable value."""
    return bag(read(text, negative))


def is_ambiguous(text: str, negative: bool) -> bool:
    """True where the WebUI may read the prompt in two ways."""
    return AMBIGUOUS in str(read(text, negative))


def result_of(number: int, text: str, negative: bool) -> Arrangement:
    """Each prompt sorted for another family."""
    return arrange(text, PROFILES[number % len(PROFILES)], CATALOGUE, negative)


def test_there_are_enough_recorded_readings() -> None:
    assert len(recorded()) >= 5_000
    assert [(text, negative) for text, negative, _ in recorded()[::2][:500]] == list(prompts(0, 500))


def test_the_model_reads_what_the_webui_read() -> None:
    wrong, unclear = [], 0
    for text, negative, reading in recorded():
        ambiguous = is_ambiguous(text, negative)
        unclear += ambiguous
        if not ambiguous and model(text, negative) != bag(reading):
            wrong.append(text)
    assert wrong == []
    assert unclear < 0.2 * len(recorded())


def test_what_is_proved_the_same_was_read_the_same() -> None:
    """Of careless shuffles the proof lets through only those that the WebUI reads alike."""
    pairs = [pair for pair in zip(recorded()[::2], recorded()[1::2], strict=True) if not is_ambiguous(*pair[0][:2])]
    let_through = [(one, other) for one, other in pairs if same_meaning(one[0], other[0], one[1])]
    assert [one[0] for one, other in let_through if bag(one[2]) != bag(other[2])] == []
    alike = sum(bag(one[2]) == bag(other[2]) for one, other in pairs)
    assert 0.9 * alike < len(let_through) < 0.8 * len(pairs)


def test_sorting_changes_no_recorded_meaning() -> None:
    for number, (text, negative, reading) in enumerate(recorded()):
        result = result_of(number, text, negative)
        if result.changed and not is_ambiguous(text, negative):
            assert model(result.text, negative) == bag(reading), (text, result.text)


def test_sorting_changes_no_generated_meaning_and_most_prompts() -> None:
    changed = 0
    for number in range(100_000, 100_000 + JUDGED):
        text, negative = make(number)
        result = result_of(number, text, negative)
        changed += result.changed
        if result.changed:
            assert model(result.text, negative) == model(text, negative), (text, result.text)
    assert changed >= 0.6 * JUDGED


def test_plain_tags_come_out_sorted_and_in_their_own_sequence() -> None:
    sure = {tag: guess.slot for tag in PLAIN if (guess := CATALOGUE.slot(tag)).confidence >= CONFIDENT}
    assert set(sure) == set(PLAIN)
    in_order = 0
    for number in range(1_000):
        profile = PROFILES[number % len(PROFILES)]
        tags = arrange(plain(number), profile, CATALOGUE).text.split(", ")
        ranks = [profile.rank[sure[tag]] for tag in tags]
        in_order += ranks == sorted(ranks)
    assert in_order >= 980
