"""Lint's checks on habits brought from elsewhere: embeddings, choices, pasted parameters, colours and old spellings.

Called through ``lint`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tag_atelier.prompt.findings import Finding, Text, removal, say
from tag_atelier.prompt.grammar import Item
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slots import canonical

_NEGATIVE_EMBEDDING = re.compile(
    r"easynegative(?:v2)?|badhandv?4|bad-?hands?-?\d*|ng_deepnegative_v1_75t|deepnegative|verybadimagenegative.*"
    r"|bad_prompt(?:_version2)?|bad-?artist.*|bad-picture.*|fastnegative.*|negative_?hand.*|unaestheticxl.*|negativexl.*"
)
_OF_SD15 = re.compile(
    r"easynegative(?:v2)?|badhandv?4|bad-?hands?-?\d*|ng_deepnegative_v1_75t|deepnegative|verybadimagenegative.*"
    r"|bad_prompt(?:_version2)?|bad-?artist.*|fastnegativev2"
)
_BAR = re.compile(r"(?<!\\)\(([^()\[\]{}|<>:]+(?:\|[^()\[\]{}|<>:]+)+)\)")
_TURNS = re.compile(r"(?<!\\)\[[^\[\]{}()<>:|]*\|[^\[\]{}()<>:]*\]")
_PASTED = re.compile(r"\n(?:Negative prompt:|Steps: \d+, Sampler:)")
_COLOURED = re.compile(
    r"(?:light |dark )?(black|blonde|blue|brown|green|gr[ea]y|orange|pink|purple|red|silver|white|yellow)"
    r" (hair|dress|skirt|shirt|jacket|coat|kimono|thighhighs|pants|hat|bow|ribbon|gloves|sweater|bikini|swimsuit)"
)
_OLD_NAMES = {
    "blond_hair": "blonde hair", "twin_tails": "twintails", "pony_tail": "ponytail", "thigh_highs": "thighhighs",
    "1_girl": "1girl", "one_girl": "1girl", "1_boy": "1boy", "one_boy": "1boy", "2_girls": "2girls", "two_girls": "2girls",
    "multi_views": "multiple views", "half_body": "upper body", "fullbody": "full body",
    "closeup": "close-up", "upside_down": "upside-down", "bare_foot": "barefoot",
}  # fmt: skip
_LEGWEAR = re.compile(r"(\w+)_legwear")


def _embeddings(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        for tag in tags_of(item.core):
            name = canonical(tag)
            if subject.profile.base == "sdxl" and _OF_SD15.fullmatch(name):
                message = say(
                    "'{name}' is an SD1.5 embedding; on SDXL the WebUI skips it and draws its name as words.", name=tag
                )
                yield Finding("embedding_base", *removal(subject.text, item), message, "", "error")
            elif not subject.negative and _NEGATIVE_EMBEDDING.fullmatch(name):
                message = say(
                    "'{name}' is a negative embedding; in the positive prompt it draws what it was made against.", name=tag
                )
                yield Finding("negative_embedding", *removal(subject.text, item), message, "", "error")


def _choices(subject: Text) -> Iterator[Finding]:
    for found in _BAR.finditer(subject.text):
        message = say("'|' chooses nothing in round brackets; in square ones the WebUI takes turns, one step each.")
        yield Finding("bar_in_round", found.start(), found.end(), message, f"[{found.group(1)}]", "warning")
    for found in _TURNS.finditer(subject.text):
        message = say("'{text}' is drawn by turns, one step each, and so blends; it is no random choice.", text=found.group())
        yield Finding("alternation", found.start(), found.end(), message, None, "note")


def _pasted(subject: Text) -> Iterator[Finding]:
    found = _PASTED.search(subject.text)
    if found is None or subject.negative:
        return
    rest = subject.text[found.start() :]
    message = say("Generation parameters were pasted in with the prompt; the WebUI draws them as words. Use the paste button.")
    yield Finding("pasted_infotext", found.start(), len(subject.text), message, "", "error")
    if "Denoising strength:" in rest:
        message = say("The pasted parameters have a denoising strength: they tell of a second pass, not of the base picture.")
        yield Finding("pasted_second_pass", found.start(), len(subject.text), message, None, "note")


def _colours(subject: Text) -> Iterator[Finding]:
    """Hair of one colour and a garment of another in one chunk, where the colours may change places; told once."""
    if subject.negative or "BREAK" in subject.text:
        return
    for segment in subject.prompt.segments:
        hair: tuple[str, Item] | None = None
        for item in segment.items:
            found = _COLOURED.fullmatch(item.core.replace("_", " "))
            if found is None:
                continue
            if found[2] == "hair":
                hair = (found[1], item)
            elif hair is not None and found[1] != hair[0] and not segment.locked:
                one = hair[1]
                between = subject.text[one.start + len(one.core) : item.start]
                text = subject.text[one.start : item.start + len(item.core)]
                message = say("'{one}' and '{other}' stand in one chunk, where colours run over; BREAK parts them.",
                              one=one.core, other=item.core)  # fmt: skip
                fix = f"{one.core} BREAK {item.core}" if between.strip() == "," else None
                yield Finding("colours", one.start, one.start + len(text), message, fix, "note")
                return


def _old_names(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        name = canonical(item.core)
        legwear = _LEGWEAR.fullmatch(name)
        better = f"{legwear[1]} thighhighs".replace("_", " ") if legwear else _OLD_NAMES.get(name)
        if better and not (subject.negative and name == "multi_views"):
            message = say("'{tag}' is not how the tag is written today; '{better}' is.", tag=item.core, better=better)
            yield Finding("old_name", item.start, item.start + len(item.core), message, better, "note")


HABIT_CHECKS: tuple[Callable[[Text], Iterator[Finding]], ...] = (
    _embeddings,
    _choices,
    _pasted,
    _colours,
    _old_names,
)
