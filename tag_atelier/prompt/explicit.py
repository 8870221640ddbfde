"""Which of the catalogue's sensitive tags are explicit, and so shown only to who asks for them. Used by search and pictures."""

from __future__ import annotations

import re

_STEMS = (
    "ahegao", "anal", "anilingus", "anus", "areola", "ass_focus", "ball_gag", "bdsm", "bestiality", "bondage",
    "breast_sucking", "bukkake", "butt_plug", "buttjob", "censor", "cleft_of_venus", "clitor", "cock", "condom",
    "cowgirl_position", "creampie", "crotchless", "cum", "cunnilingus", "deepthroat", "defloration", "dildo", "doggystyle",
    "ejaculat", "erection", "exhibitionism", "fellatio", "femdom", "fingering", "footjob", "foreskin", "fucked", "futa_",
    "futanari", "gangbang", "gaping", "genital", "groping", "group_sex", "guro", "handjob", "hetero", "incest", "irrumatio",
    "lactation", "masturbat", "missionary", "molest", "naked", "netorare", "nipple", "no_panties", "nude",
    "object_insertion", "oral", "orgasm", "orgy", "paizuri", "pee", "pegging", "penetrat", "penis", "precum", "presenting",
    "prone_bone", "pubic", "public_nudity", "pussy", "rape", "reverse_suspended", "scat", "sex", "spitroast", "spread_ass",
    "tentacle_sex", "testicl", "threesome", "topless", "torogao", "tribadism", "uncensored", "urethra", "vagina",
    "vibrator", "vore", "vulva", "x-ray", "yaoi", "yuri_sex",
)  # fmt: skip
_EXPLICIT = re.compile(rf"(?:^|[_(])(?:{'|'.join(map(re.escape, _STEMS))})")


def is_explicit(name: str, safe: bool) -> bool:
    """Whether a canonical tag is explicit; never where the catalogue calls it safe.

    >>> [is_explicit(*tag) for tag in (("nude", False), ("large_breasts", False), ("cumulonimbus_cloud", True))]
    [True, False, False]
    """
    return not safe and _EXPLICIT.search(name) is not None
