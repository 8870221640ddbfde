"""Lint's checks on what stands beside the prompt: settings off the family's, networks, and the other prompt.

Called through ``lint`` only. A setting nobody named is not remarked on; findings on settings point at no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tag_atelier.prompt.findings import Finding, Network, Said, Text, say
from tag_atelier.prompt.grammar import NETWORK, parse
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slots import canonical

HEAVIEST_CHARACTER = 0.8
MOST_CLIP_SKIP = 4
_SAME = {"multi_views": "multiple_views", "multi_view": "multiple_views", "bad_hand": "bad_hands"}


def _setting(code: str, message: Said, settings: tuple[tuple[str, object], ...], severity: str = "note") -> Finding:
    return Finding(code, 0, 0, message, None, severity, settings)


def _sampling(subject: Text) -> Iterator[Finding]:
    around, family = subject.surroundings, subject.profile
    advised = family.sampling
    if around.sampler is not None and around.sampler != advised.sampler:
        template = "{family} was tried with the sampler {advised}, not {sampler}."
        message = say(template, family=family.name, advised=advised.sampler, sampler=around.sampler)
        yield _setting("sampler", message, (("sampler", advised.sampler),))
    low, high = advised.steps_range
    if around.steps is not None and not low <= around.steps <= high:
        message = say("{steps} steps are few or many; {low} to {high} are usual.", steps=around.steps, low=low, high=high)
        yield _setting("steps", message, (("steps", advised.steps),))
    cfg, limits = around.cfg_scale, advised.cfg_range
    if cfg is not None and limits is not None and not limits[0] <= cfg <= limits[1]:
        message = say(
            "CFG {cfg} is outside {family}'s {low} to {high}.",
            cfg=f"{cfg:g}",
            family=family.name,
            low=limits[0],
            high=limits[1],
        )
        yield _setting("cfg", message, (("cfg_scale", advised.cfg_scale),))
    if cfg is not None and cfg <= 1 and not subject.negative and around.other.strip():
        yield _setting("cfg_one", say("At CFG 1 the WebUI does not use the negative prompt at all."), (), "warning")


def _clip_and_refiner(subject: Text) -> Iterator[Finding]:
    around, family = subject.surroundings, subject.profile
    advised = family.sampling.clip_skip
    skip = around.clip_skip
    if skip is not None and skip > MOST_CLIP_SKIP:
        message = say("Clip skip {skip} leaves little of the text; {advised} is meant here.", skip=skip, advised=advised)
        yield _setting("clip_skip_high", message, (("clip_skip", advised),), "warning")
    elif skip is not None and skip != advised:
        message = say(
            "{family} was trained with clip skip {advised}, not {skip}.", family=family.name, advised=advised, skip=skip
        )
        yield _setting("clip_skip", message, (("clip_skip", advised),))
    if around.refiner:
        message = say("{family} wants no refiner; the refiner redraws what it does not know.", family=family.name)
        yield _setting("refiner", message, (("refiner", False),))


def _size(subject: Text) -> Iterator[Finding]:
    around, advised = subject.surroundings, subject.profile.sampling
    if not around.width or not around.height:
        return
    ratio = around.width / around.height
    width, height = min(advised.sizes, key=lambda size: abs(size[0] / size[1] - ratio))
    area = around.width * around.height / (width * height)
    even = around.width % advised.size_step == around.height % advised.size_step == 0
    if not 0.7 <= area <= 1.4 or not even:
        message = say(
            "{width}x{height} is off what {family} was trained on; {advised} is near.",
            width=around.width,
            height=around.height,
            family=subject.profile.name,
            advised=f"{width}x{height}",
        )
        yield _setting("size", message, (("width", width), ("height", height)))


def _networks(subject: Text) -> Iterator[Finding]:
    if subject.negative:
        return
    present = {canonical(tag) for item in subject.prompt.items for tag in tags_of(item.core)}
    for found in NETWORK.finditer(subject.text, 0, subject.text.rfind(">") + 1):
        name, _, rest = found.group(2).partition(":")
        facts = subject.surroundings.networks.get(name, Network())
        span = (found.start(), found.end())
        if found.group(1) == "lora":
            yield from _weight(name, rest, facts, span)
        missing = [word for word in facts.triggers if canonical(word) not in present]
        if missing:
            message = say(
                "'{name}' was trained with words that are not in the prompt: {words}.", name=name, words=", ".join(missing)
            )
            yield Finding("network_triggers", *span, message, ", ".join([found.group(), *missing]), "warning")
        if facts.base and facts.base != subject.profile.base:
            message = say("'{name}' was trained for {base} and does not fit {family}.", name=name, base=facts.base,
                          family=subject.profile.name)  # fmt: skip
            yield Finding("network_base", *span, message, "", "error")


def _weight(name: str, rest: str, facts: Network, span: tuple[int, int]) -> Iterator[Finding]:
    number, colon, more = rest.partition(":")
    try:
        weight = float(number or "1")
    except ValueError:
        return
    if not facts.character or weight <= (facts.weight or HEAVIEST_CHARACTER):
        return
    better = facts.weight or HEAVIEST_CHARACTER
    message = say(
        "At {weight} a character's LoRA brings its own style along; its author prefers {better}."
        if facts.weight
        else "At {weight} a character's LoRA brings its own style along; 0.5 to {better} keeps the features.",
        weight=f"{weight:g}",
        better=f"{better:g}",
    )
    yield Finding("network_weight", *span, message, f"<lora:{name}:{better:g}{colon}{more}>", "note")


def _against(subject: Text) -> Iterator[Finding]:
    """Tags of the positive prompt that the negative one takes away again; told of the positive one alone."""
    if subject.negative or not subject.surroundings.other.strip():
        return
    against = {_plain(tag) for item in parse(subject.surroundings.other, negative=True).items for tag in tags_of(item.core)}
    for item in subject.prompt.items:
        for tag in tags_of(item.core):
            if _plain(tag) in against:
                message = say("'{tag}' stands in the negative prompt too; the two work against each other.", tag=tag)
                yield Finding("against_negative", item.start, item.start + len(item.core), message, None, "warning")


def _plain(tag: str) -> str:
    name = canonical(tag)
    return _SAME.get(name, name)


SETTING_CHECKS: tuple[Callable[[Text], Iterator[Finding]], ...] = (
    _sampling,
    _clip_and_refiner,
    _size,
    _networks,
    _against,
)
