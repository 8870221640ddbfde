"""Reads and changes what the prompt page remembers, as the doors ask for it. Built by ``jobs.atelier``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tag_atelier.errors import RequestError
from tag_atelier.jobs.prompt_memory import LONGEST_HISTORY, PromptMemory
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.prompt.slots import SLOTS, canonical

_LONGEST_TEXT = 65_536
_MOST_CHARACTERS = 1_000_000
"""Of the whole history."""
_CLEARED = ("corrections", "favourites", "history", "boxes")


class PromptNotes:
    """Corrections, favourites and history; pins and chips switched off are edits of a prompt and live there."""

    def __init__(self, memory: PromptMemory) -> None:
        self._memory = memory

    def show(self) -> dict[str, object]:
        """Everything, and ``problem``: a sentence when a broken file was kept aside."""
        return {**self._memory.value(), "problem": self._memory.problem}

    def change(self, request: object) -> dict[str, object]:
        """One change, named by its key: correct, forget, favourite, unfavourite, history, clear; answers like ``show``.

        Raises:
            RequestError: no such change, or a value of the wrong kind.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, tuple(_CHANGES), "The request")
        if len(values) != 1:
            sentence = "The request has {count} changes; expected one of {known}."
            raise RequestError(sentence, count=len(values), known=", ".join(_CHANGES))
        ((key, given),) = values.items()
        self._memory.change(_CHANGES[key](given))
        return self.show()


_Edit = Callable[[dict[str, Any]], None]


def _correct(given: object) -> _Edit:
    """``{tag, slot?, zh?, hidden?}``; what is left out stays as it was."""
    values = read_object(given, "'correct'")
    refuse_unknown(values, ("tag", "slot", "zh", "hidden"), "'correct'")
    name = _name(read_text(values, "tag"))
    row: dict[str, object] = {}
    if "slot" in values:
        row["slot"] = read_text(values, "slot")
        if row["slot"] not in SLOTS:
            raise RequestError("'slot' is '{slot}'; expected one of {known}.", slot=row["slot"], known=", ".join(SLOTS))
    if "zh" in values:
        row["zh"] = _short(read_text(values, "zh"), "zh")
    if "hidden" in values:
        row["hidden"] = read_flag(values, "hidden", False)

    def edit(value: dict[str, Any]) -> None:
        value["corrections"][name] = {**value["corrections"].get(name, {}), **row}

    return edit


def _forget(given: object) -> _Edit:
    name = _name(read_text({"forget": given}, "forget"))

    def edit(value: dict[str, Any]) -> None:
        value["corrections"].pop(name, None)

    return edit


def _favourite(given: object) -> _Edit:
    """``{text, name?, negative?}``: a tag, a phrase or a whole prompt; the same text is kept once."""
    row = _texts(given, "'favourite'", ("text", "name", "negative"))

    def edit(value: dict[str, Any]) -> None:
        value["favourites"] = [*(one for one in value["favourites"] if one.get("text") != row["text"]), row]

    return edit


def _unfavourite(given: object) -> _Edit:
    text = read_text({"unfavourite": given}, "unfavourite")

    def edit(value: dict[str, Any]) -> None:
        value["favourites"] = [one for one in value["favourites"] if one.get("text") != text]

    return edit


def _history(given: object) -> _Edit:
    """``{text, negative?, profile?}``: the last prompts, newest first, each once."""
    row = _texts(given, "'history'", ("text", "negative", "profile"))

    def edit(value: dict[str, Any]) -> None:
        same = (row["text"], row.get("negative", ""))
        others = [one for one in value["history"] if (one.get("text"), one.get("negative", "")) != same]
        value["history"] = list(_newest([row, *others]))

    return edit


def _newest(rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """The first of ``rows``, as many and as long as are kept."""
    characters = 0
    for row in rows[:LONGEST_HISTORY]:
        characters += sum(map(len, row.values()))
        if characters > _MOST_CHARACTERS:
            return
        yield row


def _clear(given: object) -> _Edit:
    kind = read_text({"clear": given}, "clear")
    if kind not in _CLEARED:
        raise RequestError("'clear' is '{kind}'; expected one of {known}.", kind=kind, known=", ".join(_CLEARED))

    def edit(value: dict[str, Any]) -> None:
        value[kind] = type(value[kind])()

    return edit


_CHANGES: Mapping[str, Callable[[object], _Edit]] = {
    "correct": _correct,
    "forget": _forget,
    "favourite": _favourite,
    "unfavourite": _unfavourite,
    "history": _history,
    "clear": _clear,
}


def _name(tag: str) -> str:
    name = canonical(_short(tag, "tag"))
    if not name:
        raise RequestError("'tag' is empty; expected a tag.")
    return name


def _short(text: str, key: str) -> str:
    if len(text) > 200:
        raise RequestError("'{key}' has {count} characters; expected at most {most}.", key=key, count=len(text), most=200)
    return text.strip()


def _texts(given: object, what: str, keys: tuple[str, ...]) -> dict[str, str]:
    values = read_object(given, what)
    refuse_unknown(values, keys, what)
    row = {key: read_text(values, key) for key in keys if key in values}
    if not row.get("text", "").strip():
        raise RequestError("{what} has no text; expected one.", what=what)
    if any(len(text) > _LONGEST_TEXT for text in row.values()):
        sentence = "{what} holds a text of more than {most} characters; expected a prompt."
        raise RequestError(sentence, what=what, most=_LONGEST_TEXT)
    return row
