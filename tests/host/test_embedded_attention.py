"""Weights and refusals of the embedded host's prompt reading. Expected values are WebUI 1.10.1's."""

from __future__ import annotations

import doctest

import pytest

from tag_atelier.errors import PromptError
from tag_atelier.host.embedded import attention
from tag_atelier.host.embedded.attention import read_prompt, weighted_runs


def test_examples_in_docstrings() -> None:
    failures, examples = doctest.testmod(attention)
    assert (failures, examples > 2) == (0, True)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", []),
        ("(unbalanced", [("unbalanced", 1.1)]),
        ("stray) and ]", [("stray) and ]", 1.0)]),
        ("(a)(b)", [("ab", 1.1)]),
        ("(a:1.2, b:0.8)", [("a:1.2, b", 0.8)]),
        ("(x:-0.5), (y:+1.5), ( z : 2 )", [("x", -0.5), (", ", 1.0), ("y", 1.5), (", ", 1.0), (" z ", 2.0)]),
        ("rem \\(re:zero\\)", [("rem (re:zero)", 1.0)]),
        ("\\m/ \\\\", [("m/ \\", 1.0)]),
        ("(a\\:1.5)", [("a", 1.5)]),
        ("(x BREAK y:1.2)", [("x", 1.2), ("BREAK", -1.2), ("y", 1.2)]),
        ("a BREAK BREAK b", [("a", 1.0), None, None, ("b", 1.0)]),
        ("BREAKDANCE", [("BREAKDANCE", 1.0)]),
    ],
)
def test_weights(text: str, runs: list[tuple[str, float] | None]) -> None:
    assert weighted_runs(text) == runs


def test_weights_multiply() -> None:
    (house, gap, on, rest) = weighted_runs("((house:1.3)) [on] x")
    assert house == ("house", pytest.approx(1.3 * 1.1))
    assert (gap, rest) == ((" ", 1.0), (" x", 1.0))
    assert on == ("on", pytest.approx(1 / 1.1))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1girl, smile :0.6", ("1girl, smile ", 0.6)),
        ("1girl, :3, hat", ("1girl, :3, hat", 1.0)),
        ("1girl # note\nforest", ("1girl \nforest", 1.0)),
        ("(smile:1.2)", ("(smile:1.2)", 1.0)),
    ],
)
def test_the_weight_of_the_whole_prompt(text: str, read: tuple[str, float]) -> None:
    assert read_prompt(text) == read


def test_a_negative_prompt_has_no_networks_and_no_parts() -> None:
    text = "lowres AND <lora:x:1> bad hands :0.5"
    assert read_prompt(text, negative=True) == (text, 1.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1girl, <lora:style:0.7>", "<lora:style:0.7>"),
        ("forest AND 1boy", "AND"),
        ("[red:blue:0.5] dress", "[red:blue:0.5]"),
        ("x [hat:0.5]", "[hat:0.5]"),
        ("[cat|dog] girl", "[cat|dog]"),
    ],
)
def test_what_it_cannot_draw_is_refused(text: str, found: str) -> None:
    with pytest.raises(PromptError) as refusal:
        read_prompt(text)
    assert found in str(refusal.value)


def test_a_weight_that_is_no_number_is_refused() -> None:
    with pytest.raises(PromptError, match=r"1\.2\.1"):
        weighted_runs("(x:1.2.1)")
