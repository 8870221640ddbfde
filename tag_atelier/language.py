"""The sentences of report and page in both languages. English is the key; ``localizations/zh_CN.json`` holds the rest.

The WebUI reads the same file for its page, so a word is translated once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeVar

from tag_atelier.errors import Said as Said
from tag_atelier.errors import TagAtelierError
from tag_atelier.errors import say as say

Language = Literal["en", "zh_CN"]

_Error = TypeVar("_Error", bound=TagAtelierError)

_TOLD_BY_LETTERS = 12
"""A template with fewer letters of its own could be found in anything."""
_LONGEST_FOUND = 4000
"""Characters of a text that is looked for among the templates; no sentence of ours is longer."""
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
    if language == "en":
        return value  # as a ``Said`` is, by itself
    if isinstance(value, Said):
        return sentence(value.template, language, **value.values)
    if isinstance(value, Mapping):
        return {key: tell(each, language) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        each_told = [tell(each, language) for each in value]
        return each_told if isinstance(value, list) else tuple(each_told)
    return value


def found_again(english: str) -> str:
    """``english`` as the ``Said`` it was before it was stored as text; itself where no template gives it.

    >>> found_again("drawn with 'a' instead of 'b'").values  # type: ignore[attr-defined]
    {'used': 'a', 'planned': 'b'}
    """
    again = _found(english)
    checkpoint, colon, reason = english.partition(": ")
    if colon and not isinstance(again, Said) and isinstance(inner := _found(reason), Said):
        return say("{checkpoint}: {reason}", checkpoint=checkpoint, reason=inner)
    return again


def _found(english: str) -> str:
    if isinstance(english, Said) or len(english) > _LONGEST_FOUND:
        return english
    if english in _table("zh_CN"):
        return say(english)
    for template, parts in _templates():
        values = _filled_in(parts, english)
        if values is not None:
            return say(template, **{name: _found(value) if " " in value else value for name, value in values.items()})
    return english


@lru_cache(maxsize=1)
def _templates() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every template that can be told by the letters beside its fields, with its parts; the most telling first."""
    found = [(template, _parts(template)) for template in _table("zh_CN")]
    letters = {template: sum(len(literal) for literal, _ in parts) for template, parts in found}
    telling = [(template, parts) for template, parts in found if len(parts) and letters[template] >= _TOLD_BY_LETTERS]
    return sorted(telling, key=lambda row: -letters[row[0]])


def _parts(template: str) -> list[tuple[str, str]]:
    """Literals and the fields behind them, ``""`` behind the last; none where a field is more than a name (``{share:g}``)."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        return []
    names = [name for _, name, _, _ in parts if name is not None]
    if not names or not all(name.isidentifier() for name in names) or any(form or turned for _, _, form, turned in parts):
        return []
    joined, literals = [], ""
    for literal, name, _, _ in parts:  # a written brace ends a literal too
        literals += literal
        if name is not None:
            joined.append((literals, name))
            literals = ""
    return [*joined, (literals, "")]


def _filled_in(parts: Sequence[tuple[str, str]], english: str) -> dict[str, str] | None:
    """What stands in ``english`` for each field, as early as it can end; None where it was not said with these parts."""
    at, waiting, values = 0, "", dict[str, str]()
    for literal, name in parts:
        is_last = not name
        start = at if not waiting else len(english) - len(literal) if is_last else english.find(literal, at)
        if start < at or not english.startswith(literal, start):
            return None
        if waiting and values.setdefault(waiting, english[at:start]) != english[at:start]:
            return None
        at, waiting = start + len(literal), name
    return values


def told(error: _Error, language: Language) -> _Error:
    """``error`` for a door that shows ``str(error)``: the same error, its sentence said in ``language``."""
    again = type(error).__new__(type(error), tell(error.said, language))
    again.__dict__.update(error.__dict__)
    return again


def system_language() -> Language:
    """The language that this system speaks with its user; the command line and the page of ``serve`` use it.

    What the environment names counts also where that locale is not installed, as in most containers; Windows names none there.
    """
    import locale
    import os

    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), None)
    return "zh_CN" if (named or locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else "en"


def asked_language(header: str) -> Language:
    """What an HTTP ``Accept-Language`` header names first; English where it names another language or none.

    >>> [asked_language(header) for header in ("zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.9, zh;q=0.8", "*", "")]
    ['zh_CN', 'en', 'en', 'en']
    """
    return "zh_CN" if header.strip().lower().startswith("zh") else "en"
