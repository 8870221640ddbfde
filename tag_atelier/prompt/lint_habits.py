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
_OLD_NAMES_WRITTEN = """
    >; blond hair > blonde hair; twin tails > twintails; pony tail > ponytail; thigh highs > thighhighs; 1 girl > 1girl;
    one girl > 1girl; 1 boy > 1boy; one boy > 1boy; 2 girls > 2girls; two girls > 2girls; multi views > multiple views;
    half body > upper body; fullbody > full body; closeup > close-up; upside down > upside-down; bare foot > barefoot;
    silver hair > grey hair; hand on hip > hand on own hip; hands on hips > hands on own hips;
    hand on head > hand on own head; hand on forehead > hand on own forehead; hand on thigh > hand on own thigh;
    covering mouth > covering own mouth; covering eyes > covering own eyes; hair in mouth > hair in own mouth;
    lip biting > biting own lip; bubble blowing > blowing bubbles; hair tucking > tucking hair;
    hair twirling > twirling hair; breast grab > grabbing another's breast; ass grab > grabbing another's ass;
    arm grab > grabbing another's arm; lifted by self > lifting own clothes; pulled by self > pulling own clothes;
    lifted by another > lifting another's clothes; pulled by another > pulling another's clothes;
    object hug > hugging object; doll hug > hugging doll; one knee > on one knee; head scarf > headscarf;
    stuffed bunny > stuffed rabbit; bunny print > rabbit print; bunny pose > rabbit pose;
    bunny-shaped pupils > rabbit-shaped pupils; heart pillow > heart-shaped pillow; sweating profusely > very sweaty;
    mixed bathing > mixed-sex bathing; matching outfit > matching outfits; labcoat > lab coat;
    legwear under shorts > pantyhose under shorts; ear biting > biting ear
    """
_OLD_NAMES = {
    old.strip().replace(" ", "_"): new.strip()
    for old, _, new in (pair.partition(" > ") for pair in _OLD_NAMES_WRITTEN.split(";"))
}
"""Spellings that Danbooru's list of January 2025 no longer has, and typing habits."""
_LEGWEAR = re.compile(
    r"(argyle|black|blue|brown|fishnet|frilled|green|grey|multicolored|orange|pink|plaid|print|purple|red|ribbon-trimmed|striped"
    r"|torn|vertical-striped|white|yellow)_legwear"
)
_REMOVED = re.compile(
    r"(backpack|bikini_top|boots|bra|clothes|eyewear|gloves|hat|headwear|helmet|jacket|mask|panties|sandals|shirt|shoes|skirt"
    r"|socks)_removed"
)


def _embeddings(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        for tag in tags_of(item.core):
            name = canonical(tag)
            if subject.profile.base == "sdxl" and _OF_SD15.fullmatch(name):
                message = say(
                    "'{name}' is an SD1.5 embedding; on SDXL the WebUI skips it and draws its name as words.", name=tag
                )
                yield Finding("embedding_base", *removal(subject.text, item), message, "", "error")
            if not subject.negative and _NEGATIVE_EMBEDDING.fullmatch(name):
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
    """Two things of two colours in one chunk, where the colours may change places; told once."""
    if subject.negative or "BREAK" in subject.text:
        return
    for segment in subject.prompt.segments:
        first: tuple[str, str, Item] | None = None
        for item in segment.items if not segment.locked else ():
            found = _COLOURED.fullmatch(item.core.replace("_", " "))
            if found is None:
                continue
            if first is None:
                first = (found[1], found[2], item)
            elif found[1] != first[0] and found[2] != first[1]:
                yield _run_over(subject.text, first[2], item)
                return


def _run_over(text: str, one: Item, other: Item) -> Finding:
    end = other.start + len(other.core)
    message = say("'{one}' and '{other}' stand in one chunk, where colours run over; BREAK parts them.",
                  one=one.core, other=other.core)  # fmt: skip
    side_by_side = text[one.start + len(one.core) : other.start].strip() == ","
    fix = (
        f"{one.core} BREAK {other.core}" if side_by_side else f"{text[one.start : other.start].rstrip(' ,')} BREAK {other.core}"
    )
    return Finding("colours", one.start, end, message, fix, "note")


def _old_names(subject: Text) -> Iterator[Finding]:
    for item in subject.prompt.items:
        name = canonical(item.core)
        legwear, removed = _LEGWEAR.fullmatch(name), _REMOVED.fullmatch(name)
        better = f"{legwear[1]} thighhighs" if legwear else _OLD_NAMES.get(name)
        if removed:
            better = f"unworn {removed[1]}".replace("_", " ")
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
