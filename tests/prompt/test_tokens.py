"""Token counts and chunk borders: with a merge table of a few words, with CLIP's own where it is installed, and estimated.

What CLIP's table gives was recorded from the WebUI 1.10.1 itself (TextConditionalModel.tokenize_line, open_clip 2.20).
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.prompt import tokens
from tag_atelier.prompt.clip_words import ClipWords, clip_words
from tag_atelier.prompt.tokens import TokenCount, count_chunks, count_tokens, measure, measure_with
from tag_atelier.prompt.unfold import readings

CAT = ClipWords([("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>")])
"""Knows "cat" and "dog" as one token each; every other letter is one by itself."""


def test_words_are_joined_in_the_order_of_the_table() -> None:
    assert [token.text for token in CAT.tokens("Cat, cats 12")] == ["cat</w>", ",</w>", "ca", "t", "s</w>", "1</w>", "2</w>"]
    assert [token.start for token in CAT.tokens("Cat, cats 12")] == [0, 3, 5, 5, 5, 10, 11]


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("&amp;", ["&</w>"]),
        ("it's", ["i", "t</w>", "'", "s</w>"]),
        ("a_b", ["a</w>", "_</w>", "b</w>"]),
        (",,", [",", ",</w>"]),
        ("\uff01", ["!</w>"]),
        ("\u00b2", ["\u00c2", "\u00b2</w>"]),
    ],
)
def test_signs_and_entities(text: str, signs: list[str]) -> None:
    assert [token.text for token in CAT.tokens(text)] == signs


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("", TokenCount(0, 75)),
        ("cat", TokenCount(1, 75)),
        ("(cat:1.2), [dog]", TokenCount(3, 75)),
        ("cat BREAK dog", TokenCount(76, 150, (10,))),
        ("(cat BREAK dog:1.2)", TokenCount(7, 75)),
        ("cat AND dog dog :0.5", TokenCount(2, 75)),
        ("<lora:cat:1> # dog", TokenCount(0, 75)),
        ("[cat:dog dog:0.5]", TokenCount(2, 75)),
        ("[cat|dog dog dog|]", TokenCount(3, 75)),
        ("[cat dog:10]", TokenCount(2, 75)),
        ("[cat:dog]", TokenCount(3, 75)),
        (" ".join(["cat"] * 75), TokenCount(75, 75)),
        (" ".join(["cat"] * 76), TokenCount(76, 150, (300,))),
        (" ".join(["cat"] * 70) + ", " + " ".join(["dog"] * 6), TokenCount(81, 150, (281,))),
        (" ".join(["cat"] * 50) + ", " + " ".join(["dog"] * 26), TokenCount(77, 150, (297,))),
    ],
)
def test_chunks_are_filled_as_the_webui_fills_them(prompt: str, count: TokenCount) -> None:
    assert measure_with(CAT, prompt) == count


def test_a_number_of_steps_decides_what_a_schedule_shows() -> None:
    assert measure_with(CAT, "[dog:dog dog:30]", steps=20).tokens == 1
    assert measure_with(CAT, "[dog:dog dog:30]", steps=40).tokens == 2


def test_in_the_negative_prompt_and_is_a_word() -> None:
    assert measure_with(CAT, "cat AND dog", negative=True).tokens == 5


def test_an_embedding_counts_its_vectors_and_is_not_torn() -> None:
    assert measure_with(CAT, "cat, Dog", embeddings={"dog": 8}).tokens == 10
    crowded = " ".join(["cat"] * 70) + " dog"
    assert measure_with(CAT, crowded, embeddings={"dog": 8}) == TokenCount(83, 150, (280,))


def test_readings_keep_places() -> None:
    (first, second) = readings("a [cat:dog:0.5]")
    assert (first.text, second.text) == ("a cat", "a dog")
    assert list(second.places) == [0, 1, 7, 8, 9]


RECORDED = {
    "masterpiece, best quality, 1girl, smile": (9, ()),
    "score_9, score_8_up, score_7_up, source_anime, rating_safe": (23, ()),
    "rem \\(re:zero\\), >:\\(, |_|, half-closed eyes": (18, ()),
    ", ".join(["very long white hair"] * 16): (79, (330,)),
}


@pytest.mark.skipif(clip_words() is None, reason="neither open_clip nor clip is installed here")
@pytest.mark.parametrize("prompt", RECORDED)
def test_clips_own_table_gives_the_webuis_numbers(prompt: str) -> None:
    counted = measure(prompt)
    assert (counted.tokens, counted.borders, counted.exact) == (*RECORDED[prompt], True)


@pytest.fixture
def no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "clip_words", lambda: None)


@pytest.mark.usefixtures("no_table")
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("smile", 1),
        ("1girl, smile", 4),
        ("(smile:1.2)", 1),
        ("score_9", 3),
        ("[red hair:blue dress:0.5]", 2),
        ("<lora:x:1> # note", 0),
        ("\u957f\u53d1", 4),
        ("absolutely", 2),
    ],
)
def test_the_estimate(text: str, count: int) -> None:
    assert count_tokens(text) == count


@pytest.mark.usefixtures("no_table")
@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("", 1),
        (", ".join(["smile"] * 38), 1),
        (", ".join(["smile"] * 39), 2),
        ("a BREAK b", 2),
        ("a AND b", 1),
        ("BREAKDANCE", 1),
    ],
)
def test_estimated_chunks(text: str, chunks: int) -> None:
    assert count_chunks(text) == chunks
    assert not measure(text).exact


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="cat, dog()[]:|.1\\\nBREAK AND", max_size=60))
def test_any_text_is_counted(text: str) -> None:
    count = measure_with(CAT, text)
    assert count.limit >= max(count.tokens, 75)
    assert all(0 <= border < len(text) for border in count.borders)


@pytest.mark.parametrize(
    "text", ["[" * 9000, "[a:" * 4000, "[a|b] " * 3000, "x" * 19000, "(" * 5000 + ")" * 5000, "[a:b:0.5]" * 2000]
)
def test_hostile_prompts_take_no_time(text: str) -> None:
    started = time.process_time()
    measure_with(CAT, text)
    assert time.process_time() - started < 4
