"""Collects from CLIP's own list the byte pairs this world's words need: ``… FILE`` (bpe_simple_vocab_16e6.txt.gz)."""

from __future__ import annotations

import sys
from pathlib import Path

from tag_atelier.world import byte_pairs, words
from tag_atelier.world.clip_vocabulary import read_merges
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.portrait_tags import TAGS


def world_texts() -> list[str]:
    """Everything that is cut as the real CLIP cuts it."""
    labels = (*words.RARE, *words.COMMON, *words.CHARACTERS, *words.PROMPT_WORDS, *TAGS)
    return [label.replace("_", " ") for label in labels] + [","]


def main() -> None:
    """Write them beside the weights."""
    ranks = {merge: place for place, merge in enumerate(read_merges(Path(sys.argv[1])))}
    byte_pairs.write(BYTE_PAIRS, byte_pairs.needed(world_texts(), ranks))


if __name__ == "__main__":
    main()
