"""The grown vocabulary, and reading the real one's list of merges."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tag_atelier.errors import CheckpointError
from tag_atelier.world import words
from tag_atelier.world.clip_vocabulary import (
    END_ID,
    START_ID,
    byte_symbols,
    grown_merges,
    read_merges,
    vocabulary,
    write_tokenizer,
)

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = write_tokenizer(tmp_path_factory.mktemp("clip"))
    return transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def test_the_frame_is_clips_own() -> None:
    tokens = vocabulary(grown_merges())
    assert [tokens[token] for token in ("!", "a", ",</w>", "!</w>")] == [0, 64, 267, 256]
    assert (tokens["<|startoftext|>"], tokens["<|endoftext|>"]) == (START_ID, END_ID) == (49406, 49407)
    assert max(tokens.values()) == END_ID
    assert len(set(tokens.values())) == len(tokens)


def test_every_byte_has_its_own_symbol() -> None:
    assert len(set(byte_symbols())) == 256


def test_every_merge_joins_tokens_that_exist_before_it() -> None:
    known = {*byte_symbols(), *(symbol + "</w>" for symbol in byte_symbols())}
    for first, second in grown_merges():
        assert first in known and second in known
        known.add(first + second)


def test_tags_of_this_world_are_short(tokenizer: object) -> None:
    lengths = [len(tokenizer.tokenize(tag.replace("_", " "))) for tag in words.COMMON]  # type: ignore[attr-defined]
    assert sum(lengths) / len(lengths) < 3
    assert tokenizer.tokenize("1girl, solo") == ["1</w>", "girl</w>", ",</w>", "so", "lo</w>"]  # type: ignore[attr-defined]


@given(st.text(max_size=40))
def test_any_text_has_tokens_and_none_is_the_end(tokenizer: object, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
    assert all(0 <= number < START_ID for number in ids)


def test_real_merges_are_read(tmp_path: Path) -> None:
    lines = ["#version", *(f"a{number} b{number}</w>" for number in range(48_894)), "left over"]
    path = tmp_path / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    merges = read_merges(path)
    assert (len(merges), merges[0], merges[-1]) == (48_894, ("a0", "b0</w>"), ("a48893", "b48893</w>"))
    tokens = vocabulary(merges)
    assert sorted(tokens.values()) == list(range(49408))


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"#version\na b\n"), gzip.compress(b"#version\nonly-one\n")])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.gz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"'list\.gz'"):
        read_merges(path)
