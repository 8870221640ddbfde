"""One edit of a prompt at a time: move, remove, weigh, replace, add. Called by ``jobs.prompt_page``.

Every edit is proved by reading the new text again: all other chips must be there byte for byte, in their order, between
the same borders, and nothing may be locked that was not; otherwise it is refused with one sentence.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tag_atelier.errors import PromptError, say
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.findings import removal
from tag_atelier.prompt.grammar import COMMENT, NETWORK, Item, Prompt, Segment, parse, without_networks
from tag_atelier.prompt.lanes import Chip, unwrap
from tag_atelier.prompt.order import read_entry
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.schedule import read_brackets
from tag_atelier.prompt.slots import UNKNOWN

MAX_WEIGHT = 10.0
_LOCKED = "'{text}' cannot be moved. {reason}"
_NO_PLACE = "'{text}' cannot be put there. {reason}"
_CHANGED = "This cannot be done here, because it would change how the rest of the prompt is read; edit the text by hand."
_UNESCAPED = re.compile(r"(?<!\\)([()\[\]])")
_MARKED = re.compile(r"\A[(\[<{]|\\[()\[\]]|[<>]")

Outline = list[object]


@dataclass(frozen=True)
class Edited:
    """The new text and what of it was touched."""

    text: str
    start: int
    end: int


def remove(text: str, chip: Chip, negative: bool = False) -> Edited:
    """``text`` without the chip and without the comma that would be left over.

    Raises:
        PromptError: the rest would be read otherwise.
    """
    start, end = _cut(text, chip)
    left = text[:start] + text[end:]
    expected = _outline(parse(text, negative))
    place = _place(expected, chip.index)
    expected[place : place + 1] = [("newline", "")] if chip.kind == "comment" and text[end : end + 1] == "\n" else []
    return _proved(text, left, negative, expected, (start, start))


def replace(text: str, chip: Chip, core: str, negative: bool = False) -> Edited:
    """``text`` with other words in the chip's place; several tags may be given. Empty words remove the chip.

    Raises:
        PromptError: the rest would be read otherwise.
    """
    core = core.strip()
    if not core:
        return remove(text, chip, negative)
    written = text[: chip.start] + core + text[chip.end :]
    expected = _outline(parse(text, negative))
    place = _place(expected, chip.index)
    expected[place : place + 1] = _outline(parse(core, negative))
    return _proved(text, written, negative, expected, (chip.start, chip.start + len(core)))


def weigh(text: str, chip: Chip, weight: float, negative: bool = False) -> Edited:
    """``text`` with the chip at ``weight``; 1 takes its brackets off. A network keeps its other arguments.

    Raises:
        PromptError: the weight is out of range, the chip has none, or the rest would be read otherwise.
    """
    if not -MAX_WEIGHT <= weight <= MAX_WEIGHT:
        sentence = "The weight is {weight}; expected a number between {least} and {most}."
        raise PromptError(sentence, weight=f"{weight:g}", least=f"{-MAX_WEIGHT:g}", most=f"{MAX_WEIGHT:g}")
    if chip.slot == "":
        raise PromptError("'{text}' is a border and has no weight; choose a tag.", text=chip.text)
    return replace(text, chip, weighed(chip.text, weight), negative)


def weighed(core: str, weight: float) -> str:
    """``core`` at another weight.

    >>> weighed("smile", 1.25), weighed("((smile))", 1), weighed("<lora:x:0.8:0.5>", 0.6), weighed("[a:b:3]", 0.9)
    ('(smile:1.25)', 'smile', '<lora:x:0.6:0.5>', '([a:b:3]:0.9)')
    """
    number = f"{round(weight, 4):g}"
    network = NETWORK.fullmatch(core)
    if network is not None:
        kind, (name, *rest) = network.group(1), network.group(2).split(":")
        if rest and re.fullmatch(r"\s*[-+]?[.\d]+\s*", rest[0]):
            rest = rest[1:]
        return f"<{':'.join([kind, name, number, *rest])}>"
    inner, _ = unwrap(core)
    return inner if float(number) == 1.0 else f"({inner}:{number})"


def move(text: str, chips: Sequence[Chip], chip: Chip, target: int, negative: bool = False) -> Edited:
    """``text`` with the chip at place ``target`` of all chips, as taking it out and putting it in there would give.

    Inside a line only words change places and all white space stays; into another part it takes a comma along.

    Raises:
        PromptError: the chip or its new place is locked, or the rest would be read otherwise.
    """
    target = max(0, min(target, len(chips) - 1))
    if chip.reason:
        raise PromptError(_LOCKED, text=chip.text, reason=say(chip.reason))
    if target == chip.index:
        return Edited(text, chip.start, chip.end)
    prompt = parse(text, negative)
    expected = _outline(prompt)
    rest = [other for other in chips if other.index != chip.index]
    left, right = rest[target - 1] if target else None, rest[target] if target < len(rest) else None
    neighbour = next((one for one in (left, right) if one is not None and one.segment == chip.segment and one.slot), None)
    if neighbour is not None:
        return _moved_within(text, prompt, chip, target, (chips, expected, negative))
    taken = remove(text, chip, negative)
    left = _shifted(left, chip, len(text) - len(taken.text))
    right = _shifted(right, chip, len(text) - len(taken.text))
    return insert(taken.text, chip.text, left, right, negative)


def insert(text: str, core: str, left: Chip | None, right: Chip | None, negative: bool = False) -> Edited:
    """``text`` with ``core`` between two neighbouring chips; None is the beginning or the end.

    It is joined by a comma to the left one where that is a tag, else to the right one.

    Raises:
        PromptError: the place is locked, or the rest would be read otherwise.
    """
    core = core.strip()
    before = _outline(parse(text, negative))
    added = _outline(parse(core, negative))
    sides = [side for side in (left, right) if side is not None]
    locked = next((side.reason for side in sides if side.slot and side.reason), "")
    if locked and all(side.reason for side in sides):
        raise PromptError(_NO_PLACE, text=core, reason=say(locked))
    place = 0 if left is None else _place(before, left.index) + 1
    if left is not None and left.slot and not left.reason:
        at, written = left.end, f", {core}"
        start = at + 2
    elif right is not None and right.slot:
        at, written = right.start, f"{core}, "
        start = at
        place = _place(before, right.index)
    else:
        at = left.end if left is not None else 0
        gap = " " if left is not None else ""
        written, start = f"{gap}{core}" + (" " if text[at:].strip() and not text[at : at + 1].isspace() else ""), at + len(gap)
    result = text[:at] + written + text[at:]
    expected = [*before[:place], *added, *before[place:]]
    return _proved(text, result, negative, expected, (start, start + len(core)))


def place_for(chips: Sequence[Chip], core: str, profile: Profile, catalogue: Catalogue, slot: str = "") -> int:
    """Index that ``core`` takes among ``chips`` where the profile wants it: behind its own slot, else before the next one."""
    entry = read_entry(Item("", core, "", 0), profile, catalogue)
    slot = slot or entry.slot
    first = [chip for chip in first_part(chips) if chip.slot and chip.kind != "network"]
    free = [chip for chip in first if not chip.reason]
    own = [chip for chip in free if chip.slot == slot and slot != UNKNOWN]
    if own:
        return own[-1].index + 1
    end = free[-1].index + 1 if free else (first[0].index if first else len(chips))
    if slot == UNKNOWN:
        rank = profile.rank["quality"] - 0.5 if profile.quality_place == "end" else float(len(profile.order))
    else:
        rank = float(profile.rank[slot])
    later = (chip.index for chip in free if chip.slot != UNKNOWN and profile.rank[chip.slot] > rank)
    return next(later, end)


def escaped(tag: str, catalogue: Catalogue) -> str:
    """``tag`` as it is written into a prompt; what holds brackets, weights or networks already is left alone.

    >>> escaped("lucy_(cyberpunk)", Catalogue([])), escaped("(smile:1.2)", Catalogue([])), escaped(">:(", Catalogue([]))
    ('lucy \\\\(cyberpunk\\\\)', '(smile:1.2)', '>:\\\\(')
    """
    entry = catalogue.get(tag)
    if entry is not None:
        return entry.text
    if _MARKED.search(tag) and not re.fullmatch(r"[<>:;=^|.x_\-()\[\]]{2,5}", tag):
        return tag.strip()
    spaced = tag.strip().replace("_", " ") if any(sign.isalpha() for sign in tag) else tag.strip()
    return _UNESCAPED.sub(r"\\\1", spaced)


def first_part(chips: Sequence[Chip]) -> list[Chip]:
    """The chips before the first AND, BREAK or region word."""
    part = []
    for chip in chips:
        if chip.kind in ("and", "break", "region"):
            break
        part.append(chip)
    return part


def _moved_within(text: str, prompt: Prompt, chip: Chip, target: int, room: tuple[Sequence[Chip], Outline, bool]) -> Edited:
    """Words of one line change places; commas and white space stay."""
    chips, expected, negative = room
    segment = prompt.segments[chip.segment]
    family = [other for other in chips if other.segment == chip.segment and other.slot]
    here, goal = chip.index - family[0].index, max(0, min(target - family[0].index, len(family) - 1))
    between = family[min(here, goal) : max(here, goal) + 1]
    locked = next((other.reason for other in between if other.reason), "")
    if locked:
        raise PromptError(_NO_PLACE, text=chip.text, reason=say(locked))
    order = [other.text for other in family]
    order.insert(goal, order.pop(here))
    place = _place(expected, chip.index)
    expected.insert(place + goal - here, expected.pop(place))
    cores = iter(order)
    pieces = [item.lead + next(cores) + item.trail if item.core else item.render() for item in segment.items]
    written = text[: segment.start] + ",".join(pieces) + text[segment.start + len(segment.render()) :]
    start = family[goal].start + sum(len(order[at]) - len(family[at].text) for at in range(goal))
    return _proved(text, written, negative, expected, (start, start + len(chip.text)))


def _shifted(chip: Chip | None, gone: Chip, length: int) -> Chip | None:
    """The chip as it stands after ``gone`` and its comma were taken out."""
    if chip is None or chip.index < gone.index:
        return chip
    return dataclasses.replace(chip, index=chip.index - 1, start=chip.start - length, end=chip.end - length)


def _cut(text: str, chip: Chip) -> tuple[int, int]:
    if chip.slot:
        return removal(text, Item("", chip.text, "", chip.start))
    if chip.kind == "comment":
        return chip.start, chip.end
    raise PromptError("'{text}' is a border between tags; remove it in the text.", text=chip.text)


def _outline(prompt: Prompt) -> Outline:
    """Cores and borders in order: what must stay the same but for the edit. Line ends and borders are marked as such."""
    rows: Outline = []
    for piece in prompt.pieces:
        if isinstance(piece, Segment):
            rows += [item.core for item in piece.items if item.core]
        else:
            rows.append((piece.kind, piece.text.strip()))
    return rows


def _place(outline: Outline, index: int) -> int:
    """Place in the outline of the chip of this index; line ends are no chips."""
    seen = -1
    for place, row in enumerate(outline):
        if not isinstance(row, tuple) or row[0] != "newline":
            seen += 1
        if seen == index:
            return place
    raise PromptError("There is no tag number {index} in the prompt; expected at most {last}.", index=index, last=seen)


def _gives_up(text: str) -> list[bool | None]:
    """Of every AND part: whether the WebUI gives up reading schedules there; None where it holds no ``[``."""
    if "[" not in text:
        return []
    parts = re.split(r"\bAND\b", without_networks(COMMENT.sub("\n", text)))
    return [read_brackets(part).given_up if "[" in part else None for part in parts]


def _proved(text: str, result: str, negative: bool, expected: Outline, span: tuple[int, int]) -> Edited:
    before, after = parse(text, negative), parse(result, negative)
    locks = {segment.locked for segment in after.segments} - {segment.locked for segment in before.segments} - {""}
    reading = zip(_gives_up(text), _gives_up(result), strict=False)
    if _outline(after) != expected or locks or any(None not in pair and pair[0] != pair[1] for pair in reading):
        raise PromptError(_CHANGED)
    return Edited(result, *span)
