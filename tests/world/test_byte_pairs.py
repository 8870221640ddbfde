"""Byte pairs: few merges cut this world's words as the whole list does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import CheckpointError
from tag_atelier.world import byte_pairs
from tag_atelier.world.clip_vocabulary import grown_merges
from tag_atelier.world.miniature import BYTE_PAIRS

GROWN = {merge: place for place, merge in enumerate(grown_merges())}


def test_ids_are_the_real_ones() -> None:
    """Ids that openai/clip-vit-large-patch14's tokenizer gives."""
    ranks, ids = byte_pairs.read(BYTE_PAIRS), byte_pairs.byte_ids()
    assert byte_pairs.encode("1girl, solo", ranks, ids) == [272, 1611, 267, 5797]
    assert byte_pairs.encode("blonde hair", ranks, ids) == [10711, 2225]
    assert byte_pairs.encode("serafuku", ranks, ids) == [803, 64, 665, 4827]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["cat ears", "smile", "twintails", "holding sword", "1girl", "xyz"]), min_size=1, max_size=3))
def test_needed_merges_cut_their_words_as_all_do(texts: list[str]) -> None:
    few = byte_pairs.needed(texts, GROWN)
    for piece in (piece for text in texts for piece in byte_pairs.pieces(text)):
        assert byte_pairs.symbols(piece, few) == byte_pairs.symbols(piece, GROWN)


def test_a_file_of_merges_comes_back(tmp_path: Path) -> None:
    few = byte_pairs.needed(["twintails"], GROWN)
    byte_pairs.write(tmp_path / "x.txt", few)
    assert byte_pairs.read(tmp_path / "x.txt") == few != {}


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a b\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"'x\.txt' holds the line 'a b'; expected two symbols and a number"):
        byte_pairs.read(tmp_path / "x.txt")


def test_transformers_cuts_as_we_do(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from tag_atelier.world.clip_vocabulary import write_tokenizer

    ranks = byte_pairs.read(BYTE_PAIRS)
    folder = write_tokenizer(tmp_path, list(ranks), ids=byte_pairs.token_ids(ranks))
    tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder))
    text = "1girl, solo, holding umbrella, serafuku, night sky, masterpiece"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == byte_pairs.encode(text, ranks, byte_pairs.byte_ids())
