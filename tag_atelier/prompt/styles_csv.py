"""The WebUI's ``styles.csv``: read, applied to prompts, and added to without touching its other rows.

The format is the WebUI 1.10.1's (modules/styles.py): UTF-8 with a mark, columns name, prompt, negative_prompt, rows whose
name begins with ``#`` are remarks, ``{prompt}`` stands for what was written. Called by ``jobs.prompt_styles``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tag_atelier.errors import PromptError

PLACEHOLDER = "{prompt}"
_HEADER = ("name", "prompt", "negative_prompt")
_MARK = "\ufeff"
_LONGEST_NAME = 200


class Style(NamedTuple):
    """One row."""

    name: str
    prompt: str = ""
    negative: str = ""


def read_styles(content: bytes, file: str) -> list[Style]:
    """The styles of a file in its order.

    Raises:
        PromptError: it is no csv with a name column in UTF-8.
    """
    header, rows = _table(content, file)
    return [_style(header, row) for row, _ in rows if row and not _cell(header, row, "name").startswith("#")]


def apply_style(style: Style, prompt: str, negative: str) -> tuple[str, str]:
    """Both prompts with the style as the WebUI merges it.

    >>> apply_style(Style("a", "masterpiece, {prompt}, forest", "lowres"), "1girl", "")
    ('masterpiece, 1girl, forest', 'lowres')
    """
    return _merged(style.prompt, prompt), _merged(style.negative, negative)


def with_style(content: bytes, style: Style, file: str, replace: bool = False) -> bytes:
    """The file with ``style`` added, or put in the place of the row of its name; all other bytes stay.

    Raises:
        PromptError: the name cannot be a style's, is taken and ``replace`` is false, or the file is no styles file.
    """
    _check_name(style.name)
    if not content.strip():
        return (_MARK + _line(_HEADER) + _line(style)).encode("utf-8")
    header, rows = _table(content, file)
    values = {"name": style.name, "prompt": style.prompt, "text": style.prompt, "negative_prompt": style.negative}
    if style.negative and "negative_prompt" not in header:
        sentence = "'{file}' has no column negative_prompt (an old format); save the style without a negative prompt."
        raise PromptError(sentence, file=file)
    line = _line([values.get(column, "") for column in header])
    text = content.decode("utf-8")
    for row, (start, end) in rows:
        if row and _cell(header, row, "name") == style.name:
            if not replace:
                sentence = "'{file}' has a style '{style}' already; choose another name or allow replacing it."
                raise PromptError(sentence, file=file, style=style.name)
            return (text[:start] + line + text[end:]).encode("utf-8")
    return (text + ("" if text.endswith("\n") else "\r\n") + line).encode("utf-8")


def _merged(style: str, text: str) -> str:
    if PLACEHOLDER in style:
        return style.replace(PLACEHOLDER, text)
    return ", ".join(part for part in (text.strip(), style.strip()) if part)


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip() or name.startswith("#") or len(name) > _LONGEST_NAME or not name.isprintable():
        sentence = "'{name}' cannot be a style's name; expected 1 to {most} visible characters, no # in front."
        raise PromptError(sentence, name=name[:60], most=_LONGEST_NAME)


def _table(content: bytes, file: str) -> tuple[list[str], list[tuple[list[str], tuple[int, int]]]]:
    """Column names, and every row with the characters of the decoded file that it takes."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        sentence = "'{file}' is no UTF-8 text ({reason}); save it as UTF-8, nothing was changed."
        raise PromptError(sentence, file=file, reason=str(error)) from error
    body = text.removeprefix(_MARK)
    try:
        rows = list(_rows(body, len(text) - len(body)))
    except csv.Error as error:
        sentence = "'{file}' is no csv ({reason}); mend it, nothing was changed."
        raise PromptError(sentence, file=file, reason=str(error)) from error
    header = [column.strip() for column in rows[0][0]] if rows else []
    if header and ("name" not in header or not {"prompt", "text"} & set(header)):
        sentence = "'{file}' begins with '{found}'; expected the columns {columns}."
        raise PromptError(sentence, file=file, found=",".join(header)[:80], columns=", ".join(_HEADER))
    return header or list(_HEADER), rows[1:]


def _rows(text: str, offset: int) -> Iterator[tuple[list[str], tuple[int, int]]]:
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines, skipinitialspace=True)
    done, at = 0, offset
    for row in reader:
        start = at
        at += sum(len(line) for line in lines[done : reader.line_num])
        done = reader.line_num
        yield row, (start, at)


def _style(header: list[str], row: list[str]) -> Style:
    prompt = _cell(header, row, "prompt") if "prompt" in header else _cell(header, row, "text")
    return Style(_cell(header, row, "name"), prompt, _cell(header, row, "negative_prompt"))


def _cell(header: list[str], row: list[str], column: str) -> str:
    cells: Mapping[str, str] = dict(zip(header, row, strict=False))
    return cells.get(column, "")


def _line(cells: tuple[str, ...] | list[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()
