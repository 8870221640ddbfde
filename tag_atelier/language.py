"""The sentences of report and page in both languages. English is the key; ``localizations/zh_CN.json`` holds the rest.

The WebUI reads the same file for its page, so a word is translated once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tag_atelier.errors import Said as Said
from tag_atelier.errors import say as say

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
    return text.format(**tell(values, language)) if values else text


def tell(value: Any, language: Language) -> Any:
    """``value`` with every ``Said`` in it, however deep in mappings and lists, said in ``language``."""
    if isinstance(value, Said):
        return sentence(value.template, language, **value.values)
    if isinstance(value, Mapping):
        return {key: tell(each, language) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(tell(each, language) for each in value)
    return value
