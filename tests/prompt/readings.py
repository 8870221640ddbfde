"""Compares what the WebUI reads in two prompts: the same bag of weighted tags per part, step and chunk. Used by tests."""

from __future__ import annotations

from typing import Any

Tag = tuple[tuple[str, float], ...]


def bag(reading: list[Any] | None) -> object:
    """A value that is equal for prompts of one meaning: networks, and per part its weight and each step's chunks of tags."""
    if reading is None:
        return None
    networks, parts = reading
    return networks, [(weight, [(end, _chunks(runs)) for end, runs in schedule]) for weight, schedule in parts]


def _chunks(runs: list[tuple[str, float]]) -> list[list[Tag]]:
    chunks: list[list[Tag]] = []
    tags: list[Tag] = []
    tag: list[tuple[str, float]] = []
    for text, weight in [*runs, ("BREAK", -1)]:
        if text == "BREAK" and weight == -1:
            chunks.append(sorted(found for found in [*tags, _tidy(tag)] if found))
            tags, tag = [], []
            continue
        first, *rest = text.split(",")
        tag.append((first, round(weight, 6)))
        for piece in rest:
            tags.append(_tidy(tag))
            tag = [(piece, round(weight, 6))]
    return chunks


def _tidy(tag: list[tuple[str, float]]) -> Tag:
    """Words with their weights; white space only parts them."""
    signs = [(sign, weight) for text, weight in tag for sign in text]
    words: list[tuple[str, float]] = []
    gap = True
    for sign, weight in signs:
        if sign.isspace():
            gap = True
        elif gap or words[-1][1] != weight:
            words.append((" " * (gap and bool(words)) + sign, weight))
            gap = False
        else:
            words[-1] = (words[-1][0] + sign, weight)
    return tuple(words)
