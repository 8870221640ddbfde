"""What the prompt page asks for: lanes, edits, search. Plain values in, plain values out; the text stays the master.

Built by ``jobs.atelier``; the routes and the page call it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tag_atelier.errors import PromptError, RequestError
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.prompts import LANGUAGES, Prompts, is_written_by_hand
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.language import Language, sentence
from tag_atelier.prompt import edits
from tag_atelier.prompt.arrange import arrange
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.compose import compose
from tag_atelier.prompt.findings import Surroundings, apply_fix
from tag_atelier.prompt.lanes import SLOT_NAMES, Chip, chip_facts, read_chips
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.overlap import find_overlaps
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import UNKNOWN, canonical
from tag_atelier.prompt.tokens import measure

_KEYS = ("text", "profile", "negative", "with", "language", "box")


@dataclass(frozen=True)
class Box:
    """One text box as a request describes it."""

    text: str
    profile: Profile
    catalogue: Catalogue
    negative: bool = False
    language: Language = "en"
    around: Surroundings = field(default_factory=Surroundings)
    name: str = ""
    """Under which pins and switched-off chips are remembered; empty: nowhere."""

    def chips(self) -> tuple[Chip, ...]:
        """The chips of the text."""
        return read_chips(self.text, self.profile, self.catalogue, self.negative)


@dataclass(frozen=True)
class Outcome:
    """What an edit came to."""

    text: str
    selection: tuple[int, int]
    settings: Mapping[str, object] | None = None
    other: str | None = None
    """The other prompt, where the edit changed that one too."""


class PromptPage:
    """Lanes and edits with the user's own corrections, pins and switched-off chips."""

    def __init__(self, prompts: Prompts, memory: PromptMemory) -> None:
        self.prompts = prompts
        self.memory = memory

    def lanes(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?, with?, language?, box?}`` → the text as chips in lanes; see docs/http_api.md."""
        values = read_object(request, "The request")
        refuse_unknown(values, _KEYS, "The request")
        return self._show(self._box(values))

    def edit(self, request: object) -> dict[str, object]:
        """The same with ``op``: one edit; the same answer about the new text, with ``selection`` of what was touched.

        Raises:
            RequestError: an unknown kind of edit, or a value of the wrong kind.
            PromptError: the edit would change how the rest is read.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, (*_KEYS, "op"), "The request")
        op = read_object(values.get("op"), "'op'")
        kind = read_text(op, "kind")
        if kind not in _EDITS:
            raise RequestError(f"'kind' is '{kind}'; expected one of: {', '.join(_EDITS)}.")
        edit, known = _EDITS[kind]
        refuse_unknown(op, ("kind", *known), "'op'")
        box = self._box({key: value for key, value in values.items() if key != "op"})
        outcome = edit(self, box, op)
        answer = self._show(replace(box, text=outcome.text))
        answer |= {"changed": outcome.text != box.text, "selection": list(outcome.selection)}
        if outcome.settings:
            answer["settings"] = dict(outcome.settings)
        if outcome.other is not None:
            answer["other"] = outcome.other
        return answer

    def _box(self, values: Mapping[str, object]) -> Box:
        language = LANGUAGES.get(read_text(values, "language", "en"))
        if language is None:
            raise RequestError(f"'language' is '{values['language']}'; expected {' or '.join(LANGUAGES)}.")
        around = self.prompts.around(values)
        return Box(
            read_text(values, "text"),
            self.prompts.profile(read_text(values, "profile", "aidxl")),
            self.prompts.catalogue,
            read_flag(values, "negative", False),
            language,
            around,
            read_text(values, "box", ""),
        )

    def _show(self, box: Box) -> dict[str, object]:
        chips = box.chips()
        kept = self.memory.box(box.name) if box.name else {"pins": [], "off": []}
        count = measure(box.text, box.negative)
        found = lint(box.text, box.profile, box.catalogue, negative=box.negative, surroundings=box.around)
        overlaps = find_overlaps(box.text, box.catalogue, box.negative) if is_written_by_hand(box.text) else []
        order = (*box.profile.order, UNKNOWN)
        items = [_item(chip, box, kept["pins"]) for chip in chips]
        present = {item["tag"] for item in items}
        items += [_switched_off(row, box) for row in kept["off"] if canonical(row["tag"]) not in present]
        return {
            "text": box.text,
            "profile": box.profile.id,
            "slots": [{"id": slot, "label": sentence(_LABELS[slot], box.language)} for slot in order],
            "items": items,
            "borders": list(count.borders),
            "tokens": count.tokens,
            "token_limit": count.limit,
            "tokens_exact": count.exact,
            "arranged": self._arranged(box).text == box.text,
            "findings": [finding.as_dict(box.language) for finding in found],
            "overlaps": [overlap.as_dict() for overlap in overlaps],
        }

    def _arranged(self, box: Box, distribute: bool = False) -> Any:
        return arrange(box.text, box.profile, box.catalogue, negative=box.negative, distribute=distribute)


_LABELS = {**SLOT_NAMES, UNKNOWN: "not known, left where it was"}


def _item(chip: Chip, box: Box, pins: list[str]) -> dict[str, object]:
    facts = chip_facts(chip, box.catalogue)
    return {
        "index": chip.index,
        "start": chip.start,
        "end": chip.end,
        "text": chip.text,
        "kind": chip.kind,
        "slot": chip.slot,
        "weight": chip.weight,
        "segment": chip.segment,
        "line": chip.line,
        "locked": bool(chip.reason),
        "reason": sentence(chip.reason, box.language) if chip.reason else "",
        "pinned": facts["tag"] in pins,
        "off": False,
        "key": "",
        **facts,
    }


def _switched_off(row: Mapping[str, Any], box: Box) -> dict[str, object]:
    """A chip that is not in the text but kept; ``key`` switches it on again."""
    (chip,) = read_chips(row["text"], box.profile, box.catalogue, box.negative)[:1] or (_NOTHING,)
    item = _item(chip, box, [])
    return {**item, "index": -1, "start": -1, "end": -1, "off": True, "key": row["key"], "text": row["text"]}


_NOTHING = Chip(-1, -1, -1, "", (), "tag", UNKNOWN, 1.0, 0, 0)


def _whole(values: Mapping[str, object], key: str) -> int:
    value = values.get(key)
    if type(value) is not int:
        raise RequestError(f"'{key}' is {value!r:.40}; expected a whole number.")
    return value


def _chip(box: Box, op: Mapping[str, object]) -> tuple[tuple[Chip, ...], Chip]:
    chips, index = box.chips(), _whole(op, "index")
    if not 0 <= index < len(chips):
        raise RequestError(f"'index' is {index}; expected a number from 0 to {len(chips) - 1}; ask for the lanes again.")
    return chips, chips[index]


def _outcome(edited: edits.Edited) -> Outcome:
    return Outcome(edited.text, (edited.start, edited.end))


def _move(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    chips, chip = _chip(box, op)
    return _outcome(edits.move(box.text, chips, chip, _whole(op, "to_index"), box.negative))


def _remove(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    return _outcome(edits.remove(box.text, _chip(box, op)[1], box.negative))


def _weight(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    weight = op.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise RequestError(f"'weight' is {weight!r:.40}; expected a number such as 1.2.")
    return _outcome(edits.weigh(box.text, _chip(box, op)[1], float(weight), box.negative))


def _replace(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    return _outcome(edits.replace(box.text, _chip(box, op)[1], read_text(op, "text"), box.negative))


def _add(page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    core = edits.escaped(read_text(op, "tag"), box.catalogue)
    if not core:
        raise RequestError("'tag' is empty; expected a tag to add.")
    chips = box.chips()
    at = _whole(op, "at") if op.get("at") is not None else None
    return _inserted(page, box, chips, core, (at, read_text(op, "slot", "")))


def _inserted(page: PromptPage, box: Box, chips: tuple[Chip, ...], core: str, wish: tuple[int | None, str]) -> Outcome:
    """``core`` at the wished place, else where the profile wants it; a prompt that was in order stays in order."""
    at, slot = wish
    place = edits.place_for(chips, core, box.profile, box.catalogue, slot) if at is None else max(0, min(at, len(chips)))
    left, right = (chips[place - 1] if place else None), (chips[place] if place < len(chips) else None)
    outcome = _outcome(edits.insert(box.text, core, left, right, box.negative))
    if at is not None or slot or page._arranged(box).text != box.text:
        return outcome
    text = page._arranged(replace(box, text=outcome.text)).text
    start = text.find(core) if text != outcome.text else outcome.selection[0]
    return Outcome(text, (start, start + len(core)))


def _needs_name(box: Box) -> None:
    if not box.name:
        raise RequestError("'box' is missing; expected the name of the text box, under which this is remembered.")


def _off(page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    _needs_name(box)
    chips, chip = _chip(box, op)
    outcome = _outcome(edits.remove(box.text, chip, box.negative))
    row = {
        "key": secrets.token_hex(4),
        "tag": chip.tags[0] if chip.tags else chip.text,
        "text": chip.text,
        "behind": chips[chip.index - 1].text if chip.index else "",
    }
    page.memory.change_box(box.name, lambda kept: kept["off"].append(row))
    return outcome


def _on(page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    _needs_name(box)
    key = read_text(op, "key")
    row = next((row for row in page.memory.box(box.name)["off"] if row["key"] == key), None)
    if row is None:
        raise RequestError(f"No chip '{key}' is switched off in '{box.name}'; ask for the lanes again.")
    chips = box.chips()
    at = next((chip.index + 1 for chip in chips if row["behind"] and chip.text == row["behind"]), None if row["behind"] else 0)
    outcome = _inserted(page, box, chips, row["text"], (at, ""))
    page.memory.change_box(box.name, lambda kept: kept["off"].remove(row))
    return outcome


def _pin(page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    _needs_name(box)
    chip = _chip(box, op)[1]
    name = canonical(chip.tags[0]) if chip.tags else ""
    if not name:
        raise RequestError(f"'{chip.text}' is no tag and cannot be pinned; choose a tag.")

    def pin(kept: dict[str, Any]) -> None:
        kept["pins"] = [*(pinned for pinned in kept["pins"] if pinned != name), *([name] if op["kind"] == "pin" else [])]

    page.memory.change_box(box.name, pin)
    return Outcome(box.text, (chip.start, chip.end))


def _fix(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    wanted = (read_text(op, "code"), _whole(op, "start"), _whole(op, "end"))
    found = lint(box.text, box.profile, box.catalogue, negative=box.negative, surroundings=box.around)
    fitting = [finding for finding in found if (finding.code, finding.start, finding.end) == wanted]
    finding = next((one for one in fitting if one.fix is not None or one.settings), None)
    if finding is None:
        raise PromptError(f"There is no fix for '{wanted[0]}' at {wanted[1]} to {wanted[2]}; ask for the lanes again.")
    settings = dict(finding.settings)
    other = settings.pop("negative_prompt", None)
    joined = None if other is None else ", ".join(part for part in (box.around.other.rstrip(" ,"), str(other)) if part)
    text = apply_fix(box.text, finding)
    return Outcome(text, (finding.start, finding.start + len(finding.fix or "")), settings, joined)


def _arrange(page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    text = page._arranged(box, read_flag(op, "distribute", False)).text
    return Outcome(text, (0, len(text)))


def _quality(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    text, _ = compose(box.text, "", box.profile, quality=read_text(op, "level"))
    return Outcome(text, (0, len(text)))


def _negative_preset(_page: PromptPage, box: Box, op: Mapping[str, object]) -> Outcome:
    name = read_text(op, "name")
    if box.negative:
        _, text = compose("", box.text, box.profile, negative_preset=name)
        return Outcome(text, (0, len(text)))
    _, other = compose("", box.around.other, box.profile, negative_preset=name)
    return Outcome(box.text, (0, 0), None, other)


_Edit = Callable[[PromptPage, Box, Mapping[str, object]], Outcome]
_EDITS: dict[str, tuple[_Edit, tuple[str, ...]]] = {
    "move": (_move, ("index", "to_index")),
    "remove": (_remove, ("index",)),
    "weight": (_weight, ("index", "weight")),
    "replace": (_replace, ("index", "text")),
    "add": (_add, ("tag", "slot", "at")),
    "off": (_off, ("index",)),
    "on": (_on, ("key",)),
    "pin": (_pin, ("index",)),
    "unpin": (_pin, ("index",)),
    "fix": (_fix, ("code", "start", "end")),
    "arrange": (_arrange, ("distribute",)),
    "quality": (_quality, ("level",)),
    "negative_preset": (_negative_preset, ("name",)),
}
