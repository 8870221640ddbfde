"""CLIP's byte-pair tokens of plain words: the ids of the real vocabulary from the few merges that those words need.

Used by ``portrait_world`` and the training scripts. A host's own tokenizer, given ``ids`` of all merges, cuts these words
the same way; other words fall into more pieces, which the miniature world has no rows for anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from tag_atelier.errors import CheckpointError
from tag_atelier.world.clip_vocabulary import WORD_END, Merge, vocabulary
from tag_atelier.world.files import write_text

FIRST_MERGE = 512
"""Id of the first merge, behind 256 byte symbols and the same at a word's end."""
_PIECE = re.compile(r"[^\W\d_]+|\d|[^\s\w]+|_+")

Ranks = Mapping[Merge, int]
"""Merge → its place in the real list; its token's id is this + ``FIRST_MERGE``."""


def pieces(text: str) -> list[str]:
    """Words, digits and runs of marks, in small letters, as CLIP cuts a text before it looks for byte pairs.

    >>> pieces("1girl, Blue_eyes")
    ['1', 'girl', ',', 'blue', '_', 'eyes']
    """
    return _PIECE.findall(text.lower())


def symbols(piece: str, ranks: Ranks, used: set[Merge] | None = None) -> tuple[str, ...]:
    """The byte-pair symbols of one ASCII piece; merges that were applied are added to ``used``.

    >>> symbols("girl", {("i", "r"): 0, ("g", "ir"): 1, ("gir", "l</w>"): 2})
    ('girl</w>',)
    """
    found = (*piece[:-1], piece[-1] + WORD_END)
    while len(found) > 1:
        best = min(pairwise(found), key=lambda pair: ranks.get(pair, len(ranks) + FIRST_MERGE * 100_000))
        if best not in ranks:
            break
        if used is not None:
            used.add(best)
        found = _joined(found, best)
    return found


def _joined(found: Sequence[str], pair: Merge) -> tuple[str, ...]:
    result: list[str] = []
    number = 0
    while number < len(found):
        if tuple(found[number : number + 2]) == pair:
            result.append(pair[0] + pair[1])
            number += 2
        else:
            result.append(found[number])
            number += 1
    return tuple(result)


def needed(texts: Iterable[str], ranks: Ranks) -> dict[Merge, int]:
    """The merges, with their places in the real list, that the words of ``texts`` need; in the list's order."""
    used: set[Merge] = set()
    for piece in dict.fromkeys(piece for text in texts for piece in pieces(text)):
        symbols(piece, ranks, used)
    return {merge: ranks[merge] for merge in sorted(used, key=ranks.__getitem__)}


def encode(text: str, ranks: Ranks, byte_ids: Mapping[str, int]) -> list[int]:
    """Ids of the tokens of ``text``; ``byte_ids``: symbol → id of the byte symbols, also at a word's end."""
    ids = []
    for piece in pieces(text):
        ids += [_id(symbol, ranks, byte_ids) for symbol in symbols(piece, ranks)]
    return ids


def _id(symbol: str, ranks: Ranks, byte_ids: Mapping[str, int]) -> int:
    if symbol in byte_ids:
        return byte_ids[symbol]
    parts = next(merge for merge in ranks if merge[0] + merge[1] == symbol)
    return ranks[parts] + FIRST_MERGE


def read(path: Path) -> dict[Merge, int]:
    """Merges and their places from a file that ``write`` wrote.

    Raises:
        CheckpointError: a line is not two symbols and a number.
    """
    found: dict[Merge, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            first, second, place = line.split(" ")
            found[first, second] = int(place)
        except ValueError as error:
            raise CheckpointError(
                "'{name}' holds the line '{line}'; expected two symbols and a number.", name=path.name, line=line
            ) from error
    return found


def write(path: Path, ranks: Ranks) -> None:
    """One merge a line: both symbols and the place in the real list."""
    write_text(path, "".join(f"{first} {second} {place}\n" for (first, second), place in ranks.items()))


def byte_ids() -> dict[str, int]:
    """Ids of the byte symbols, alone and at a word's end."""
    return {symbol: number for symbol, number in vocabulary(()).items() if number < FIRST_MERGE}


def token_ids(ranks: Ranks) -> dict[str, int]:
    """Token → id of a vocabulary that has these merges only, under the real list's ids."""
    merged = {first + second: place + FIRST_MERGE for (first, second), place in ranks.items()}
    return {**vocabulary(()), **merged}
