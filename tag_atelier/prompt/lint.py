"""Finds what a prompt says to the WebUI other than its writer meant, and offers a fix for it. Changes nothing itself.

The checks on brackets, numbers and operators are here, those on words in ``lint_words``; ``CHECKS`` lists them all.
Called by page, API and command line; to add a check, write a function from ``Text`` to findings and list it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.findings import Finding, Surroundings, Text, removal, say
from tag_atelier.prompt.grammar import NETWORK, Border, Item, Segment, parse, trailing_weight, without_networks
from tag_atelier.prompt.lint_habits import HABIT_CHECKS
from tag_atelier.prompt.lint_settings import SETTING_CHECKS
from tag_atelier.prompt.lint_words import WORD_CHECKS
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.schedule import read_brackets

MAX_CHARACTERS = 65_536
MAX_BRACKETS = 20

_FACE = re.compile(r"[>;:=][-o']?[()\[\]]|[()\[\]][-o']?[:;=]<?|>:[()\[\]]")
_SIGN = re.compile(r"\\[()\[\]{}\\]|[()\[\]{}]")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_FULL_WIDTH = {"，": ", ", "（": "(", "）": ")", "：": ":", "、": ", ", "［": "[", "］": "]", "｛": "{", "｝": "}"}
_FULL_WIDTH_RUN = re.compile("[" + "".join(_FULL_WIDTH) + "]+")
_BRACES = re.compile(r"(?<![${])(\{{1,8})([^{}|]{1,400})(\}{1,8})")
_NAI_NUMBER = re.compile(r"(?<![\d.])([-+]?\d+(?:\.\d+)?)::([^:]+?)(?:::|\Z)")
_BAD_NUMBER = re.compile(r":\s*([-+]?\d*\.\d*)(\.[.\d]*)\s*(?=\))")
_SCHEDULE = re.compile(r"(?<!\\)\[([^\[\]():|\\]+):\s*(\d*\.?\d+)\s*\]")
_STEP_ONE = re.compile(r"(?<!\\)\[[^\[\]():|\\]*:[^\[\]():|\\]*:\s*([01])\s*\]")
_NAME_COLON = re.compile(r"(\\\([^()\[\]:|]*):([^()\[\]:|]*\\\))")
_GROUP = re.compile(r"(?<!\\)\(([^()\[\]]*),[^()\[\],]*\)")
_PARTED = re.compile(r"\(([^()\[\]{}:]*)\bBREAK\b((?:(?!\bBREAK\b)[^()\[\]{}:])*)(:\s*[-+]?[.\d]+)?\s*\)")
_INNER_NUMBER = re.compile(r":\s*(?:\d+\.?|\d*\.\d+)\s*(?:,|\Z)")


_STRAY = "The '{sign}' closes nothing and is a plain character. To mean it write '{better}'."
_RAISES = "The '{sign}' is never closed, so all behind it weighs more. Close it or write '{better}'."
_LOWERS = "The '{sign}' is never closed, so all behind it weighs less. Close it or write '{better}'."


def lint(
    text: str,
    profile: Profile,
    catalogue: Catalogue,
    negative: bool = False,
    surroundings: Surroundings = Surroundings(),  # noqa: B008
) -> list[Finding]:
    """Findings in order of place; none for a prompt above 65,536 characters, which is not looked at.

    ``surroundings``: what the prompt is drawn with; only what is known of it is checked.
    """
    if len(text) > MAX_CHARACTERS:
        return []
    subject = Text(text, parse(text, negative), profile, catalogue, negative, surroundings)
    found = [finding for check in CHECKS for finding in check(subject)]
    return sorted(set(found), key=lambda finding: (finding.start, finding.end, finding.code))


def _trailing_number(subject: Text) -> Iterator[Finding]:
    for segment in subject.prompt.segments:
        if segment.locked != "trailing_weight":
            continue
        item = next(item for item in reversed(segment.items) if without_networks(item.core).strip())
        found = trailing_weight(item.core)
        if found is None:
            continue
        name = item.core[: found[0]].strip()
        fix = f"({item.core})" if any(sign.isalnum() for sign in name) else f"({item.core}:1.0)"
        message = say(
            "The prompt ends in '{tag}'; the WebUI reads that as weight {weight} for the whole prompt. Put brackets around it.",
            tag=item.core,
            weight=f"{found[1]:g}",
        )
        yield Finding("trailing_number", item.start, item.start + len(item.core), message, fix, "error")


def _unbalanced(subject: Text) -> Iterator[Finding]:
    """Brackets that open or close nothing; at most ``MAX_BRACKETS`` of each."""
    strays = 0
    stack: list[tuple[str, int]] = []
    for found in _SIGN.finditer(subject.text):
        sign, at = found.group(), found.start()
        if sign in _PAIRS:
            if stack and stack[-1][0] == _PAIRS[sign]:
                stack.pop()
            elif sign != "}" and strays < MAX_BRACKETS:
                strays += 1
                yield _bracket(subject, at, _STRAY, "note")
        elif len(sign) == 1:
            stack.append((sign, at))
    for sign, at in stack[:MAX_BRACKETS]:
        if sign == "{":
            continue
        yield _bracket(subject, at, _RAISES if sign == "(" else _LOWERS, "error")


def _bracket(subject: Text, at: int, effect: str, severity: str) -> Finding:
    sign = subject.text[at]
    nearby = _FACE.finditer(subject.text, max(0, at - 3), at + 3)
    face = next((match for match in nearby if match.start() <= at < match.end()), None)
    if face is None:
        return Finding("unbalanced", at, at + 1, say(effect, sign=sign, better=f"\\{sign}"), f"\\{sign}", severity)
    fix = re.sub(r"([()\[\]])", r"\\\1", face.group())
    message = say(effect, sign=face.group(), better=fix)
    return Finding("face_bracket", face.start(), face.end(), message, fix, severity)


def _full_width(subject: Text) -> Iterator[Finding]:
    for found in _FULL_WIDTH_RUN.finditer(subject.text):
        fix = "".join(_FULL_WIDTH[sign] for sign in found.group())
        message = say("'{sign}' is full-width and plain text to the WebUI. Write '{fix}'.", sign=found.group(), fix=fix.strip())
        yield Finding("full_width", found.start(), found.end(), message, fix, "warning")


def _break_in_brackets(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        parted = _PARTED.fullmatch(item.core) if "BREAK" in item.core else None
        for found in re.finditer(r"\bBREAK\b", item.core):
            at, end, fix = item.start + found.start(), item.start + found.end(), None
            if parted is not None:
                at, end = item.start, item.start + len(item.core)
                fix = " BREAK ".join(f"({side.strip()}{parted[3] or ''})" for side in parted.group(1, 2))
            message = say(
                "BREAK inside brackets ends no chunk; the word itself is drawn at a negative weight. Move it out of them."
            )
            yield Finding("break_in_brackets", at, end, message, fix, "error")


def _braces(subject: Text) -> Iterator[Finding]:
    for found in _BRACES.finditer(subject.text):
        inner = found.group(2)
        depth = min(len(found.group(1)), len(found.group(3)))
        if not inner.strip() or inner.strip() == "prompt" or inner.startswith(("$", "__")):
            continue
        fix = f"({inner}:{1.05**depth:.4g})"
        message = say(
            "Curly brackets are another program's emphasis and plain text here; round ones with a number do the same."
        )
        yield Finding("nai_braces", found.start(), found.end(), message, fix, "warning")
    for found in _NAI_NUMBER.finditer(subject.text):
        fix = f"({found.group(2).strip()}:{float(found.group(1)):g})"
        message = say("'number::tag::' is another program's emphasis and plain text to the WebUI; round brackets do the same.")
        yield Finding("nai_number", found.start(), found.end(), message, fix, "warning")


def _bad_number(subject: Text) -> Iterator[Finding]:
    for found in _BAD_NUMBER.finditer(subject.text):
        message = say(
            "'{text}' is no number; the WebUI stops with an error at it. Write '{fix}'.",
            text=found.group().strip(),
            fix=found.group(1),
        )
        yield Finding("bad_number", found.start(), found.end(), message, f":{found.group(1)}", "error")


def _schedules(subject: Text) -> Iterator[Finding]:
    for found in _SCHEDULE.finditer(subject.text):
        number = float(found.group(2))
        if "." in found.group(2):
            message = say(
                "Square brackets with a number are a schedule: drawn after {share} of the steps. Round ones give a weight.",
                share=f"{number:.0%}",
            )
        else:
            message = say(
                "Square brackets with a number are a schedule: drawn from step {step} on. Round ones give a weight.",
                step=f"{number:g}",
            )
        fix = f"({found.group(1)}:{found.group(2)})" if number <= 2 and "." in found.group(2) else None
        yield Finding("schedule_as_weight", found.start(), found.end(), message, fix, "warning")
    for found in _STEP_ONE.finditer(subject.text):
        message = say(
            "'{number}' without a point is a step; write '{number}.0' for a share of all steps.", number=found.group(1)
        )
        yield Finding("step_or_share", found.start(1), found.end(1), message, f"{found.group(1)}.0", "warning")


def _plain_schedules(subject: Text) -> Iterator[Finding]:
    """Square brackets with a colon that the WebUI takes for plain text, where they stand beside no operator."""
    for segment in subject.prompt.segments:
        for item in segment.items if segment.locked != "unbalanced" else ():
            if "[" not in item.core or without_networks(item.core) != item.core:
                continue
            for start, end in read_brackets(item.core).loose:
                words = item.core[start:end]
                message = say(
                    "'{text}' is no schedule to the WebUI but plain text: it has a colon too many or no number.", text=words
                )
                fix = _NAME_COLON.sub(r"\1\:\2", words)
                better = fix if fix != words and not read_brackets(fix).loose else None
                yield Finding("plain_schedule", item.start + start, item.start + end, message, better, "warning")


def _inner_number(subject: Text) -> Iterator[Finding]:
    for group in _GROUP.finditer(subject.text):
        found = _INNER_NUMBER.search(group.group(1))
        if found is not None:
            message = say("Only a number right before the closing bracket is a weight; the others are plain text.")
            members = (member.strip() for member in group.group()[1:-1].split(","))
            fix = ", ".join(f"({member})" if ":" in member else member for member in members)
            yield Finding("number_inside_group", group.start(), group.end(), message, fix, "warning")


def _and_word(subject: Text) -> Iterator[Finding]:
    """AND between two words of one tag: no comma on either side and no weight behind."""
    if subject.negative:
        for found in re.finditer(r"\bAND\b", subject.text):
            message = say("AND means nothing in the negative prompt; it is a plain word there. Use a comma.")
            yield Finding("and_in_negative", found.start(), found.end(), message, ",", "warning")
        return
    pieces = subject.prompt.pieces
    last_weight = max((border.start for border in subject.prompt.borders if border.kind == "weight"), default=-1)
    for index, piece in enumerate(pieces):
        if not isinstance(piece, Border) or piece.kind != "and" or not 0 < index < len(pieces) - 1:
            continue
        left, right = pieces[index - 1], pieces[index + 1]
        if not isinstance(left, Segment) or not isinstance(right, Segment):
            continue
        if piece.start > last_weight and _is_short(left.items[-1]) and _is_short(right.items[0]):
            message = say("Upper-case AND draws two prompts over each other; write 'and' where it belongs to a tag.")
            yield Finding("and_between_words", piece.start, piece.start + 3, message, "and", "warning")


def _is_short(item: Item) -> bool:
    return 0 < len(item.core.split()) <= 2


def _networks(subject: Text) -> Iterator[Finding]:
    for found in NETWORK.finditer(subject.text, 0, subject.text.rfind(">") + 1):
        kind, arguments = found.group(1), found.group(2)
        span = (found.start(), found.end())
        name, _, rest = arguments.partition(":")
        if subject.negative:
            message = say("<{kind}:…> works only in the positive prompt; here it is plain text. Move it.", kind=kind)
            yield Finding("network_in_negative", *span, message, "", "warning")
        if name != name.strip("\"' "):
            fix = f"<{kind}:{name.strip(chr(34) + chr(39) + ' ')}{':' + rest if rest else ''}>"
            message = say("The name of a {kind} takes no quotes or spaces around it; with them nothing is loaded.", kind=kind)
            yield Finding("network_quotes", *span, message, fix, "error")
        for ending in (".safetensors", ".pt", ".ckpt"):
            if name.endswith(ending):
                fix = f"<{kind}:{name.removesuffix(ending)}{':' + rest if rest else ''}>"
                message = say(
                    "The name of a {kind} is written without '{ending}'; with it nothing is loaded.", kind=kind, ending=ending
                )
                yield Finding("network_ending", *span, message, fix, "error")


def _duplicates(subject: Text) -> Iterator[Finding]:
    first: dict[str, Item] = {}
    for segment in subject.prompt.segments:
        if segment.locked == "unbalanced":
            continue
        for item in segment.items:
            for tag in tags_of(item.core):
                name = subject.name(tag)
                earlier = first.setdefault(name, item)
                if earlier is item:
                    continue
                same = earlier.core == item.core
                if same:
                    message = say("'{tag}' stands here twice; the WebUI counts both. Keep one.", tag=tag)
                    yield Finding("duplicate", *removal(subject.text, item), message, "", "note")
                    continue
                message = say(
                    "'{tag}' stands here as '{one}' and as '{other}'; the WebUI counts both. Keep the one you mean.",
                    tag=tag,
                    one=earlier.core,
                    other=item.core,
                )
                yield Finding("duplicate_weight", item.start, item.start + len(item.core), message, None, "note")


CHECKS: tuple[Callable[[Text], Iterator[Finding]], ...] = (
    _trailing_number,
    _unbalanced,
    _full_width,
    _break_in_brackets,
    _braces,
    _bad_number,
    _schedules,
    _plain_schedules,
    _inner_number,
    _and_word,
    _networks,
    _duplicates,
    *WORD_CHECKS,
    *HABIT_CHECKS,
    *SETTING_CHECKS,
)
