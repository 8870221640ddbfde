"""Errors are sentences that can be said in two languages, and that survive the way from one process to another."""

from __future__ import annotations

import pickle

import pytest

from tag_atelier.errors import RecipeError, TagAtelierError, UnknownName, say, say_all
from tag_atelier.language import tell, told


def test_an_error_is_its_sentence_and_remembers_what_it_is_made_of() -> None:
    error = RecipeError("'{name}' was given {count} models.", name="dare", count=1)
    assert str(error) == "'dare' was given 1 models."
    assert (error.said.template, error.said.values) == ("'{name}' was given {count} models.", {"name": "dare", "count": 1})


def test_braces_of_a_sentence_without_values_stay() -> None:
    assert str(RecipeError("Write {dtype: fp16}.")) == "Write {dtype: fp16}."
    assert str(UnknownName("checkpoint", "a{b}", ["{c}"])) == "Unknown checkpoint 'a{b}'; expected one of: {c}."


@pytest.mark.parametrize(
    ("known", "remedy", "sentence"),
    [
        ((), "", "Unknown job 'x'; there is none of that name."),
        (("a", "b"), "", "Unknown job 'x'; expected one of: a, b."),
        (("a",), "Look again.", "Unknown job 'x'; expected one of: a. Look again."),
        (tuple("abcdefghxy"), "", "Unknown job 'x'; expected one of: x, a, b, c, d, e, f, g, … (10 in all)."),
    ],
)
def test_an_unknown_name_lists_the_nearest(known: tuple[str, ...], remedy: str, sentence: str) -> None:
    assert str(UnknownName("job", "x", known, remedy)) == sentence


def test_what_is_filled_in_is_said_in_the_language_too() -> None:
    inner = say("{seconds} s left", seconds=3)
    answer = tell({"job": {"text": say("{unknown} {remedy}", unknown=inner, remedy="!"), "done": (inner, 2)}}, "zh_CN")
    assert answer == {"job": {"text": "约剩 3 秒!", "done": ("约剩 3 秒", 2)}}


@pytest.mark.parametrize("error", [UnknownName("job", "x", ["y"]), RecipeError("{a} too many", a=3), TagAtelierError("plain")])
def test_an_error_can_be_sent_to_another_process(error: TagAtelierError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.said.template, vars(again)) == (
        type(error), str(error), error.said.template, vars(error)
    )  # fmt: skip


def test_a_door_that_shows_the_error_itself_shows_it_in_its_language() -> None:
    error = UnknownName("job", "x", remedy="List the jobs to see which ones there are.")
    again = told(error, "zh_CN")
    assert (type(again), str(again), again.name) == (
        UnknownName, "没有任务“x”；请检查名称。请先列出任务，看看有哪些。", "x"
    )  # fmt: skip
    assert str(told(error, "en")) == str(error)


def test_a_kind_may_name_what_it_belongs_to() -> None:
    error = UnknownName("block of {architecture}", "IN99", ["IN00"], architecture="SDXL")
    assert str(error) == "Unknown block of SDXL 'IN99'; expected one of: IN00."
    assert str(told(error, "zh_CN")) == "SDXL 没有分块“IN99”；可选：IN00。"


def test_a_list_of_sentences_is_said_part_by_part() -> None:
    assert tell(say_all([say("a VAE"), "b"], " + "), "zh_CN") == " VAE + b"
