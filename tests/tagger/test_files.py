"""Finding taggers, without opening any."""

from pathlib import Path

import pytest

from tag_atelier.errors import TaggerError
from tag_atelier.tagger import find_tagger, list_taggers


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"")


def test_taggers_lie_in_a_folder_or_one_below(tmp_path: Path) -> None:
    put(tmp_path / "all" / "wd-b", "model.onnx", "selected_tags.csv")
    put(tmp_path / "all" / "wd-a", "other.onnx", "mine.csv")
    put(tmp_path / "all" / "no-labels", "model.onnx")
    put(tmp_path / "all" / "no-model", "selected_tags.csv")
    put(tmp_path / "single", "model.onnx", "tags.csv")
    assert list_taggers([tmp_path / "all", tmp_path / "single", tmp_path / "missing"]) == ["wd-a", "wd-b", "single"]


def test_the_first_of_a_name_wins(tmp_path: Path) -> None:
    put(tmp_path / "one" / "wd", "model.onnx", "selected_tags.csv")
    put(tmp_path / "two" / "wd", "model.onnx", "selected_tags.csv")
    assert list_taggers([tmp_path / "one", tmp_path / "two"]) == ["wd"]


def test_where_none_is_the_sentence_says_what_is_expected_where(tmp_path: Path) -> None:
    with pytest.raises(TaggerError, match=r"No tagger was found in '.*'; expected a folder there that holds model\.onnx and"):
        find_tagger([tmp_path])
    with pytest.raises(TaggerError, match="No tagger 'wd' was found in any folder"):
        find_tagger([], "wd")


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    put(tmp_path / "wd-b", "model.onnx", "selected_tags.csv")
    with pytest.raises(TaggerError, match="no tagger 'wd-a' in .*; expected one of: wd-b"):
        find_tagger([tmp_path], "wd-a")
