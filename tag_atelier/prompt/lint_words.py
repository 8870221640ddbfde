"""Lint's checks on words: quality words of another family, unescaped names, Chinese, foreign flags, length.

Called through ``lint`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from tag_atelier.prompt.findings import Finding, Text
from tag_atelier.prompt.grammar import Border
from tag_atelier.prompt.profile import load_profiles
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.search import by_chinese_name
from tag_atelier.prompt.slots import canonical
from tag_atelier.prompt.tokens import TOKENS_PER_CHUNK, count_tokens

_UNESCAPED = re.compile(r"(?P<base>[^()\[\]{}<>:,\\]*[a-z0-9]) ?\((?P<qualifier>[a-z][^()\[\]{}<>,\\]*)\)", re.I)
_SCORE = re.compile(r"score_\d(?:_up)?")
_CJK = re.compile("[\u4e00-\u9fff]+")
_FLAG = re.compile(r"--(?P<name>ar|no|seed|tile|v|niji|stylize|s|chaos|q)\b[ ]?(?P<value>[^,\n-]*)")
_FLAG_HINTS = {
    "ar": "set width and height instead",
    "no": "write it into the negative prompt",
    "seed": "set the seed instead",
    "tile": "tick Tiling instead",
}
_OPPOSED = (
    ("open_mouth", "closed_mouth"),
    ("arms_up", "arms_at_sides"),
    ("day", "night"),
    ("indoors", "outdoors"),
    ("standing", "sitting"),
    ("long_hair", "short_hair"),
    ("solo", "multiple_girls"),
    ("newest", "oldest"),
    ("from_above", "from_below"),
)


def _foreign_quality(subject: Text) -> Iterator[Finding]:
    """Quality words that other families were trained on and this one was not."""
    if subject.negative:
        return
    profile = subject.profile
    own = _split(tuple(profile.quality.values()))
    known = own | _split(tuple(profile.negative.values()))
    scores = any(_SCORE.fullmatch(word) for word in own)
    for item in subject.prompt.items:
        for tag in tags_of(item.core):
            name = canonical(tag)
            foreign = not scores if _SCORE.fullmatch(name) else name in _all_quality_words() - known
            if not foreign:
                continue
            instead = f"it knows {next(iter(profile.quality.values()))}" if own else "it needs no quality words"
            message = f"'{tag}' is a quality word of another family; {profile.name} was not trained on it, {instead}."
            yield Finding("foreign_quality", item.start, item.start + len(item.core), message, None, "note")


@lru_cache(maxsize=1)
def _all_quality_words() -> frozenset[str]:
    return frozenset().union(*(_split(tuple(profile.quality.values())) for profile in load_profiles().values()))


@lru_cache(maxsize=64)
def _split(texts: tuple[str, ...]) -> frozenset[str]:
    """Canonical names of the tags in ``texts``."""
    return frozenset(canonical(tag) for text in texts for core in text.split(",") for tag in tags_of(core.strip()))


def _unescaped(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        found = _UNESCAPED.fullmatch(item.core)
        if found is None or (":" in found["qualifier"] and re.search(r":\s*[\d.]+$", found["qualifier"])):
            continue
        escaped = re.sub(r"([()])", r"\\\1", item.core)
        message = f"The brackets in '{item.core}' are emphasis to the WebUI; where they belong to the name write '{escaped}'."
        severity = "warning" if subject.catalogue.get(escaped) else "note"
        yield Finding("unescaped_name", item.start, item.start + len(item.core), message, escaped, severity)


def _chinese(subject: Text) -> Iterator[Finding]:
    for found in _CJK.finditer(subject.text):
        entry = by_chinese_name(subject.catalogue, found.group())
        hint = f"; the tag is '{entry.text}'" if entry else ""
        message = f"'{found.group()}' is Chinese, which the model was not trained to read{hint}."
        yield Finding("chinese_words", found.start(), found.end(), message, entry.text if entry else None, "warning")


def _flags(subject: Text) -> Iterator[Finding]:
    for found in _FLAG.finditer(subject.text):
        hint = _FLAG_HINTS.get(found["name"], "remove it")
        message = f"'{found.group().strip()}' is a flag of another program and plain text to the WebUI; {hint}."
        yield Finding("foreign_flag", found.start(), found.start() + len(found.group().rstrip()), message, "", "warning")


def _opposed(subject: Text) -> Iterator[Finding]:
    places = {canonical(tag): item for item in subject.prompt.items for tag in tags_of(item.core)}
    for one, other in _OPPOSED:
        if one in places and other in places:
            item = max(places[one], places[other], key=lambda found: found.start)
            message = f"'{one.replace('_', ' ')}' and '{other.replace('_', ' ')}' contradict each other in one picture."
            yield Finding("contradiction", item.start, item.start + len(item.core), message, None, "note")


def _length(subject: Text) -> Iterator[Finding]:
    """Where the estimate passes the first chunk's end, at the item that does not fit any more."""
    used = 0
    for piece in subject.prompt.pieces:
        if isinstance(piece, Border):
            used = 0 if piece.kind in ("break", "and") else used
            continue
        for item in piece.items:
            used += count_tokens(item.core) + 1
            if used > TOKENS_PER_CHUNK + 1:
                message = f"About here {TOKENS_PER_CHUNK} tokens are full; what follows is read in a second chunk."
                yield Finding("second_chunk", item.start, item.start + len(item.core), message, None, "note")
                return


WORD_CHECKS: tuple[Callable[[Text], Iterator[Finding]], ...] = (
    _foreign_quality,
    _unescaped,
    _chinese,
    _flags,
    _opposed,
    _length,
)
