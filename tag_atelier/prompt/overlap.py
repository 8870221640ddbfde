"""Advises on tags that say the same twice: a narrow tag beside the broader one it implies. Never removes anything.

Pairs come from the catalogue's ``broader`` column and from one rule: more words before the same noun
("striped_dress" implies "dress"). Called by page, API and command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import parse
from tag_atelier.prompt.reading import tags_of
from tag_atelier.prompt.slots import canonical


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nouns for which a qualified form always shows the plain one, unless a word in front denies or moves it.
_NOUNS = _words(
    """
    dress skirt shirt hat jacket coat gloves boots shoes thighhighs pantyhose socks pants shorts bikini swimsuit leotard
    kimono necktie bowtie ribbon bow hair_ornament hairband earrings necklace bracelet choker scarf cape apron sweater hoodie
    vest belt footwear wings horns glasses sleeves panties bra uniform sword gun umbrella flower rose background
    """
)
_DENYING = _words(
    """
    no fake unworn holding adjusting removing removed torn missing covered lifting without invisible unfastened untied toy
    hair hat head neck
    """
)


@dataclass(frozen=True)
class Overlap:
    """``broad`` adds nothing beside ``narrow``."""

    narrow: str
    broad: str

    def as_dict(self) -> dict[str, str]:
        """``{"narrow", "broad"}``."""
        return {"narrow": self.narrow, "broad": self.broad}


def find_overlaps(text: str, catalogue: Catalogue, negative: bool = False) -> list[Overlap]:
    """Overlaps among the plain tags of ``text``, canonical names; a broad tag with a weight of its own is kept."""
    names = [canonical(item.core) for item in parse(text, negative).items if tags_of(item.core) == (item.core,)]
    return list(_overlaps(names, catalogue))


def _overlaps(names: Sequence[str], catalogue: Catalogue) -> Iterator[Overlap]:
    present = set(names)
    for narrow in dict.fromkeys(names):
        for broad in _broader(narrow, catalogue):
            if broad in present and broad != narrow:
                yield Overlap(narrow, broad)


def _broader(name: str, catalogue: Catalogue) -> Iterator[str]:
    """Every tag that ``name`` implies, nearest first."""
    entry = catalogue.get(name)
    seen = {name}
    while entry is not None and entry.slot != "character" and entry.broader and entry.broader not in seen:
        seen.add(entry.broader)
        yield entry.broader
        entry = catalogue.get(entry.broader)
    words = name.split("_")
    for length in (2, 1):
        noun = "_".join(words[-length:])
        if len(words) > length and noun in _NOUNS and noun not in seen and not _DENYING & set(words[:-length]):
            yield noun
