"""Guesses the slot of a tag that the catalogue does not list, from how it is written; abstains where nothing tells.

The lists are in ``slot_words``; the order of the rules is the order of ``guess``. Called by ``catalogue`` only.
Confidences are this module's own calibration on the catalogue's rows (``tests/prompt/test_slot_rules.py`` holds them to it).
"""

from __future__ import annotations

import re

from tag_atelier.prompt.slot_words import (
    ACTION_STARTS,
    COLOURS,
    EXPRESSION_STARTS,
    HEADS,
    LIMBS,
    PATTERNED,
    WHOLE,
    WORN,
)
from tag_atelier.prompt.slots import ABSTAIN, SlotGuess

_QUALIFIER = re.compile(r"^(?P<base>.+?)_?\((?P<qualifier>[^()]*)\)$")

# (pattern over the whole tag, slot, confidence), first match wins.
_PATTERNS: tuple[tuple[re.Pattern[str], str, float], ...] = tuple(
    (re.compile(pattern), slot, confidence)
    for pattern, slot, confidence in (
        (r"(?:art_)?by_.+|.+_\(artist\)|artist:.+", "trigger", 0.95),
        (r"\d+\+?(?:girl|boy|other)s?|[a-z]+_(?:girls|boys|others)", "subject", 0.95),
        (r"score_\d(?:_up)?|(?:year_?)?(?:19|20)\d\d(?:s)?|(?:rating|source)[_:].+|.+_quality|.+_aesthetic", "quality", 0.95),
        (r"a_(?:girl|boy|woman|man|character)_named_.+", "character", 0.95),
        (r".+_background|.+_wallpaper", "background", 0.93),
        (r"no_(?:humans|people)", "subject", 0.95),
        (r"no_(?:bra|panties|pants|shirt|shoes|socks|legwear|underwear|gloves|sleeves)", "clothing", 0.85),
        (r"no_(?:eyes|nose|ears|pupils|nipples|eyebrows)", "body_char", 0.85),
        (r"no_(?:headwear|hat|eyewear|glasses)", "accessories", 0.85),
        (r"fake_.+|unworn_.+|.+_removed", "accessories", 0.7),
        (r"(?:cat|dog|fox|wolf|rabbit|bunny|horse|cow|tiger|lion|dragon|demon|angel|monster|bird|sheep|goat|pig|mouse|bear|"
         r"raccoon|snake|spider|slime|plant|bee|insect|fish|shark|squid|octopus|ghost|robot|devil|magical|deer|bat|lizard|elf)"
         r"_(?:girl|boy|woman|man)", "race", 0.93),
        (r".+_(?:girl|boy|woman|man)s?", "race", 0.5),
        (r"(?:very_|absurdly_)?(?:long|short|medium)_hair|hair_(?:over|between|behind|up|down|intakes|slicked|pulled|spread|flaps|"
         r"rings|bun|wings|tubes_hair|through).*", "body_char", 0.92),
        (r"hair_(?:ornament|ribbon|bow|flower|bobbles|bell|beads|tie|tubes|stick|scrunchie|cuffs).*", "accessories", 0.95),
        (r"(?:curly|wavy|straight|messy|spiked|spiky|big|wet|floating|braided|drill|tentacle|asymmetrical|slicked|flipped|"
         r"shiny|absurdly_long)_hair", "body_char", 0.9),
        (r".+_hair_with_.+", "body_char", 0.7),
        (r".+[-_](?:coloured|colored|tone|streaked|gradient)_hair|(?:streaked|gradient|split-color)_hair", "main_char", 0.95),
        (r"(?:open|closed|covered|covering|wavy|triangle|chestnut|parted)_mouth|.+_smile", "expression", 0.9),
        (r"from_(?:above|below|behind|side|outside|inside|afar|.+)|.+_(?:shot|view|focus)|.+_out_of_frame", "composition", 0.9),
        (r".+_on_(?:own|another's|another)_.+|.+_(?:another|another's_.+)|own_hands_.+", "action", 0.9),
        (r"looking_.+|holding_.+|hand_(?:in|on|to|over|under)_.+|hands_(?:in|on|to|over|under)_.+", "action", 0.96),
        (r"on_(?:back|stomach|side|bed|floor|ground|chair|couch|one_knee|head|lap|desk|table|grass)", "action", 0.9),
        (r"[a-z_]+_in_(?:own_)?(?:mouth|hand|hands)", "action", 0.85),
        (r"[a-z]+_between_(?:legs|breasts|thighs|fingers|teeth)", "action", 0.75),
        (r".+_(?:pull|lift|tug|grab|hold|aside|press|slip)", "action", 0.8),
        (r".+_print|.+_trim|.+-trimmed_.+_trim", "accessories", 0.8),
        (r"(?:in|inside|at)_(?:the_|a_|an_)?.+", "main_env", 0.7),
        (r"(?:is|are|looks|feels|feeling)_.+", "expression", 0.6),
        (r"(?:wearing|dressed_in)_.+", "clothing", 0.75),
        (r".+_(?:style|\(style\)|\(medium\)|parody)", "style", 0.9),
        (r".+_theme", "style", 0.8),
        (r"(?:artist|copyright|character|web|twitter|pixiv|patreon|group|song)_(?:name|username|logo|address|notice)|signature|"
         r"watermark|.+_text|.+_username|logo", "style", 0.8),
    )
)  # fmt: skip

_QUALIFIERS = {
    "medium": ("style", 0.95),
    "style": ("style", 0.95),
    "artist": ("trigger", 0.95),
    "cosplay": ("clothing", 0.6),
    "object": ("items", 0.9),
    "weapon": ("items", 0.95),
    "animal": ("items", 0.9),
    "food": ("items", 0.95),
    "fruit": ("items", 0.95),
    "vehicle": ("items", 0.9),
    "instrument": ("items", 0.9),
    "flower": ("secondary_env", 0.9),
    "plant": ("secondary_env", 0.9),
    "tree": ("secondary_env", 0.9),
    "symbol": ("accessories", 0.6),
    "sky": ("secondary_env", 0.9),
    "place": ("main_env", 0.9),
    "clothes": ("clothing", 0.9),
    "clothing": ("clothing", 0.9),
    "season": ("main_env", 0.85),
    "creature": ("items", 0.7),
    "emblem": ("accessories", 0.6),
}
_CHARACTER = ("character", 0.7)
_HEAD_CONFIDENCE = {
    "clothing": 0.93,
    "accessories": 0.9,
    "items": 0.85,
    "body_char": 0.9,
    "main_env": 0.85,
    "secondary_env": 0.82,
    "background": 0.95,
    "main_char": 0.95,
    "style": 0.85,
    "theme": 0.8,
    "race": 0.8,
    "expression": 0.85,
    "composition": 0.85,
    "action": 0.85,
    "aesthetics": 0.82,
    "quality": 0.95,
}
_JOINING = frozenset({"on", "with", "around", "over", "under"})
_FACE = re.compile(r"[^a-z]*[a-z0-9]?[^a-z]*")


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
            return SlotGuess(slot, confidence)
    if len(name) <= 6 and _FACE.fullmatch(name) and not name.isdigit():
        return SlotGuess("expression", 0.6)
    qualified = _QUALIFIER.match(name)
    if qualified is not None:
        return SlotGuess(*_QUALIFIERS.get(qualified["qualifier"], _CHARACTER))
    return _by_words(name)


def _by_words(name: str) -> SlotGuess:
    words = name.split("_")
    if len(words) > 6:
        return ABSTAIN
    if words[0] in LIMBS:
        worn = _by_head(words, 0.05)
        return worn if len(words) > 1 and words[-1] in WORN else SlotGuess("action", 0.8)
    if words[0] in ACTION_STARTS:
        return SlotGuess("action", 0.82 if len(words) > 1 else 0.75)
    if words[0] in EXPRESSION_STARTS or "_".join(words[:2]) in EXPRESSION_STARTS:
        return SlotGuess("expression", 0.8)
    cut = next((index for index, word in enumerate(words) if index and word in _JOINING), len(words))
    if cut < len(words) - 1:
        return _by_head(words[:cut], 0.25)
    return _by_head(words, 0.0)


def _by_head(words: list[str], doubt: float) -> SlotGuess:
    """By the last two words, then the last one; a lone colour in front makes the noun surer."""
    for head in ("_".join(words[-2:]), words[-1]):
        slot = HEADS.get(head) or HEADS.get(head.removesuffix("s"))
        if head == "hair":
            return _hair(words)
        if slot is not None:
            sure = _HEAD_CONFIDENCE[slot]
            if len(words) > 1 and words[0] in COLOURS:
                sure = min(0.97, sure + 0.04)
            return SlotGuess(slot, round(sure - doubt, 2))
    if words[0] in PATTERNED:
        return SlotGuess("clothing", 0.7)
    if words[-1].endswith("ing") and len(words) <= 2 and len(words[-1]) > 5:
        return SlotGuess("action", 0.5)
    return ABSTAIN


def _hair(words: list[str]) -> SlotGuess:
    """Colours of hair are a slot of their own; everything else about it is not."""
    if any(word in COLOURS for word in words[:-1]):
        return SlotGuess("main_char", 0.95)
    return SlotGuess("body_char", 0.75)
