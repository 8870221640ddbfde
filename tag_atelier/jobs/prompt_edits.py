"""The edits that a request can ask for by name, each a function from a text box to its new text.

``EDITS`` lists them all; called by ``jobs.prompt_page`` only. To add one, write the function and list it with its keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tag_atelier.errors import PromptError, RequestError
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.values import read_flag, read_text
from tag_atelier.language import Language
from tag_atelier.prompt import edits
from tag_atelier.prompt.arrange import Arrangement
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.findings import Finding, Surroundings, apply_fix
from tag_atelier.prompt.lanes import Chip, read_chips
from tag_atelier.prompt.lint import lint
from tag_atelier.prompt.pins import arrange_pinned
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import canonical
from tag_atelier.prompt.word_presets import swap_negative, swap_quality

_MOST_SWITCHED_OFF = 500


@dataclass(frozen=True)
class Box:
    """One text box as a request describes it."""

    text: str
    profile: Profile
    catalogue: Catalogue
    memory: PromptMemory
    negative: bool = False
    language: Language = "en"
    around: Surroundings = field(default_factory=Surroundings)
    name: str = ""
    """Under which pins and switched-off chips are remembered; empty: nowhere."""
    embeddings: Mapping[str, int] = field(default_factory=dict)
    """Installed embeddings and the tokens each takes."""

    @cached_property
    def chips(self) -> tuple[Chip, ...]:
        """The chips of the text."""
        return read_chips(self.text, self.profile, self.catalogue, self.negative, frozenset(map(str.lower, self.embeddings)))

    @cached_property
    def kept(self) -> dict[str, Any]:
        """``{"pins", "off"}`` of this box."""
        return self.memory.box(self.name) if self.name else {"pins": [], "off": []}

    @cached_property
    def findings(self) -> list[Finding]:
        """What lint says of the text."""
        return lint(self.text, self.profile, self.catalogue, negative=self.negative, surroundings=self.around)

    def arranged(self, text: str, distribute: bool = False) -> Arrangement:
        """``text`` in order, pinned tags in front."""
        return arrange_pinned(text, self.profile, self.catalogue, self.kept["pins"], self.negative, distribute)


@dataclass(frozen=True)
class Outcome:
    """What an edit came to."""

    text: str
    selection: tuple[int, int]
    settings: Mapping[str, object] | None = None
    other: str | None = None
    """The other prompt, where the edit changed that one too."""


Operation = Mapping[str, object]
Edit = Callable[[Box, Operation], Outcome]


def _whole(values: Operation, key: str) -> int:
    value = values.get(key)
    if type(value) is not int:
        raise RequestError("'{key}' is {value}; expected a whole number.", key=key, value=repr(value)[:40])
    return value


def _chip(box: Box, op: Operation) -> Chip:
    index = _whole(op, "index")
    if not 0 <= index < len(box.chips):
        sentence = "'index' is {index}; there are {count} items, from 0 on; ask for the lanes again."
        raise RequestError(sentence, index=index, count=len(box.chips))
    return box.chips[index]


def _outcome(edited: edits.Edited) -> Outcome:
    return Outcome(edited.text, (edited.start, edited.end))


def _changed(before: str, after: str) -> Outcome:
    """The new text with what differs selected."""
    start = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), len(before))
    start = min(start, len(after))
    same = 0
    while same < min(len(before), len(after)) - start and before[-1 - same] == after[-1 - same]:
        same += 1
    return Outcome(after, (start, len(after) - same))


def _move(box: Box, op: Operation) -> Outcome:
    return _outcome(edits.move(box.text, box.chips, _chip(box, op), _whole(op, "to_index"), box.negative))


def _remove(box: Box, op: Operation) -> Outcome:
    return _outcome(edits.remove(box.text, _chip(box, op), box.negative))


def _weight(box: Box, op: Operation) -> Outcome:
    weight = op.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise RequestError("'weight' is {weight}; expected a number such as 1.2.", weight=repr(weight)[:40])
    return _outcome(edits.weigh(box.text, _chip(box, op), float(weight), box.negative))


def _replace(box: Box, op: Operation) -> Outcome:
    return _outcome(edits.replace(box.text, _chip(box, op), read_text(op, "text"), box.negative))


def _add(box: Box, op: Operation) -> Outcome:
    core = edits.escaped(read_text(op, "tag"), box.catalogue)
    if not core:
        raise RequestError("'tag' is empty; expected a tag to add.")
    at = _whole(op, "at") if op.get("at") is not None else None
    slot = read_text(op, "slot", "")
    if slot and slot not in box.profile.order:
        raise RequestError("'slot' is '{slot}'; expected one of {known}.", slot=slot, known=", ".join(box.profile.order))
    return _inserted(box, core, at, slot)


def _inserted(box: Box, core: str, at: int | None, slot: str = "") -> Outcome:
    """``core`` at the wished place, else where the profile wants it; a prompt that was in order stays in order."""
    chips = box.chips
    place = edits.place_for(chips, core, box.profile, box.catalogue, slot) if at is None else max(0, min(at, len(chips)))
    left, right = (chips[place - 1] if place else None), (chips[place] if place < len(chips) else None)
    outcome = _outcome(edits.insert(box.text, core, left, right, box.negative))
    if at is not None or slot or box.arranged(box.text).text != box.text:
        return outcome
    text = box.arranged(outcome.text).text
    return outcome if text == outcome.text else _changed(box.text, text)


def _needs_name(box: Box) -> None:
    if not box.name:
        raise RequestError("'box' is missing; expected the name of the text box, under which this is remembered.")


def _off(box: Box, op: Operation) -> Outcome:
    _needs_name(box)
    chip = _chip(box, op)
    outcome = _outcome(edits.remove(box.text, chip, box.negative))
    row = {
        "key": secrets.token_hex(4),
        "tag": chip.tags[0] if chip.tags else chip.text,
        "text": chip.text,
        "behind": box.chips[chip.index - 1].text if chip.index else "",
    }

    def edit(kept: dict[str, Any]) -> None:
        others = [one for one in kept["off"] if one["text"] != chip.text]
        kept["off"] = [*others, row][-_MOST_SWITCHED_OFF:]

    box.memory.change_box(box.name, edit)
    return outcome


def _on(box: Box, op: Operation) -> Outcome:
    _needs_name(box)
    key = read_text(op, "key")
    row = next((row for row in box.kept["off"] if row["key"] == key), None)
    if row is None:
        sentence = "No chip '{key}' is switched off in '{box}'; ask for the lanes again."
        raise RequestError(sentence, key=key[:40], box=box.name[:40])
    at: int | None = 0
    if row["behind"]:
        at = next((chip.index + 1 for chip in box.chips if chip.text == row["behind"]), None)
    outcome = _inserted(box, row["text"], at)

    def edit(kept: dict[str, Any]) -> None:
        kept["off"] = [one for one in kept["off"] if one["key"] != key]

    box.memory.change_box(box.name, edit)
    return outcome


def _forget(box: Box, op: Operation) -> Outcome:
    """A switched-off chip is given up."""
    _needs_name(box)
    key = read_text(op, "key")

    def edit(kept: dict[str, Any]) -> None:
        kept["off"] = [one for one in kept["off"] if one["key"] != key]

    box.memory.change_box(box.name, edit)
    return Outcome(box.text, (len(box.text), len(box.text)))


def _pin(box: Box, op: Operation) -> Outcome:
    _needs_name(box)
    chip = _chip(box, op)
    name = canonical(chip.tags[0]) if chip.tags else ""
    if not name:
        raise RequestError("'{text}' is no tag and cannot be pinned; choose a tag.", text=chip.text[:60])

    def edit(kept: dict[str, Any]) -> None:
        kept["pins"] = [*(pinned for pinned in kept["pins"] if pinned != name), *([name] if op["kind"] == "pin" else [])]

    box.memory.change_box(box.name, edit)
    return Outcome(box.text, (chip.start, chip.end))


def _fix(box: Box, op: Operation) -> Outcome:
    wanted = (read_text(op, "code"), _whole(op, "start"), _whole(op, "end"))
    fitting = [one for one in box.findings if (one.code, one.start, one.end) == wanted]
    finding = next((one for one in fitting if one.fix is not None or one.settings), None)
    if finding is None:
        sentence = "There is no fix for '{code}' at {start} to {end}; ask for the lanes again."
        raise PromptError(sentence, code=wanted[0][:40], start=wanted[1], end=wanted[2])
    settings = dict(finding.settings)
    other = settings.pop("negative_prompt", None)
    joined = None if other is None else ", ".join(part for part in (box.around.other.rstrip(" ,"), str(other)) if part)
    selection = (finding.start, finding.start + len(finding.fix or ""))
    return Outcome(apply_fix(box.text, finding), selection, settings, joined)


def _arrange(box: Box, op: Operation) -> Outcome:
    return _changed(box.text, box.arranged(box.text, read_flag(op, "distribute", False)).text)


def _quality(box: Box, op: Operation) -> Outcome:
    if box.negative:
        raise RequestError("Quality levels belong to the positive prompt; expected 'negative_preset' for this text.")
    return _changed(box.text, swap_quality(box.text, box.profile, read_text(op, "level"), box.catalogue))


def _negative_preset(box: Box, op: Operation) -> Outcome:
    name = read_text(op, "name")
    if box.negative:
        return _changed(box.text, swap_negative(box.text, box.profile, name, box.catalogue))
    other = swap_negative(box.around.other, box.profile, name, box.catalogue)
    return Outcome(box.text, (len(box.text), len(box.text)), None, other)


EDITS: Mapping[str, tuple[Edit, tuple[str, ...]]] = {
    "move": (_move, ("index", "to_index")),
    "remove": (_remove, ("index",)),
    "weight": (_weight, ("index", "weight")),
    "replace": (_replace, ("index", "text")),
    "add": (_add, ("tag", "slot", "at")),
    "off": (_off, ("index",)),
    "on": (_on, ("key",)),
    "forget": (_forget, ("key",)),
    "pin": (_pin, ("index",)),
    "unpin": (_pin, ("index",)),
    "fix": (_fix, ("code", "start", "end")),
    "arrange": (_arrange, ("distribute",)),
    "quality": (_quality, ("level",)),
    "negative_preset": (_negative_preset, ("name",)),
}
"""Kind → the edit and the keys it reads."""
