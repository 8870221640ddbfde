"""A prompt as the page shows it, and its edits. Plain values in, plain values out; the text stays the master.

Part of ``jobs.prompt_room``; the routes and the command line call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tag_atelier.errors import RequestError
from tag_atelier.jobs.installed import LOOK_AGAIN_S, find_embeddings
from tag_atelier.jobs.prompt_edits import EDITS, Box
from tag_atelier.jobs.prompts import Prompts, is_written_by_hand, read_language
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.language import sentence
from tag_atelier.ports import PromptFiles
from tag_atelier.prompt.lanes import NO_SLOT, SLOT_NAMES, Chip, chip_facts, read_chips
from tag_atelier.prompt.overlap import find_overlaps
from tag_atelier.prompt.slots import UNKNOWN, canonical
from tag_atelier.prompt.tokens import measure

LONGEST = 16_384
"""Characters of a prompt that is shown as chips and edited; of a longer one only tokens, lint and overlaps are told."""
_KEYS = ("text", "profile", "negative", "with", "language", "box")
_LONGEST_NAME = 100


class PromptPage:
    """Lanes and edits with the user's own corrections, pins and switched-off chips."""

    def __init__(self, prompts: Prompts, files: PromptFiles = PromptFiles()) -> None:  # noqa: B008
        self._prompts, self._files = prompts, files

    def lanes(self, request: object) -> dict[str, object]:
        """``{text, profile?, negative?, with?, language?, box?}`` → the text as chips in lanes; see docs/http_api.md.

        Raises:
            RequestError: an unknown key, or a value of the wrong kind.
            UnknownName: there is no such profile.
        """
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
        if kind not in EDITS:
            raise RequestError("'kind' is '{kind}'; expected one of: {known}.", kind=kind[:40], known=", ".join(EDITS))
        edit, known = EDITS[kind]
        refuse_unknown(op, ("kind", *known), "'op'")
        box = self._box({key: value for key, value in values.items() if key != "op"})
        if len(box.text) > LONGEST:
            sentence = "The prompt has {count} characters; expected at most {most}, edit it by hand."
            raise RequestError(sentence, count=len(box.text), most=LONGEST)
        outcome = edit(box, op)
        answer = self._show(replace(box, text=outcome.text))
        answer |= {"changed": outcome.text != box.text, "selection": list(outcome.selection)}
        if outcome.settings:
            answer["settings"] = dict(outcome.settings)
        if outcome.other is not None:
            answer["other"] = outcome.other
        return answer

    def _box(self, values: Mapping[str, object]) -> Box:
        name = read_text(values, "box", "")
        if len(name) > _LONGEST_NAME:
            sentence = "'{key}' has {count} characters; expected at most {most}."
            raise RequestError(sentence, key="box", count=len(name), most=_LONGEST_NAME)
        return Box(
            read_text(values, "text"),
            self._prompts.profile(read_text(values, "profile", "aidxl")),
            self._prompts.catalogue,
            self._prompts.memory,
            read_flag(values, "negative", False),
            read_language(values),
            self._prompts.around(values),
            name,
            {one.name: max(1, one.vectors) for one in find_embeddings(self._files.embeddings, LOOK_AGAIN_S)},
        )

    def _show(self, box: Box) -> dict[str, object]:
        short = len(box.text) <= LONGEST
        count = measure(box.text, box.negative, embeddings=box.embeddings)
        overlaps = find_overlaps(box.text, box.catalogue, box.negative) if is_written_by_hand(box.text) else []
        items = [_item(chip, box) for chip in box.chips] if short else []
        present = {item["tag"] for item in items}
        items += [_switched_off(row, box) for row in box.kept["off"] if canonical(row["tag"]) not in present]
        return {
            "text": box.text,
            "profile": box.profile.id,
            "slots": [{"id": slot, "label": sentence(_LABELS[slot], box.language)} for slot in (*box.profile.order, UNKNOWN)],
            "items": items,
            "borders": list(count.borders),
            "tokens": count.tokens,
            "token_limit": count.limit,
            "tokens_exact": count.exact,
            "arranged": not box.arranged(box.text).changed if short else True,
            "findings": [finding.as_dict(box.language) for finding in box.findings],
            "overlaps": [overlap.as_dict() for overlap in overlaps],
        }


_LABELS = {**SLOT_NAMES, UNKNOWN: NO_SLOT}
_NOTHING = Chip(-1, -1, -1, "", (), "tag", UNKNOWN, 1.0, 0, 0)


def _item(chip: Chip, box: Box) -> dict[str, object]:
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
        "pinned": facts["tag"] in box.kept["pins"],
        "off": False,
        "key": "",
        **facts,
    }


def _switched_off(row: Mapping[str, Any], box: Box) -> dict[str, object]:
    """A chip that is not in the text but kept; ``key`` switches it on again."""
    chip, *_ = (*read_chips(row["text"], box.profile, box.catalogue, box.negative), _NOTHING)
    place = {"index": -1, "start": -1, "end": -1, "off": True, "pinned": False, "locked": False, "reason": ""}
    return {**_item(chip, box), **place, "key": row["key"], "text": row["text"]}
