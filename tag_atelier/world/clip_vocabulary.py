"""A CLIP vocabulary for machines without a network: grown by code, or read from an installed copy of the real one.

Ours shares the real one's frame: 512 byte symbols first, ids below 49,408, the two marks at 49,406 and 49,407 (so the
end is the highest id of a sequence). In between stand a few hundred merges learned from ``words``: tags of this world
take one to three tokens, other text more; ids of merges are not the real ones.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from tag_atelier.errors import CheckpointError
from tag_atelier.world import words
from tag_atelier.world.files import write_text

START, END = "<|startoftext|>", "<|endoftext|>"
START_ID, END_ID = 49406, 49407
WORD_END = "</w>"

Merge = tuple[str, str]

_MERGES = 900
_PIECE = re.compile(r"[^\W\d_]+|\d|[^\s\w]+|_+")
_REAL_MERGES = 49152 - 256 - 2
_REAL_FILE = "bpe_simple_vocab_16e6.txt.gz"


def byte_symbols() -> list[str]:
    """The printable stand-ins of the 256 bytes in CLIP's order. Source: GPT-2's byte-level BPE.

    >>> byte_symbols()[:3], byte_symbols()[188] == chr(256)
    (['!', '"', '#'], True)
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(len(hidden))]


def _corpus() -> Counter[tuple[str, ...]]:
    texts = (*words.RARE, *words.COMMON, *words.CHARACTERS, *words.PROMPT_WORDS)
    pieces: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for piece in _PIECE.findall(text.replace("_", " ")):
            symbols = (*piece[:-1], piece[-1] + WORD_END)
            pieces[symbols] += 1
    return pieces


def _joined(piece: tuple[str, ...], pair: Merge) -> tuple[str, ...]:
    result: list[str] = []
    for symbol in piece:
        if result and result[-1] == pair[0] and symbol == pair[1]:
            result[-1] = pair[0] + pair[1]
        else:
            result.append(symbol)
    return tuple(result)


@lru_cache(maxsize=1)
def grown_merges() -> tuple[Merge, ...]:
    """Byte-pair merges learned from this world's words, most frequent first; ties in alphabetical order."""
    pieces = _corpus()
    merges: list[Merge] = []
    while len(merges) < _MERGES:
        pairs: Counter[Merge] = Counter()
        for piece, count in pieces.items():
            for pair in pairwise(piece):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined: Counter[tuple[str, ...]] = Counter()
        for piece, count in pieces.items():
            joined[_joined(piece, best)] += count
        pieces = joined
    return tuple(merges)


def read_merges(path: Path) -> tuple[Merge, ...]:
    """The real CLIP's 48,894 merges from OpenAI's gzipped list, as open_clip and clip install it.

    Raises:
        CheckpointError: the file is not such a list.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
        merges = tuple((first, second) for first, second in (line.split() for line in lines[1 : _REAL_MERGES + 1]))
    except (OSError, EOFError, ValueError) as error:
        raise CheckpointError(
            "'{name}' is not CLIP's list of byte-pair merges ({error}); expected {expected}.",
            name=path.name,
            error=str(error),
            expected=_REAL_FILE,
        ) from error
    if len(merges) != _REAL_MERGES:
        raise CheckpointError(
            "'{name}' holds {count} merges; CLIP's list has {expected}.",
            name=path.name,
            count=len(merges),
            expected=_REAL_MERGES,
        )
    return merges


def find_real_file() -> Path | None:
    """OpenAI's list of merges in an installed open_clip or clip package, or None."""
    for package in ("open_clip", "clip"):
        found = find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            path = Path(folder) / _REAL_FILE
            if path.is_file():
                return path
    return None


def vocabulary(merges: Sequence[Merge]) -> dict[str, int]:
    """Token → id: byte symbols, the same at a word's end, merges in order, and the two marks."""
    symbols = byte_symbols()
    tokens = symbols + [symbol + WORD_END for symbol in symbols] + [first + second for first, second in merges]
    return {**{token: number for number, token in enumerate(tokens)}, START: START_ID, END: END_ID}


def write_tokenizer(
    folder: Path, merges: Sequence[Merge] | None = None, pad: str = END, ids: Mapping[str, int] | None = None
) -> Path:
    """Write a folder that transformers' CLIPTokenizer loads, and return it. ``pad`` is "!" for SDXL's second encoder.

    ``ids``: token → id where ``merges`` are some of a longer list.
    """
    merges = grown_merges() if merges is None else merges
    marks = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": pad}
    settings = {
        **marks,
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "do_lower_case": True,
        "add_prefix_space": False,
    }
    files = {
        "vocab.json": json.dumps(vocabulary(merges) if ids is None else dict(ids), ensure_ascii=False),
        "merges.txt": "#version: 0.2\n" + "\n".join(f"{first} {second}" for first, second in merges) + "\n",
        "special_tokens_map.json": json.dumps(marks, indent=2),
        "tokenizer_config.json": json.dumps(settings, indent=2),
    }
    for name, text in files.items():
        write_text(folder / name, text)
    return folder
