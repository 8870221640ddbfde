"""The seven directions in which ConfusionXL's page reports accuracy, and which tags belong to each. Loads without numpy."""

from __future__ import annotations

import re
from typing import Literal, get_args

Direction = Literal["art", "people", "manmade", "composition", "objects", "nature", "restricted"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
TITLES: dict[Direction, str] = {
    "art": "Artistic licence",
    "people": "People",
    "manmade": "Man-made scenery",
    "composition": "Composition",
    "objects": "Objects",
    "nature": "Natural scenery",
    "restricted": "Restricted",
}
"""In the page's order and, in Chinese, in its words."""

_BY_SLOT: dict[str, Direction] = {
    "style": "art",
    "theme": "art",
    "aesthetics": "art",
    "quality": "art",
    "composition": "composition",
    "items": "objects",
}
_SCENERY = ("main_env", "secondary_env", "background")
_NATURE = re.compile(
    r"(?:^|_)(?:beach|blossoms?|branch|bush|cave|cliff|clouds?|cloudy|coral|crystal|desert|field|fire|flowers?|fog|forest|grass|"
    r"hill|horizon|ice|island|jungle|lake|leaf|leaves|lightning|lily_pad|milky_way|mist|moon|moonlight|mountains?|"
    r"mountainous|mushroom|nature|night_sky|ocean|petals?|plants?|pond|rain|rainbow|river|rocks?|rose|sand|sea|shore|sky|snow|"
    r"snowflakes?|snowing|stars?|starry|storm|stream|sun|sunbeam|sunlight|sunrise|sunset|trees?|underwater|vines|water|"
    r"waterfall|waves?|wilderness|wind)(?:_\(\w+\))?(?:$|_)"
)


def direction_of(name: str, slot: str, safe: bool = True) -> Direction:
    """The direction of a canonical tag of ``slot``; what is no scenery, thing, style or view belongs to people."""
    if not safe:
        return "restricted"
    if slot in _SCENERY:
        return "nature" if _NATURE.search(name) else "manmade"
    return _BY_SLOT.get(slot, "people")
