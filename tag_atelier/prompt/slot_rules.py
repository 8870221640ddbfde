"""Guesses the slot of a tag that the catalogue does not list, from how it is written; abstains where nothing tells.

The nouns are in ``slot_heads``, other closed lists in ``slot_words``; the order of the rules is the order of ``guess``.
Called by ``catalogue`` only. Confidences are calibrated on rows the rules had not seen (``benchmarks/slots.py``).
"""

from __future__ import annotations

import re

from tag_atelier.prompt.slot_heads import HEADS
from tag_atelier.prompt.slot_words import (
    ACTION_STARTS,
    COLOURS,
    HOVERING,
    JOINING,
    LIMBS,
    PATTERNED,
    QUALIFIERS,
    UNSURE,
    WHOLE,
    WORN,
)
from tag_atelier.prompt.slots import ABSTAIN, SlotGuess

_QUALIFIER = re.compile(r"^(?P<base>.+?)_?\((?P<qualifier>[^()]*)\)$")
_BEINGS = (
    "cat|dog|fox|wolf|rabbit|bunny|horse|cow|tiger|lion|dragon|demon|angel|monster|bird|sheep|goat|pig|mouse|bear|raccoon|snake|"
    "spider|slime|plant|bee|insect|fish|shark|squid|octopus|ghost|robot|devil|magical|deer|bat|lizard|elf|alien|moth|butterfly|"
    "scorpion|mushroom|zombie|skeleton|orc|oni|goblin|vampire|hyena|squirrel|otter|panda|owl|frog|crab|whale|dolphin|jellyfish|"
    "leopard|jaguar|cheetah|lynx|hamster|weasel|ferret|tanuki|red_panda|crocodile|turtle|bug|ant|mermaid|furry|kemono|penguin|eel|"
    "harpy|lamia|centaur|cyclops|mecha|doll|tree|flower|tentacle|werewolf|fairy|dinosaur|rhino|elephant|giraffe|reindeer|alpaca|"
    "koala|seal|hedgehog|skunk|monkey|crow|chicken|peacock|swan|duck|arthropod|reptile|avian|animal|beast|shadow|water|fire|ice"
)

# (pattern over the whole tag, slot, confidence), first match wins.
_PATTERNS: tuple[tuple[re.Pattern[str], str, float], ...] = tuple(
    (re.compile(pattern), slot, confidence)
    for pattern, slot, confidence in (
        (r"(?:art_)?by_.+|.+_\(artist\)|artist:.+", "trigger", 0.95),
        (r"\d+\+?(?:girl|boy|other)s?|(?:multiple|several)_(?:girls|boys|others)", "subject", 0.95),
        (r"score_\d(?:_up)?|(?:year_?)?(?:19|20)\d\d(?:s)?|(?:rating|source)[_:].+|.+_quality|.+_aesthetic", "quality", 0.95),
        (r"a_(?:girl|boy|woman|man|character)_named_.+", "character", 0.95),
        (r".+_background(?:s)?|.+_backdrop", "background", 0.95),
        (r"no_(?:humans|people)", "subject", 0.95),
        (r"no_(?:eyes|nose|ears|pupils|nipples|eyebrows|tail|horns|wings|halo|hair|arms|legs|head)", "body_char", 0.85),
        (r"no_(?:headwear|hat|eyewear|glasses|gloves|ribbon|bow|hairband|hair_ornament|necktie|scarf|mask)", "accessories",
         0.82),
        (r"no_(?:bra|panties|pants|shirt|shoes|socks|legwear|underwear|sleeves|jacket|skirt|pantyhose|thighhighs)", "clothing",
         0.85),
        (rf"(?:{_BEINGS})_(?:girl|boy|woman|man|humanoid)|.+_(?:creature|youkai|humanoid)|.+_personification", "race", 0.9),
        (r".+_(?:girl|boy|woman|man)s?", "race", 0.5),
        (r"(?:very_|absurdly_)?(?:long|short|medium)_hair|hair_(?:over|between|behind|up|down|intakes|slicked|pulled|spread|flaps|"
         r"rings|bun|wings|through|past|bunches|horns|ears|antennae|strand|horn).*", "body_char", 0.9),
        (r"hair_(?:ornament|ribbon|bow|flower|bobbles|bell|beads|tie|tubes|stick|scrunchie|cuffs).*|.+_hair_(?:ornament|ribbon|bow|"
         r"flower|flowers|bobbles|tie|ties|tubes|stick|scrunchie|accessory|accessories|clip|band|bell)", "accessories", 0.95),
        (r"(?:curly|wavy|straight|messy|spiked|spiky|big|wet|floating|braided|drill|tentacle|asymmetrical|slicked|flipped|"
         r"shiny|absurdly_long|tied|loose|fluffy|bouncy|tangled|permed|shaggy)_hair", "body_char", 0.9),
        (r".+_hair_with_.+", "body_char", 0.6),
        (r".+[-_](?:coloured|colored|tone|streaked|gradient)_hair|(?:streaked|gradient|split-color)_hair", "main_char", 0.95),
        (r"(?:open|closed|covered|wavy|triangle|chestnut|parted|square|sideways|rectangular|split|no)_mouth|.+_smile|spoken_.+",
         "expression", 0.85),
        (r"(?:blank|empty|hollow|wide|shut|swirly|spiral|rolling|crying|squinting|narrowed|crossed|closed|half-closed|dot|button|"
         r"crazed|dull|solid|shaded|teary|wavy|lazy|bored|angry|sad|happy|heart-shaped|dashed|confused|v-shaped|oval|uneven|"
         r"unusually_open|sleepy|slant|slanted|circle|bulging|vacant|sparkling)_eyes", "expression", 0.8),
        (r"from_(?:above|below|behind|side|outside|inside|afar|.+)|.+_(?:shot|view|focus|pov)|pov_.+|.+_out_of_frame|cropped_(?!j|s|h|t|v|c).+",
         "composition", 0.85),
        (r"(?:.+_)?(?:hands?|arms?|fingers?|legs?|foot|feet|head|face|chin|tail|elbows?|cheek|knees?)_(?:on|in|to|over|under|"
         r"around|against|behind|between|up|down|out|together|apart|raised|grab|rest|at|tucked)(?:_.+)?", "action", 0.88),
        (r"(?!scar|mark|tattoo|blood|bandaid|mole|writing|cum|logo|text).+_on_(?:own|another's|another)_.+", "action", 0.85),
        (r".+_(?:another|another's_.+|own_.+)|own_hands_.+|one_another.*|each_other.*", "action", 0.85),
        (r"looking_.+|holding_.+|adjusting_.+|grabbing_.+|carrying_.+|covering_.+|licking_.+|biting_.+|wiping_.+|brushing_.+|"
         r"pointing_.+|playing_.+|reaching_.+|lifting_.+", "action", 0.95),
        (r"(?:on|under|against|behind|between|over|atop)_(?!eye|knee).+|(?:sitting|standing|lying)(?:_.+)?", "action", 0.82),
        (r"(?:in|inside)_(?:box|container|tree|cup|bucket|bag|water|food|bowl|palm|basket|bottle|cage|mouth|bathtub|crate|locker|"
         r"barrel|pot|hand|pocket|teacup|tank|cell|orbit|heat|hammock|swim_ring)", "action", 0.82),
        (r".+_in_(?:own_)?(?:mouth|hand|hands|arms|pocket|pockets|teeth)", "action", 0.82),
        (r"[a-z]+_between_(?:legs|breasts|thighs|fingers|teeth|toes|cheeks|buttocks)", "action", 0.7),
        (r".+_(?:pull|lift|tug|grab|hold|press|hug|kiss|carry|throw|punch|kick|pose|toss|poke|pinch|stroke|rub|sit|squat)",
         "action", 0.85),
        (r".+_aside|.+_slip", "clothing", 0.55),
        (r"naked_.+|see-through_.+|.+_tucked_in", "clothing", 0.82),
        (r"(?!.*(?:paizuri|sex|spread|tentacles|vibrator|handjob|job_|erection|ejac)).+_under_(?:clothes|shirt|skirt|shorts|"
         r"pantyhose|jacket|swimsuit|dress|kimono)", "clothing", 0.82),
        (r".+_print|.+_cutout|.+_(?:hood|collar)", "clothing", 0.7),
        (r".+_trim", "accessories", 0.85),
        (r"fake_.+|bandaged_.+", "accessories", 0.8),
        (r"in_(?:the_)?style_of_.+|in_an?_.+_style", "style", 0.9),
        (r"(?:in|inside|at)_(?:the|an?)_.+|at_.+", "main_env", 0.7),
        (r"(?:(?:she|he|they)_)?(?:is|are)_(?:smil|cry|blush|frown|grinn|laugh)ing(?:_.+)?", "expression", 0.8),
        (r"(?:(?:she|he|they)_)?(?:is|are)_(?:wearing|dressed)_.+", "clothing", 0.75),
        (r"(?:(?:she|he|they)_)?(?:is|are)_[a-z]{2,}ing(?:_.+)?", "action", 0.75),
        (r"(?:(?:she|he|they)_)?(?:looks_at|looks_back|holds|sits|stands|lies|walks|runs|rides|leans)(?:_.+)?", "action", 0.8),
        (r"(?:is|are|looks|feels|feeling)_.+", "expression", 0.6),
        (r"(?:smiling|crying|blushing|frowning|grinning|tearing|teary)(?:_.+)?", "expression", 0.8),
        (r"(?:wearing|dressed_in)_.+", "clothing", 0.75),
        (r".+_(?:style|\(style\)|\(medium\)|parody|theme|censor|censoring|screenshot|screencap|artifacts)", "style", 0.88),
        (r"(?:year_of|day_of|happy_(?:new|birth|hallow|valen|anni|holi|mother|father))_?.+|.+_(?:day|festival|connection|holiday|"
         r"anniversary|celebration|switch|swap)", "theme", 0.82),
        (r"(?:artist|copyright|character|web|twitter|pixiv|patreon|group|song|brand|company|circle)_(?:name|username|logo|address|"
         r"notice|id)|signature|watermark|.+_text|.+_username|logo|.+_logo|.+_watermark", "style", 0.75),
        (r"(?:scar|mole|mark|tattoo|bruise|freckles|blood|cum|pubic|scars|moles|birthmark|writing)_(?:on|under|above|across|over|"
         r"near|around|in|from|through|behind)_.+", "body_char", 0.85),
        (r"(?:bandaids?|bandages?|gauze|goggles|mask|eyewear|headphones|hat|flower|ribbon|bow|belt|strap)_(?:on|around|over|in)_.+",
         "accessories", 0.8),
        (r"(?:jacket|coat|sweater|clothes|shirt|hoodie|cape|panties|towel|kimono)_(?:on|around|over)_.+", "clothing", 0.85),
        (r"single_.+|unworn_.+|.+_removed", "", 0.0),
    )
)  # fmt: skip

_CHARACTER = ("character", 0.6)
_HEAD_CONFIDENCE = {
    "clothing": 0.93,
    "accessories": 0.9,
    "items": 0.85,
    "body_char": 0.87,
    "main_env": 0.85,
    "secondary_env": 0.82,
    "background": 0.95,
    "main_char": 0.95,
    "style": 0.8,
    "theme": 0.75,
    "race": 0.8,
    "expression": 0.82,
    "composition": 0.82,
    "action": 0.85,
    "aesthetics": 0.75,
    "quality": 0.95,
}
_MOVABLE = frozenset(("items", "accessories", "clothing", "secondary_env", "main_env"))
_FACE = re.compile(r"[^a-z]*[a-z0-9]?[^a-z]*")
_CODE = re.compile(r"[a-z]?-?\d+[a-z]?-?\d*|[a-z]")
"""A number or the name of a machine, such as t-34; no face."""


def guess(name: str) -> SlotGuess:
    """Slot of the canonical tag ``name``, or an abstention.

    >>> guess("striped_dress").slot, guess("holding_lantern").slot, guess("zxqv")
    ('clothing', 'action', SlotGuess(slot='unknown', confidence=0.0))
    """
    whole = WHOLE.get(name)
    if whole is not None:
        return SlotGuess(whole, 0.95)
    for pattern, slot, confidence in _PATTERNS:
        if pattern.fullmatch(name):
            return SlotGuess(slot, confidence) if slot else _by_words(name.removesuffix("_removed").split("_"))
    if len(name) <= 6 and name.isascii() and _FACE.fullmatch(name) and not _CODE.fullmatch(name):
        return SlotGuess("expression", 0.6)
    qualified = _QUALIFIER.match(name)
    if qualified is not None:
        return _by_qualifier(qualified["base"], qualified["qualifier"])
    return _by_words(name.split("_"))


def _by_qualifier(base: str, qualifier: str) -> SlotGuess:
    """A kind in brackets tells by itself; a series tells a character, unless the name in front is a thing's."""
    known = QUALIFIERS.get(qualifier)
    if known is not None:
        return SlotGuess(*known)
    thing = _by_words(base.split("_"))
    return SlotGuess(thing.slot, min(thing.confidence, 0.75)) if thing.confidence else SlotGuess(*_CHARACTER)


def _by_words(words: list[str]) -> SlotGuess:
    if not 0 < len(words) <= 7:
        return ABSTAIN
    first = words[0]
    if len(words) > 1 and "_".join(words[-2:]) in HEADS:
        return _by_head(words, 0.0)
    if first in ("in", "inside") and len(words) > 1:
        return _inside(words[1:])
    if first in LIMBS:
        return _by_head(words, 0.05) if words[-1] in WORN else SlotGuess("action", 0.75)
    if first in HOVERING and len(words) > 1 and (moved := _by_head(words, 0.0)).slot in _MOVABLE:
        return SlotGuess(moved.slot, 0.75)
    if first in ACTION_STARTS:
        return SlotGuess("action", 0.82 if len(words) > 1 else 0.75)
    cut = next((index for index, word in enumerate(words) if index and word in JOINING), len(words))
    return _by_head(words[:cut], 0.25) if cut < len(words) - 1 else _by_head(words, 0.0)


def _inside(words: list[str]) -> SlotGuess:
    """In a place, or in a thing, which takes a pose."""
    holder = _by_head(words, 0.0).slot
    return SlotGuess("action", 0.7) if holder in ("items", "accessories", "clothing") else SlotGuess("main_env", 0.7)


def _by_head(words: list[str], doubt: float) -> SlotGuess:
    """By the last two words, then the last one; a lone colour in front makes the noun surer."""
    if words[-1] == "hair":
        return _hair(words)
    for head in ("_".join(words[-2:]), words[-1]):
        slot = _slot_of(head)
        if slot is None:
            continue
        sure = _HEAD_CONFIDENCE[slot]
        if words[-1] in UNSURE:
            sure = 0.75
        elif len(words) > 1 and words[0] in COLOURS:
            sure = min(0.97, sure + 0.06)
        return SlotGuess(slot, round(sure - doubt, 2))
    if words[0] in PATTERNED:
        return SlotGuess("clothing", 0.6)
    if words[-1].endswith("ing") and len(words) <= 2 and len(words[-1]) > 5:
        return SlotGuess("action", 0.55)
    return ABSTAIN


def _slot_of(noun: str) -> str | None:
    """Slot of a noun in the singular or the plural."""
    slot = HEADS.get(noun) or HEADS.get(noun.removesuffix("s")) or HEADS.get(noun.removesuffix("es"))
    if slot is None and noun.endswith("ies"):
        return HEADS.get(f"{noun[:-3]}y")
    return slot


def _hair(words: list[str]) -> SlotGuess:
    """Colours of hair are a slot of their own; everything else about it is not."""
    if any(word in COLOURS for word in words[:-1]) and "pubic" not in words:
        return SlotGuess("main_char", 0.95)
    return SlotGuess("body_char", 0.82)
