"""What arranging and checking a prompt answer, for the panel and the sub-tab alike."""

from __future__ import annotations

from typing import Any

from tag_atelier.errors import TagAtelierError
from tag_atelier.ui import render
from tag_atelier.ui.words import Words


def arranged(atelier: Any, words: Words, text: str | None, profile: str, negative: bool = False) -> tuple[str, str]:
    """The arranged prompt (as given where it cannot be arranged) and what there is to say about it, as HTML."""
    if not (text or "").strip():
        return "", render.note(words("The prompt is empty; write one first."))
    try:
        result = _looked_at(atelier, words, text, profile, negative)
    except TagAtelierError as error:
        return text or "", render.problem(error, words)
    return str(result["text"]), render.arrangement(result, words) + render.findings(result, words)


def checked(atelier: Any, words: Words, text: str | None, profile: str, negative: bool = False) -> str:
    """What the check of a prompt finds, as HTML."""
    try:
        return render.findings(_looked_at(atelier, words, text, profile, negative), words)
    except TagAtelierError as error:
        return render.problem(error, words)


def _looked_at(atelier: Any, words: Words, text: str | None, profile: str, negative: bool) -> dict[str, Any]:
    """The answers of arranging, which tells the overlaps too, and of checking, in one."""
    request = {"text": text or "", "profile": profile, "negative": bool(negative)}
    return {**atelier.arrange(request), **atelier.lint({**request, "language": words.language})}
