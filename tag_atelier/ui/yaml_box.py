"""The mapping in a text box that a user edits as YAML. Used by ``bench_tab`` and ``search_form``; knows no gradio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_atelier.errors import SpecError, say
from tag_atelier.plain_values import Unreadable, read_yaml


def read_box(text: str, what: str, keys: str) -> Mapping[str, Any]:
    """The mapping in ``text``; ``what`` it is called and the ``keys`` it needs at least go into the sentences.

    Raises:
        SpecError: the text is no YAML, or no mapping.
    """
    try:
        values = read_yaml(text or "")
    except Unreadable as error:
        line = say(" in line {line}", line=error.line) if error.line else ""
        raise SpecError(
            "{what} is no YAML{line}; expected 'name: value' lines, check brackets and indents.", what=what, line=line
        ) from error
    if not isinstance(values, Mapping):
        raise SpecError("{what} is empty or no mapping; expected at least {keys}.", what=what, keys=keys)
    return values
