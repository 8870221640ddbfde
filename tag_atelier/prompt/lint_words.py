"""Lint's checks on words: quality words of another family, unescaped names, Chinese, foreign flags, length.

Called through ``lint`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from tag_atelier.prompt.findings import Finding, Text, removal, say
from tag_atelier.prompt.grammar import Border
from tag_atelier.prompt.profile import Profile, load_profiles
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.search import by_chinese_name
from tag_atelier.prompt.slots import canonical
from tag_atelier.prompt.tokens import TOKENS_PER_CHUNK, count_tokens, measure

_UNESCAPED = re.compile(r"(?P<base>[^()\[\]{}<>:,\\]*[a-z0-9]) ?\((?P<qualifier>[a-z][^()\[\]{}<>,\\]*)\)", re.I)
_SCORE = re.compile(r"score_\d(?:_up)?")
_BEHIND_BREAK = re.compile(r"\bBREAK\b[\s()\[\]]*\Z")
_CJK = re.compile("[\u4e00-\u9fff]+")
_FLAG = re.compile(r"--(?P<name>ar|no|seed|tile|v|niji|stylize|s|chaos|q)\b[ ]?(?P<value>[^,\n-]*)")
_RATIO = re.compile(r"(\d{1,3}):(\d{1,3})\s*\Z")
_FLAG_SENTENCES = {
    "ar": "'{flag}' is a flag of another program and plain text to the WebUI; set width and height instead.",
    "no": "'{flag}' is a flag of another program and plain text to the WebUI; write it into the negative prompt.",
    "seed": "'{flag}' is a flag of another program and plain text to the WebUI; set the seed instead.",
    "tile": "'{flag}' is a flag of another program and plain text to the WebUI; tick Tiling instead.",
    "": "'{flag}' is a flag of another program and plain text to the WebUI; remove it.",
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


_FOREIGN = "'{tag}' is a quality word of another family; {family} was not trained on it, it knows {known}."
_FOREIGN_NONE = "'{tag}' is a quality word of another family; {family} was not trained on it and needs none."


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
            template = _FOREIGN if own else _FOREIGN_NONE
            message = say(template, tag=tag, family=profile.name, **({"known": profile.quality_words()} if own else {}))
            yield Finding("foreign_quality", *removal(subject.text, item), message, "", "note")


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
        message = say(
            "The brackets in '{text}' are emphasis to the WebUI; where they belong to the name write '{fix}'.",
            text=item.core,
            fix=escaped,
        )
        severity = "warning" if subject.catalogue.get(escaped) else "note"
        yield Finding("unescaped_name", item.start, item.start + len(item.core), message, escaped, severity)


def _chinese(subject: Text) -> Iterator[Finding]:
    for found in _CJK.finditer(subject.text):
        entry = by_chinese_name(subject.catalogue, found.group())
        message = say("'{text}' is Chinese, which the model was not trained to read.", text=found.group())
        if entry:
            message = say(
                "'{text}' is Chinese, which the model was not trained to read; the tag is '{tag}'.",
                text=found.group(),
                tag=entry.text,
            )
        yield Finding("chinese_words", found.start(), found.end(), message, entry.text if entry else None, "warning")


def _flags(subject: Text) -> Iterator[Finding]:
    for found in _FLAG.finditer(subject.text):
        flag = found.group().strip()
        message = say(_FLAG_SENTENCES.get(found["name"], _FLAG_SENTENCES[""]), flag=flag)
        settings = tuple(_flag_settings(found["name"], found["value"].strip(), subject.profile))
        yield Finding(
            "foreign_flag", found.start(), found.start() + len(found.group().rstrip()), message, "", "warning", settings
        )


def _flag_settings(name: str, value: str, profile: Profile) -> Iterator[tuple[str, object]]:
    """What the flag asks for, as the WebUI calls it; for a ratio the family's nearest size."""
    ratio = _RATIO.match(value)
    if name == "ar" and ratio and int(ratio[2]):
        wanted = int(ratio[1]) / int(ratio[2])
        width, height = min(profile.sampling.sizes, key=lambda size: abs(size[0] / size[1] - wanted))
        yield from (("width", width), ("height", height))
    elif name == "seed" and value.isdecimal() and len(value) < 20:
        yield "seed", int(value)
    elif name == "tile":
        yield "tiling", True
    elif name == "no" and value:
        yield "negative_prompt", value


def _opposed(subject: Text) -> Iterator[Finding]:
    places = {canonical(tag): item for item in subject.prompt.items for tag in tags_of(item.core)}
    for one, other in _OPPOSED:
        if one in places and other in places:
            item = max(places[one], places[other], key=lambda found: found.start)
            message = say(
                "'{one}' and '{other}' contradict each other in one picture.",
                one=one.replace("_", " "),
                other=other.replace("_", " "),
            )
            yield Finding("contradiction", item.start, item.start + len(item.core), message, None, "note")


def _length(subject: Text) -> Iterator[Finding]:
    """Where each further chunk begins for want of room; only the first, and about, where CLIP's table is missing."""
    counted = measure(subject.text, subject.negative)
    if not counted.exact:
        yield from _estimated_length(subject)
    for border in counted.borders:
        if _BEHIND_BREAK.search(subject.text, max(0, border - 40), border):
            continue
        item = next((item for item in subject.prompt.items if item.start <= border < item.start + len(item.core)), None)
        start, words = (border, subject.text[border : border + 20]) if item is None else (item.start, item.core)
        message = say(
            "{count} tokens are full here: from '{words}' on the prompt is read in another chunk.",
            count=TOKENS_PER_CHUNK,
            words=words,
        )
        yield Finding("second_chunk", start, start + len(words), message, None, "note")


def _estimated_length(subject: Text) -> Iterator[Finding]:
    used = 0
    for piece in subject.prompt.pieces:
        if isinstance(piece, Border):
            used = 0 if piece.kind in ("break", "and") else used
            continue
        for item in piece.items:
            used += count_tokens(item.core) + 1
            if used > TOKENS_PER_CHUNK + 1:
                message = say(
                    "About here {count} tokens are full; what follows is read in a second chunk.", count=TOKENS_PER_CHUNK
                )
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
