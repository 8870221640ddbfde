"""CLIP's own way of cutting text into tokens, from the merge table that open_clip (or clip) brings; neither is imported.

Every WebUI's environment has that table. Where there is none, ``clip_words`` is None and ``tokens`` falls back to an
estimate. Called by ``tokens`` only.
"""

from __future__ import annotations

import gzip
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

TABLE = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""Merges that count; the table goes on behind them. Source: Radford et al. 2021, CLIP, simple_tokenizer.py."""

# Digits that Python's \d leaves to the letters: superscripts, fractions, circled and Roman ones.
_ODD_DIGITS = (
    "\u00b2\u00b3\u00b9\u00bc-\u00be\u2070\u2074-\u2079\u2080-\u2089\u2150-\u2189\u2460-\u249b\u24ea-\u24ff"
    "\u2776-\u2793\u3007\u3021-\u3029\u3038-\u303a\u3192-\u3195\u3220-\u3229\u3248-\u324f\u3251-\u325f\u3280-\u3289"
    "\u32b1-\u32bf"
)
_LETTER = rf"(?:(?![\d_{_ODD_DIGITS}])\w)"
_WORD = re.compile(rf"'s|'t|'re|'ve|'m|'ll|'d|{_LETTER}+|[\d{_ODD_DIGITS}]|(?:(?!\w)\S|_)+")
_LONGEST_WORD = 1000


class Token(NamedTuple):
    """A token and where the word it belongs to begins."""

    text: str
    start: int


class ClipWords:
    """The merge table, ready for use."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._bytes = _byte_signs()
        self._cache: dict[str, tuple[str, ...]] = {}
        self._ids: dict[str, int] = {}

    @classmethod
    def load(cls, table: Path) -> ClipWords:
        """The table in the gzip file ``table``; its first line is a heading."""
        lines = gzip.decompress(table.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
        return cls([(pair[0], pair[1]) for pair in (line.split() for line in lines) if len(pair) == 2])

    def tokens(self, text: str) -> list[Token]:
        """Tokens of ``text`` in order; ``start`` counts in ``text``, and is 0 where cleaning changed its length."""
        clean = _clean(text)
        aligned = len(clean) == len(text)
        return [
            Token(token, found.start() if aligned else 0)
            for found in _WORD.finditer(clean)
            for token in self._word(found.group())
        ]

    def ids(self, text: str) -> list[int]:
        """The numbers of ``tokens`` in CLIP's vocabulary: bytes, bytes that end a word, merges."""
        if not self._ids:
            signs = list(self._bytes.values())
            vocabulary = [*signs, *(f"{sign}</w>" for sign in signs), *("".join(pair) for pair in self._ranks)]
            self._ids = {token: number for number, token in enumerate(vocabulary)}
        return [self._ids[token.text] for token in self.tokens(text)]

    def _word(self, word: str) -> tuple[str, ...]:
        known = self._cache.get(word)
        if known is None:
            known = tuple(token for part in _pieces(word) for token in self._merge(part))
            if len(self._cache) > 20_000:
                self._cache.clear()
            self._cache[word] = known
        return known

    def _merge(self, word: str) -> list[str]:
        """The word's bytes, joined pair by pair in the order of the table."""
        signs = [self._bytes[byte] for byte in word.encode("utf-8", "replace")]
        signs[-1] += "</w>"
        while len(signs) > 1:
            pairs = pairwise(signs)
            best = min(pairs, key=lambda pair: self._ranks.get(pair, MERGES))
            if best not in self._ranks:
                break
            signs = _join(signs, best)
        return signs


@lru_cache(maxsize=1)
def clip_words() -> ClipWords | None:
    """The installed table, read once; None where neither open_clip nor clip is installed."""
    for package in ("open_clip", "clip"):
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            table = Path(folder) / TABLE
            if table.is_file():
                return ClipWords.load(table)
    return None


def _join(signs: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(signs):
        if at + 1 < len(signs) and (signs[at], signs[at + 1]) == pair:
            joined.append(pair[0] + pair[1])
            at += 2
        else:
            joined.append(signs[at])
            at += 1
    return joined


def _pieces(word: str) -> Iterator[str]:
    """A word of thousands of letters is cut, since merging it whole takes the square of its length."""
    return (word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))


def _clean(text: str) -> str:
    """Lower case, with entities and odd signs mended as CLIP's tokenizer mends them (it uses ftfy)."""
    if not text.isascii():
        try:
            import ftfy
        except ImportError:
            text = unicodedata.normalize("NFC", text.translate(_PLAIN))
        else:
            return str(ftfy.fix_text(text)).lower()
    return (html.unescape(text) if "&" in text and "<" not in text else text).lower()


_PLAIN: dict[int, str | int] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "\u017ft", "st"), strict=True)),
    **dict.fromkeys((0x2018, 0x2019), "'"),
    **dict.fromkeys((0x201C, 0x201D), '"'),
    0x3000: " ",
}


def _byte_signs() -> dict[int, str]:
    """A printable sign for every byte: itself where it is one, else the next free sign above 255."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    signs = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(256) if byte not in signs]
    return signs | {byte: chr(256 + index) for index, byte in enumerate(others)}
