"""Element ids and infotext keys of the page; ``javascript/tag_atelier.js`` and ``style.css`` know the same names."""

from __future__ import annotations

PREFIX = "tag_atelier"


def element_id(*parts: str) -> str:
    """The id of one element of the page.

    >>> element_id("merge", "alpha")
    'tag_atelier_merge_alpha'
    """
    return "_".join((PREFIX, *parts))
