"""Which tags share a prompt when several are drawn at once: nested sets without contradictions. Used by ``bench.plan``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from tag_atelier.bench.spec import SetRule
from tag_atelier.language import Said, say
from tag_atelier.prompt.slots import canonical

_ONE_OF_A_KIND = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:aqua|black|blonde|blue|brown|dark_blue|green|grey|light_brown|orange|pink|purple|red|silver|white|multicolored)_hair",
        r"(?:aqua|black|blue|brown|green|grey|orange|pink|purple|red|yellow|white)_eyes",
        r"(?:very_)?(?:short|long|medium)_hair|absurdly_long_hair|bald",
        r"(?:flat_chest|(?:small|medium|large|huge|gigantic)_breasts)",
        r"from_(?:above|below|behind|side)|straight-on|upside-down",
        r"close-up|portrait|upper_body|cowboy_shot|full_body|wide_shot|very_wide_shot|lower_body",
        r"(?:standing|sitting|kneeling|lying|on_back|on_stomach|on_side|squatting|all_fours|walking|running|jumping)",
        r"(?:open|closed)_mouth|no_mouth",
        r"(?:closed|one_eye_closed|no|half-closed)_eyes?|one_eye_closed",
        r"(?:day|night|sunset|sunrise|dusk|evening)",
        r"(?:indoors|outdoors)",
        r"(?:black|blue|brown|green|grey|orange|pink|purple|red|simple|transparent|white|yellow)_background",
        r"(?:smile|frown|crying|expressionless|angry|laughing|glaring|pout)",
    )
)
"""Of every line one prompt holds one tag: two of them cannot both be seen in a picture of one person."""


def nested_sets(
    names: Sequence[str], implies: Mapping[str, Sequence[str]], rule: SetRule
) -> tuple[list[tuple[str, ...]], list[Said]]:
    """Sets of tags to draw together, and notes on sizes that the tags do not suffice for.

    Args:
        names: canonical tags to choose from.
        implies: broader tags by tag; a tag never shares a prompt with one that it implies.

    Returns:
        For each of ``rule.count`` shuffled series its first 2, 4, … tags, so that a larger set holds the smaller one.
        The shuffle is by hash: the same tags give the same sets everywhere, and a tag more moves no other.
    """
    groups = [frozenset(map(canonical, group)) for group in rule.exclusive]
    series = [_series(names, implies, groups, number) for number in range(rule.count)]
    sets = {tuple(found[:size]): None for found in series for size in rule.sizes if size <= len(found)}
    notes = []
    for size in rule.sizes:
        short = sum(size > len(found) for found in series)
        if short:
            sentence = "{short} of {count} series have fewer than {size} tags that do not exclude each other."
            notes.append(say(sentence, short=short, count=rule.count, size=size))
    return sorted(sets, key=len), notes


def excludes(one: str, other: str) -> bool:
    """Whether two canonical tags cannot both be seen in a picture of one person.

    >>> excludes("open_mouth", "closed_mouth"), excludes("smile", "hat")
    (True, False)
    """
    return bool(set(_kinds(one, ())) & set(_kinds(other, ())))


def _series(
    names: Sequence[str], implies: Mapping[str, Sequence[str]], groups: Sequence[frozenset[str]], number: int
) -> list[str]:
    chosen: list[str] = []
    taken: set[object] = set()
    for name in sorted(names, key=lambda name: hashlib.sha256(f"{number}:{name}".encode()).digest()):
        kinds = set(_kinds(name, groups))
        related = any(name in implies.get(other, ()) or other in implies.get(name, ()) for other in chosen)
        if not related and not kinds & taken:
            chosen.append(name)
            taken |= kinds
    return chosen


def _kinds(name: str, groups: Sequence[frozenset[str]]) -> Iterator[object]:
    yield from (group for group in groups if name in group)
    yield from (pattern for pattern in _ONE_OF_A_KIND if pattern.fullmatch(name))
