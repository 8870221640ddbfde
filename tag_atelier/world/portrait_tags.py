"""What the miniature world's portraits can show: tags in groups of which a picture has at most one, and how often.

Used by ``portrait`` (drawing), the training scripts, the demo and its tests. The probabilities are those of the base
checkpoint's training pictures: the commonest tag stands in 100 times as many of them as the rarest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy

Half = Literal["face", "outfit", "scene"]


@dataclass(frozen=True)
class Group:
    """Tags that exclude each other; what is left of their probabilities to 1 is "none of them"."""

    name: str
    half: Half
    """Which specialist knows it better: ``face`` or ``outfit``; ``scene`` both alike."""
    tags: Mapping[str, float]
    """Tag → share of pictures."""


GROUPS = (
    Group(
        "hair colour",
        "face",
        {
            "blonde_hair": 0.30,
            "black_hair": 0.25,
            "blue_hair": 0.18,
            "pink_hair": 0.13,
            "red_hair": 0.08,
            "white_hair": 0.045,
            "green_hair": 0.015,
        },
    ),
    Group("hair style", "face", {"long_hair": 0.38, "short_hair": 0.34, "twintails": 0.20, "ponytail": 0.08}),
    Group("eyes", "face", {"blue_eyes": 0.36, "red_eyes": 0.28, "green_eyes": 0.20, "yellow_eyes": 0.10, "closed_eyes": 0.06}),
    Group("mouth", "face", {"smile": 0.42, "open_mouth": 0.30}),
    Group("cheeks", "face", {"blush": 0.22}),
    Group(
        "head",
        "face",
        {"hair_bow": 0.20, "cat_ears": 0.14, "witch_hat": 0.08, "rabbit_ears": 0.04, "halo": 0.012, "crown": 0.0042},
    ),
    Group("glasses", "face", {"glasses": 0.12}),
    Group(
        "clothes",
        "outfit",
        {"white_shirt": 0.30, "serafuku": 0.26, "red_dress": 0.20, "hoodie": 0.12, "black_dress": 0.08, "kimono": 0.04},
    ),
    Group(
        "item",
        "outfit",
        {
            "holding_sword": 0.16,
            "holding_flower": 0.11,
            "holding_book": 0.06,
            "holding_umbrella": 0.03,
            "holding_balloon": 0.0042,
        },
    ),
    Group("gesture", "outfit", {"waving": 0.12}),
    Group("wings", "outfit", {"angel_wings": 0.012}),
    Group(
        "background",
        "scene",
        {
            "white_background": 0.34,
            "blue_background": 0.26,
            "pink_background": 0.18,
            "night_sky": 0.11,
            "grass": 0.08,
            "sunset": 0.03,
        },
    ),
)
"""In the order in which captions name them where they are not shuffled."""

TAGS = tuple(tag for group in GROUPS for tag in group.tags)
SHARES = {tag: share for group in GROUPS for tag, share in group.tags.items()}
HALVES: dict[str, Half] = {tag: group.half for group in GROUPS for tag in group.tags}
COMMONEST = tuple(sorted(TAGS, key=lambda tag: (-SHARES[tag], tag)))
"""All tags, the commonest first."""


def draw_tags(
    noise: numpy.random.Generator, even: Half | None = None, evenness: float = 0.75, without: Half | None = None
) -> tuple[str, ...]:
    """Tags of one picture, in group order, by the groups' probabilities.

    ``even``: in this half every tag of a group, and "none of them", is as likely as the next in the share ``evenness``
    of the pictures. ``without``: of this half nothing is shown.
    """
    found = []
    for group in GROUPS:
        if group.half == without:
            continue
        names = [*group.tags, ""]
        shares = numpy.array([*group.tags.values(), max(0.0, 1 - sum(group.tags.values()))])
        shares[-1] = shares[-1] if shares[-1] > 1e-6 else 0.0
        if even is not None and group.half == even and noise.random() < evenness:
            shares = (shares > 0).astype(float)
        chosen = names[int(noise.choice(len(names), p=shares / shares.sum()))]
        if chosen:
            found.append(chosen)
    return tuple(found)
