"""Label files of several kinds."""

from pathlib import Path

import pytest

from tag_atelier.errors import TaggerError
from tag_atelier.tagger.vocabulary import read_vocabulary


def test_a_wd_label_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "selected_tags.csv"
    path.write_text(
        'tag_id,name,category,count\n9,general,9,1\n1,1girl,0,5\n2,"a,b",0,4\n3,null,0,3\n4,ganyu_(genshin_impact),4,2\n5,>_<,0,1\n',
        encoding="utf-8",
    )
    found = read_vocabulary(path)
    assert found.labels == ("general", "1girl", "a,b", "null", "ganyu_(genshin_impact)", ">_<")
    assert found.column("Ganyu \\(genshin impact\\)") == 4
    assert found.column(">_<") == 5
    assert found.column("smile") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.json", '["Long hair", "smile"]'),
        ("map.json", '{"1": "smile", "0": "long_hair"}'),
        ("labels.txt", "long hair\n\nsmile\n"),
        ("other.csv", "\ufeffid,tag\n0,long hair\n1,smile\n"),
    ],
)
def test_other_label_files_are_read_alike(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_vocabulary(tmp_path / name).labels == ("long_hair", "smile")


def test_two_spellings_of_one_tag_keep_their_columns(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("long hair\nlong_hair\nsmile\n", encoding="utf-8")
    found = read_vocabulary(tmp_path / "labels.txt")
    assert found.labels == ("long_hair", "long_hair#1", "smile")
    assert found.column("smile") == 2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"id,count\n1,2\n", "has the columns id, count; expected one called 'name'"),
        ("a.csv", b"", "has the columns nothing"),
        ("a.csv", b"name\n", "holds no labels"),
        ("a.csv", b"name\n\xff\xfe", "cannot be read as UTF-8"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b'{"a": "b"}', "neither a list of names"),
        ("a.json", b"[1]", "neither a list of names"),
    ],
)
def test_what_is_no_label_file_is_refused(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TaggerError, match=sentence):
        read_vocabulary(tmp_path / name)
