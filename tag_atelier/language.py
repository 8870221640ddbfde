"""The sentences of report and page in both languages. English is the key; ``localizations/zh_CN.json`` holds the rest.

The WebUI reads the same file for its page, so a word is translated once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from tag_atelier.errors import Said as Said
from tag_atelier.errors import TagAtelierError
from tag_atelier.errors import say as say

Language = Literal["en", "zh_CN"]

_Error = TypeVar("_Error", bound=TagAtelierError)

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
    return text.format(**tell(values, language)) if values else text


def tell(value: Any, language: Language) -> Any:
    """``value`` with every ``Said`` in it, however deep in mappings and lists, said in ``language``."""
    if isinstance(value, Said):
        return sentence(value.template, language, **value.values)
    if isinstance(value, Mapping):
        return {key: tell(each, language) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        each_told = [tell(each, language) for each in value]
        return each_told if isinstance(value, list) else tuple(each_told)
    return value


def told(error: _Error, language: Language) -> _Error:
    """``error`` for a door that shows ``str(error)``: the same error, its sentence said in ``language``."""
    again = type(error).__new__(type(error), tell(error.said, language))
    again.__dict__.update(error.__dict__)
    return again


def system_language() -> Language:
    """The language that this system speaks with its user; the command line and the page of ``serve`` use it."""
    import locale

    return "zh_CN" if (locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else "en"


def asked_language(header: str) -> Language:
    """What an HTTP ``Accept-Language`` header names first; English where it names another language or none.

    >>> [asked_language(header) for header in ("zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.9, zh;q=0.8", "*", "")]
    ['zh_CN', 'en', 'en', 'en']
    """
    return "zh_CN" if header.strip().lower().startswith("zh") else "en"
