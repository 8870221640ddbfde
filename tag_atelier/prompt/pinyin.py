"""How Chinese names sound: syllables without tones, and their first letters. Called by ``search``.

Reads ``presets/pinyin.csv``: a syllable (ü as v) and the characters that are read so; a character may stand under two.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from itertools import islice, product

from tag_atelier.settings import PRESETS_FOLDER

_MOST_READINGS = 4


def spoken(name: str) -> tuple[str, ...]:
    """Everything that may be typed for ``name``: its syllables and its initials, of at most four readings.

    >>> spoken("微笑"), spoken("2B"), spoken("长发")
    (('weixiao', 'wx'), ('2b',), ('changfa', 'cf', 'zhangfa', 'zf'))
    """
    table = _table()
    parts = [table.get(sign, (sign,)) for sign in name.lower() if sign.isalnum()]
    sounds: list[str] = []
    for reading in islice(product(*parts), _MOST_READINGS):
        sounds += ["".join(reading), "".join(part[:1] for part in reading)]
    return tuple(dict.fromkeys(sound for sound in sounds if sound.isascii() and sound))


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    """Character → its syllables, the first in the file first."""
    table: dict[str, tuple[str, ...]] = {}
    with (PRESETS_FOLDER / "pinyin.csv").open(encoding="utf-8", newline="") as lines:
        for syllable, characters in islice(csv.reader(lines), 1, None):
            for character in characters:
                table[character] = (*table.get(character, ()), syllable)
    return table
