"""styles.csv: read as the WebUI reads it, and added to without a byte of the other rows changing."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import PromptError
from tag_atelier.prompt.styles_csv import Style, apply_style, read_styles, with_style

CONTENT = (
    "\ufeffname,prompt,negative_prompt\r\n"
    '"two, words","a, {prompt}, ""b""\r\nsecond line",lowres\r\n'
    "# a remark,,\r\n"
    "微笑,smile,\r\n"
).encode()
"""As the WebUI writes it, with a quoted comma, quotes, and a line end inside."""


def as_the_webui_reads(content: bytes) -> list[tuple[str, str, str]]:
    """Names and texts as modules/styles.py of 1.10.1 reads them: DictReader on utf-8-sig."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), skipinitialspace=True)
    return [(row["name"], row["prompt"], row["negative_prompt"]) for row in rows if not row["name"].startswith("#")]


def test_rows_are_read() -> None:
    assert read_styles(CONTENT, "styles.csv") == [
        Style("two, words", 'a, {prompt}, "b"\r\nsecond line', "lowres"),
        Style("微笑", "smile", ""),
    ]
    assert read_styles(b"name,text\nold,hat\n", "styles.csv") == [Style("old", "hat", "")]
    assert read_styles(b"", "styles.csv") == []


def test_a_style_is_added_behind_all_others() -> None:
    style = Style("mine", 'x, "y"\nz', "w")
    content = with_style(CONTENT, style, "styles.csv")
    assert content.startswith(CONTENT)
    assert as_the_webui_reads(content)[-1] == ("mine", 'x, "y"\nz', "w")
    assert with_style(CONTENT.rstrip(), style, "styles.csv").startswith(CONTENT.rstrip() + b"\r\n")
    assert with_style(b"", style, "styles.csv").decode("utf-8").startswith("\ufeffname,prompt,negative_prompt\r\nmine,")
    assert with_style(b"name,text\nold,hat\n", Style("new", "bow"), "styles.csv") == b"name,text\nold,hat\nnew,bow\r\n"


def test_a_style_is_replaced_where_it_stands() -> None:
    content = with_style(CONTENT, Style("two, words", "new"), "styles.csv", replace=True)
    assert content == CONTENT.replace(b'"two, words","a, {prompt}, ""b""\r\nsecond line",lowres\r\n', b'"two, words",new,\r\n')
    with pytest.raises(PromptError, match="already"):
        with_style(CONTENT, Style("two, words", "new"), "styles.csv")


@pytest.mark.parametrize("name", ["", " a", "#a", "a\nb", "x" * 201, "a\0"])
def test_names_that_the_webui_would_lose_are_refused(name: str) -> None:
    with pytest.raises(PromptError, match="cannot be a style's name"):
        with_style(CONTENT, Style(name, "x"), "styles.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\nc,d\n", b"name,other\n", b'name,prompt\n"' + b"x" * 200_000])
def test_a_file_of_another_kind_is_refused(content: bytes) -> None:
    with pytest.raises(PromptError, match=r"other\.csv"):
        with_style(content, Style("a", "b"), "other.csv")


def test_an_old_file_has_no_room_for_a_negative_prompt() -> None:
    with pytest.raises(PromptError, match="negative_prompt"):
        with_style(b"name,text\n", Style("a", "b", "c"), "styles.csv")


def test_styles_are_merged_as_the_webui_does() -> None:
    assert apply_style(Style("a", "best", "lowres"), " 1girl ", "") == ("1girl, best", "lowres")
    assert apply_style(Style("a", "{prompt}, x, {prompt}"), "hat", "bad") == ("hat, x, hat", "bad")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text("ab,\"' 长", min_size=1, max_size=5), st.text('a,"\n\r#{ ', max_size=6)), max_size=5))
def test_whatever_was_saved_is_read_again(styles: list[tuple[str, str]]) -> None:
    content, expected = b"", {}
    for name, prompt in styles:
        try:
            content = with_style(content, Style(name, prompt), "styles.csv", replace=True)
        except PromptError:
            continue
        expected[name] = prompt
    read = {name: prompt.lstrip(" ") for name, prompt, _ in as_the_webui_reads(content)} if content else {}
    assert read == {name: prompt.lstrip(" ") for name, prompt in expected.items()}
