"""The judge of arrange's proof: what must count as the same, and what must not."""

from __future__ import annotations

import pytest

from tag_atelier.prompt.meaning import meaning, same_meaning


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a, b", "b, a"),
        ("a,  b", "b ,a"),
        ("smile\nforest, day", "day, smile forest"),
        ("(a, b:1.2)", "(a:1.2), (b:1.2)"),
        ("((a, b))", "((b)), ((a))"),
        ("[a, b]", "[b], [a]"),
        ("(((smile)), blush:1.1)", "(((smile)):1.1), (blush:1.1)"),
        ("a # x\n, b", "b, a"),
        ("a, <lora:x:1>", "<lora:x:1>, a"),
        ("[a:b:0.5], c", "c, [a:b:0.5]"),
    ],
)
def test_same(before: str, after: str) -> None:
    assert same_meaning(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a, b", "a, b, b"),
        ("a, (b)", "a, b"),
        ("a BREAK b", "b BREAK a"),
        ("a AND b", "b AND a"),
        ("a AND b :0.6", "a :0.6 AND b"),
        ("hat, 1girl, :3", ":3, hat, 1girl"),
        ("<lora:x:1>, <lora:y:1>", "<lora:y:1>, <lora:x:1>"),
        ("[a:b:0.5], c", "[b:a:0.5], c"),
        ("a, (b", "(b, a"),
        ("a [b BREAK c:d:3], e", "e, a [b BREAK c:d:3]"),
        ("red hair, dress", "hair, red dress"),
        (r"rem \(x\)", "rem (x)"),
        ("x, (a BREAK b:1), y", "(a BREAK b:1), x, y"),
        ("[a|b]BREAK c, d", "[a|b]BREAK d, c"),
        ("a, b, BREAK[c:d:0.5]", "b, a, BREAK[c:d:0.5]"),
        ("a, b, [c:d:0.5], e]", "b, a, [c:d:0.5], e]"),
        ("a, b, [c|d], <e:x#f>\n[g>]", "b, a, [c|d], <e:x#f>\n[g>]"),
    ],
)
def test_different(before: str, after: str) -> None:
    assert not same_meaning(before, after)


def test_weights_multiply_and_numbers_only_count_before_the_bracket() -> None:
    assert meaning("((a))").parts[0].chunks == (((("a", 1.21),),),)
    assert meaning("(smile:1.2, hat:0.8)").parts[0].chunks == (((("hat", 0.8),), (("smile:1.2", 0.8),)),)


def test_a_break_inside_brackets_is_a_word() -> None:
    chunks = meaning("(forest BREAK dress:1.2)").parts[0].chunks
    assert chunks == (((("forest", 1.2), ("BREAK", -1.2), ("dress", 1.2)),),)


def test_the_negative_prompt_keeps_networks_and_and_as_text() -> None:
    assert meaning("a AND <lora:x:1>", negative=True).networks == ()
    assert len(meaning("a AND b", negative=True).parts) == 1
