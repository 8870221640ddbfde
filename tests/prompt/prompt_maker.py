"""Makes prompts that are easy to read wrongly: the same number gives the same prompt on every machine.

Used by the tests of meaning here and in tests/webui, and when readings of the WebUI are recorded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

PLAIN = (
    *(
        "1girl",
        "2girls",
        "1boy",
        "solo",
        "smile",
        "white hair",
        "blue eyes",
        "white dress",
        "hat",
        "forest",
        "night",
        "sitting",
    ),
    *("from above", "cowboy shot", "sketch", "fantasy", "elf", "cat", "sword", "cloud", "snow", "lens flare", "best quality"),
    *("amazing quality", "masterpiece", "long hair", "ribbon", "gloves", "open mouth", "holding umbrella", "white background"),
    *("looking at viewer", "twintails", "school uniform", "thighhighs", "beach", "indoors", "flower", "absurdres", "by xxx"),
)
"""Tags that mean nothing special."""

NAMES = (
    *(r"rem \(re:zero\)", r"lucy \(cyberpunk\)", r"artoria pendragon \(lancer\) \(fate\)", "frieren", "score_9", "score_8_up"),
    *(r">:\(", ":d", ":3", ":)", "|_|", "=_=", "^_^", "<o>_<o>", "@_@", r"\m/", r"\||/", "+_+", "xyzzy quux", "a:2", "re:zero"),
    *(
        "__color__",
        "{red|blue} hair",
        "{2$$a|b|c}",
        "{{best quality}}",
        "1.2::hat::",
        "BREAKDANCE",
        "ANDROID",
        "panty and stocking",
    ),
    *(
        "a (very tall:1.2) tower in the mist",
        "in the forest, at day",
        "（hat：1.2）",
        "1girl， smile",
        "绫波丽",
        "d'arc",
        "o/",
        "50%",
    ),
    *("$var", "~", "x --ar 16:9", "ng_deepnegative_v1_75t", "AND_PERP x", "<3", ">_<", "a\\", "rem (re:zero)", "..."),
)
"""Tags that hold signs."""

BROKEN = (
    *(">:(", ":(", "(smile, hat", "hat)", "[", "]", "smile:1.2", "score:9", ":0", "[re:zero:b:0.5]", "[smile:0.8]:1.2"),
    *("(forest BREAK hat:1.2)", "[a BREAK b:c:3]", "(a:1.2.1)", "(a:1.2", "{prompt}", "{", "}", "(a]", "[a:b]", "[a:b:c:d]"),
    *("# old: forest, hat\n", "(a|b)", "[a|b", "a|b", "[a:b:0.5|c]", "(:1.2)", "()", "[]", "[:]", "[|]", "[::]", "\\", "\\\n"),
)
"""Pieces at which careless readers break."""

NETWORKS = (
    *("<lora:x:1>", "<lora:x:1:1:lbw=1,0,0,0,1>", "<hypernet:anime_h:0.5>", "<lyco:x:0.7>", "smile <lora:y:0.5>", "<lora:z>"),
    *("<lora:a(b):1>", "<lora:x:1", "<a:b#c>", "<lora:q:[0.5]>"),
)
NUMBERS = ("0.5", "1.2", ".8", "1", "4", "12", "-0.5", "+1.2", " 1.1 ", "1.", "2.0", "0.25", "1e1", "25")
GAPS = (*([", "] * 14), ",", " , ", ", , ", ",\n", "\n", "\r\n", " ", "\t, ", "  ", ",\n\n")
BORDERS = (" BREAK ", " AND ", " AND ", " ADDCOL ", " ADDBASE ", "\n", "BREAK", ", BREAK, ", " # note, x\n", " :0.6 AND ")
SIGNS = "()[]{}<>:|\\,#\n 1.AB"


def make(number: int) -> tuple[str, bool]:
    """Prompt of this number and whether it is a negative one."""
    chance = random.Random(number)
    kind = chance.random()
    if kind < 0.03:
        text = "".join(chance.choice(SIGNS) for _ in range(chance.randint(1, 30)))
    else:
        text = _row(chance, oddness=chance.choice((0.1, 0.2, 0.35)), depth=0)
    if kind > 0.95:
        text = _with_slip(chance, text)
    return text, chance.random() < 0.12


def plain(number: int) -> str:
    """Plain tags only, in any order."""
    chance = random.Random(number)
    return ", ".join(chance.sample(PLAIN, chance.randint(3, 25)))


def prompts(first: int, count: int) -> Iterator[tuple[str, bool]]:
    """``count`` prompts from number ``first`` on."""
    return (make(number) for number in range(first, first + count))


def _row(chance: random.Random, oddness: float, depth: int) -> str:
    words: list[str] = []
    for _ in range(chance.randint(1, 3) if depth else chance.randint(2, 12)):
        words.append(_item(chance, oddness, depth))
        words.append(chance.choice(BORDERS) if not depth and chance.random() < 0.06 else chance.choice(GAPS))
    if chance.random() < 0.85:
        words.pop()
    return "".join(words)


def _item(chance: random.Random, oddness: float, depth: int) -> str:
    if chance.random() >= oddness:
        return chance.choice(PLAIN)
    kind = chance.random()
    if kind < 0.30:
        return chance.choice(NAMES)
    if kind < 0.40:
        return chance.choice(BROKEN)
    if kind < 0.52:
        return chance.choice(NETWORKS)
    return chance.choice(PLAIN) if depth > 2 else _bracket(chance, oddness, depth + 1)


def _bracket(chance: random.Random, oddness: float, depth: int) -> str:
    def inner() -> str:
        return _row(chance, oddness / 2, depth)

    number = chance.choice(NUMBERS)
    shapes = (
        f"({inner()})",
        f"(({inner()}))",
        f"({inner()}:{number})",
        f"({inner()}:{number})",
        f"[{inner()}]",
        f"[{inner()}:{inner()}:{number}]",
        f"[{inner()}:{number}]",
        f"[{inner()}::{number}]",
        f"[{inner()}|{inner()}]",
        f"[{inner()}|{inner()}|]",
        f"{{{inner()}|{inner()}}}",
    )
    return chance.choice(shapes) + chance.choice(("", "", "", " hat", "dress", ":1.2"))


def _with_slip(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice((*SIGNS, "")) + text[at + chance.randint(0, 1) :]
