"""A prompt as the page shows it: one chip per item with its slot, weight and place, in the order of the text.

Called by ``edits`` and, through ``jobs.prompt_page``, by page and API. Changes nothing; the text stays the master.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import NETWORK, Border, Item, Segment, parse, without_networks
from tag_atelier.prompt.order import SURE_ENOUGH, read_entry
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import canonical

SLOT_NAMES: Mapping[str, str] = {
    "trigger": "artist or style",
    "subject": "who and how many",
    "character": "named character",
    "race": "kind of being",
    "composition": "framing and angle",
    "style": "manner of drawing",
    "theme": "idea of the picture",
    "main_env": "where and when",
    "background": "backdrop",
    "action": "pose, gaze, action",
    "expression": "face and feeling",
    "main_char": "hair colour",
    "body_char": "hairstyle, eyes, body",
    "clothing": "worn on body and legs",
    "accessories": "worn beside garments",
    "items": "things and animals",
    "secondary_env": "sky, light, plants",
    "aesthetics": "light and charm words",
    "quality": "quality words",
}
"""Slot id → what a person reads; the ids would also be found, and translated, elsewhere on a WebUI's page."""

NO_SLOT = "not known, stays where it is"
"""The lane of tags that no slot is known for."""
BORDER = "This is a border, which no tag crosses when the prompt is sorted."
"""Why a BREAK, an AND or a comment stays."""

_SIGN = re.compile(r"\\.|[()\[\]{}<>:|]", re.S)
_WEIGHT = re.compile(r":\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*\Z")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)\Z")
_SCHEDULE = re.compile(r"(?<!\\)\[[^\[\]]*[:|]")
_PROSE_WORDS = 5
_LONGEST_TAG = 400


@dataclass(frozen=True)
class Chip:
    """One item of a prompt, or one border between items."""

    index: int
    start: int
    end: int
    text: str
    """The bytes ``text[start:end]`` of the prompt."""
    tags: tuple[str, ...]
    kind: str
    """``tag``, ``group``, ``schedule``, ``network``, ``embedding``, ``prose``, or the kind of a border."""
    slot: str
    weight: float
    segment: int
    line: int
    reason: str = ""
    """Why it may not be moved; empty where it may."""


def read_chips(
    text: str, profile: Profile, catalogue: Catalogue, negative: bool = False, embeddings: Collection[str] = ()
) -> tuple[Chip, ...]:
    """The chips of ``text`` in reading order, borders among them; line ends are no chips. Never raises.

    ``embeddings``: names of installed ones in lower case, which the WebUI finds in any case.
    """
    prompt = parse(text, negative)
    chips: list[Chip] = []
    segment = line = 0
    for piece in prompt.pieces:
        if isinstance(piece, Segment):
            for item, reason in _reasons(piece):
                chips.append(_chip(len(chips), item, reason, (segment, line), (profile, catalogue, embeddings)))
                line += item.core.count("\n")
            segment += 1
            continue
        if piece.kind != "newline":
            chips.append(_border(len(chips), piece, segment, line))
        line += piece.text.count("\n")
    return tuple(chips)


def unwrap(core: str) -> tuple[str, float]:
    """What stands inside the emphasis around all of ``core``, and the weight that the brackets come to.

    >>> unwrap("(smile:1.2)"), unwrap("((hat))"), unwrap("(a) (b)"), unwrap("[red:blue:0.5]")
    (('smile', 1.2), ('hat', 1.21), ('(a) (b)', 1.0), ('[red:blue:0.5]', 1.0))
    """
    weight = 1.0
    while core[:1] in ("(", "["):
        inner = _inside(core)
        if inner is None:
            break
        found = _WEIGHT.search(inner) if core[0] == "(" else None
        if found is not None:
            core, factor = inner[: found.start()].strip(), float(found.group(1))
        else:
            core, factor = inner.strip(), 1.1 if core[0] == "(" else 1 / 1.1
        weight *= factor
    return core, round(weight, 4)


def _inside(core: str) -> str | None:
    """The text between the bracket that ``core`` begins with and the one it ends with, where the two are a pair."""
    stack: list[str] = []
    for found in _SIGN.finditer(core):
        sign = found.group()
        if sign in "([":
            stack.append(sign)
        elif sign in ")]":
            if not stack or stack.pop() + sign not in ("()", "[]"):
                return None
            if not stack:
                return core[1:-1] if found.end() == len(core) else None
        elif sign in ":|" and core[0] == "[" and len(stack) == 1:
            return None
    return None


def _reasons(segment: Segment) -> Iterator[tuple[Item, str]]:
    """Items that are not empty, each with why it may not be moved."""
    for index, item in enumerate(segment.items):
        if item.core:
            yield item, REASONS[segment.locked] if segment.locked and index >= segment.free else ""


def _chip(
    index: int, item: Item, reason: str, place: tuple[int, int], room: tuple[Profile, Catalogue, Collection[str]]
) -> Chip:
    entry = read_entry(item, *room[:2])
    kind, weight = _kind_and_weight(item.core, entry.tags)
    if kind == "tag" and entry.tags and entry.tags[0].lower() in room[2]:
        kind = "embedding"
    elif kind == "tag" and len(item.core.split()) >= _PROSE_WORDS and room[1].get(entry.tags[0]) is None:
        kind = "prose"
    end = item.start + len(item.core)
    return Chip(index, item.start, end, item.core, entry.tags, kind, entry.slot, weight, *place, reason)


def _kind_and_weight(core: str, tags: tuple[str, ...]) -> tuple[str, float]:
    if "<" in core and not without_networks(core).strip():
        return "network", network_weight(core)
    inner, weight = unwrap(core) if len(core) <= _LONGEST_TAG else (core, 1.0)
    if _SCHEDULE.search(inner):
        return "schedule", weight
    return ("tag" if len(tags) == 1 else "group"), weight


def network_weight(core: str) -> float:
    """The first number of a network, 1.0 where it names none; of several networks the first one's.

    >>> network_weight("<lora:x:0.8:lbw=MIDD>"), network_weight("<lora:x>")
    (0.8, 1.0)
    """
    found = NETWORK.search(core)
    arguments = found.group(2).split(":") if found else []
    number = _NUMBER.match(arguments[1].strip()) if len(arguments) > 1 else None
    return float(number.group()) if number else 1.0


def _border(index: int, border: Border, segment: int, line: int) -> Chip:
    text = border.text.strip()
    start = border.start + len(border.text) - len(border.text.lstrip())
    return Chip(index, start, start + len(text), text, (), border.kind, "", 1.0, segment, line, BORDER)


def chip_facts(chip: Chip, catalogue: Catalogue) -> dict[str, object]:
    """What is known of the chip's first tag: ``{tag, confidence, posts, zh, safe}``."""
    tag = chip.tags[0] if chip.tags else ""
    entry = catalogue.get(tag) if tag else None
    guess = catalogue.slot(tag) if tag else None
    sure = guess.confidence if guess is not None and guess.slot == chip.slot else SURE_ENOUGH
    return {
        "tag": canonical(tag),
        "confidence": sure if chip.slot not in ("", "unknown") else 0.0,
        "posts": entry.posts if entry else 0,
        "zh": entry.zh if entry else "",
        "safe": entry.safe if entry else True,
    }
