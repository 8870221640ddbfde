"""The sentences of report and page in both languages. English is the key; ``localizations/zh_CN.json`` holds the rest.

The WebUI reads the same file for its page, so a word is translated once.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal

Language = Literal["en", "zh_CN"]

_FOLDER = Path(__file__).resolve().parent.parent / "localizations"


@lru_cache(maxsize=4)
def _table(language: Language) -> dict[str, str]:
    path = _FOLDER / f"{language}.json"
    if language == "en" or not path.exists():
        return {}
    table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table


def sentence(english: str, language: Language = "en", **values: object) -> str:
    """``english`` in ``language`` with ``{name}`` fields filled in; the English itself where no translation exists."""
    text = _table(language).get(english, english)
    return text.format(**values) if values else text


class Said(str):
    """An English sentence that remembers what was filled into it, so that it can be said in another language."""

    template: str
    values: dict[str, object]


def say(template: str, **values: object) -> Said:
    """``template`` with its fields filled in.

    >>> say("'{tag}' stands here twice.", tag="hat")
    "'hat' stands here twice."
    """
    said = Said(sentence(template, "en", **values))
    said.template, said.values = template, values
    return said
