"""Which tags a plan tests: those it lists, or those that its rule finds in the catalogue. Used by ``bench.plan``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from tag_atelier.bench.spec import BenchSpec, TagRule
from tag_atelier.bench.tag_text import problem
from tag_atelier.errors import SpecError
from tag_atelier.language import Said, say
from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tag_atelier.prompt.slots import canonical

GUESSED = 12
"""For so many unknown tags what was meant is looked for, which takes some hundredths of a second each."""
LISTED = 20
LIKE = 0.8


@dataclass(frozen=True)
class SkippedTag:
    """A tag that is not drawn, and why."""

    name: str
    reason: str


def chosen_tags(spec: BenchSpec, catalogue: Catalogue) -> tuple[list[str], list[SkippedTag], list[Said]]:
    """Canonical tags in order, those left out with reasons, and notes.

    Raises:
        SpecError: a tag that no prompt can hold, or a rule that finds nothing.
    """
    if spec.rule is not None:
        slots = (spec.rule.slot,) if isinstance(spec.rule.slot, str) else spec.rule.slot
        found = [_by_rule(spec.rule, slot, catalogue) for slot in slots]
        return (
            [name for names, _, _ in found for name in names],
            [tag for _, skipped_tags, _ in found for tag in skipped_tags],
            [note for _, _, notes in found for note in notes],
        )
    chosen: list[str] = []
    skipped: list[SkippedTag] = []
    for written in spec.tags:
        reason = problem(written)
        if reason:
            sentence = "The tag '{tag}' cannot be tested: {reason}; expected one tag as booru sites name it."
            raise SpecError(sentence, tag=written, reason=say(reason))
        name = canonical(written)
        if name in chosen:
            skipped.append(SkippedTag(name, say("listed twice")))
        else:
            chosen.append(name)
    return chosen, skipped, _unknown([name for name in chosen if catalogue.get(name) is None], catalogue)


def _unknown(names: Sequence[str], catalogue: Catalogue) -> list[Said]:
    """A note on tags that may be misspelt, with what may have been meant."""
    if not names:
        return []
    known = [name for name, entry in catalogue.entries.items() if entry.posts] if len(names) <= GUESSED else []
    meant = {name: difflib.get_close_matches(name, known, 1, LIKE) for name in names[:GUESSED]}
    shown = [f"{name} ({meant[name][0]}?)" if meant.get(name) else name for name in names[:LISTED]]
    return [
        say(
            "{count} tags are not in the catalogue; correct their spelling, or leave them: they are drawn as written. {tags}",
            count=len(names),
            tags=", ".join([*shown, *(["…"] if len(names) > LISTED else [])]).replace("_", " "),
        )
    ]


def _by_rule(rule: TagRule, slot: str, catalogue: Catalogue) -> tuple[list[str], list[SkippedTag], list[Said]]:
    """Most used first, strictly below the limit; where too few are rare, the rest comes from the head, and is noted."""
    entries = [entry for entry in catalogue.entries.values() if entry.slot == slot]
    entries.sort(key=lambda entry: (-entry.posts, entry.name))
    if not entries:
        sentence = "The catalogue has no tag in the slot '{slot}'; expected a slot id such as action or clothing."
        raise SpecError(sentence, slot=slot)
    rare: list[str] = []
    skipped: list[SkippedTag] = []
    for entry in entries:
        reason = _rule_reason(entry, rule)
        if entry.posts < rule.posts_below and len(rare) < rule.take:
            skipped.extend([SkippedTag(entry.name, say(reason))] if reason else [])
            rare.extend([] if reason else [entry.name])
    head = [entry.name for entry in entries if entry.posts >= rule.posts_below and not _rule_reason(entry, rule)]
    chosen = rare + head[: rule.take - len(rare)]
    if not chosen:
        raise SpecError("No tag of the slot '{slot}' fits the rule; allow more with 'safe' or 'one_person'.", slot=slot)
    notes = []
    if len(rare) < rule.take:
        notes.append(
            say(
                "Only {rare} tags of the slot '{slot}' have fewer than {limit} posts; "
                "{more} more come from its most used ones.",
                rare=len(rare),
                slot=slot,
                limit=rule.posts_below,
                more=len(chosen) - len(rare),
            )
        )
    return chosen, skipped, notes


def _rule_reason(entry: TagEntry, rule: TagRule) -> str:
    if rule.safe and not entry.safe:
        return "sensitive"
    if rule.one_person and not entry.one_person:
        return "needs a second person"
    if entry.slot == "character" and not entry.broader:
        return "a series, or a character whose series is not known"
    if not entry.posts:
        return "its number of posts is not known"
    return problem(entry.name)
