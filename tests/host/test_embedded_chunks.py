"""Cutting prompts into chunks of 75 tokens."""

from __future__ import annotations

import pytest
import transformers

from tag_atelier.host.embedded.chunks import Chunk, split
from tag_atelier.world.clip_vocabulary import END_ID, START_ID, write_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> object:
    return transformers.CLIPTokenizer.from_pretrained(write_tokenizer(tmp_path_factory.mktemp("clip")), local_files_only=True)


def words(chunk: Chunk, tokenizer: object) -> list[str]:
    """The chunk's own words, marks left out."""
    tokens = tokenizer.convert_ids_to_tokens([number for number in chunk.ids if number < START_ID])  # type: ignore[attr-defined]
    return [token.removesuffix("</w>") for token in tokens]


def test_an_empty_prompt_is_one_chunk_of_marks(tokenizer: object) -> None:
    (chunk,) = split("", tokenizer)  # type: ignore[arg-type]
    assert chunk.ids == [START_ID, *[END_ID] * 76]
    assert chunk.weights == [1.0] * 77


def test_weights_stand_at_their_tokens(tokenizer: object) -> None:
    (chunk,) = split("cat (dog:1.5)", tokenizer)  # type: ignore[arg-type]
    assert words(chunk, tokenizer) == ["cat", "dog"]
    assert chunk.weights[:4] == [1.0, 1.0, 1.5, 1.0]


@pytest.mark.parametrize(("count", "chunks"), [(75, 1), (76, 2), (150, 2), (151, 3)])
def test_a_chunk_takes_75_tokens(tokenizer: object, count: int, chunks: int) -> None:
    found = split(" ".join(["cat"] * count), tokenizer)  # type: ignore[arg-type]
    assert [len(chunk.ids) for chunk in found] == [77] * chunks


def test_a_tag_near_the_border_moves_whole(tokenizer: object) -> None:
    first, second = split(" ".join(["cat"] * 70) + ", dog dog dog dog dog dog", tokenizer)  # type: ignore[arg-type]
    assert words(first, tokenizer) == ["cat"] * 70 + [","]
    assert words(second, tokenizer) == ["dog"] * 6


def test_a_comma_too_far_back_moves_nothing(tokenizer: object) -> None:
    first, second = split(" ".join(["cat"] * 54) + ", " + " ".join(["dog"] * 21), tokenizer)  # type: ignore[arg-type]
    assert len(words(first, tokenizer)) == 75
    assert words(second, tokenizer) == ["dog"]


def test_break_ends_a_chunk(tokenizer: object) -> None:
    chunks = split("cat BREAK dog", tokenizer)  # type: ignore[arg-type]
    assert [words(chunk, tokenizer) for chunk in chunks] == [["cat"], ["dog"]]
