"""Names from the user's own files: which files count, which rows, and how they are found."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.labels import Label, Labels, find_labels
from tag_atelier.prompt.slots import canonical
from tag_atelier.prompt.user_catalogue import UserCatalogue

LIST = (
    '1girl,0,100,"1girls,sole_female"\n'
    'ayanami_rei,4,9000,"/ar,rei_ayanami"\n'
    "wlop,1,700,\n"
    "white_hat,1,30,\n"
    "neon_genesis_evangelion,3,20000,eva\n"
    "highres,5,9,\n"
)


def folder_with(tmp_path: Path, **files: str) -> Path:
    tags = tmp_path / "a1111-sd-webui-tagcomplete" / "tags"
    tags.mkdir(parents=True)
    for name, content in files.items():
        (tags / f"{name}.csv").write_text(content, encoding="utf-8", newline="")
    return tmp_path


def test_rows_of_tagcompletes_list(tmp_path: Path) -> None:
    labels = find_labels([folder_with(tmp_path, danbooru=LIST)])
    assert labels.get("Ayanami Rei") == Label("ayanami_rei", "character", 9000, ("rei_ayanami",))
    assert labels.get("wlop") == Label("wlop", "artist", 700)
    assert labels.get("highres") is None
    assert len(labels) == 5


@pytest.mark.parametrize(
    "row",
    ["", "hat", "hat,0", "hat,x,5", "hat,0,five", ",0,5", "hat,0,-5", '"hat', "\0\0", "x" * 300 + ",0,1", "\ufeff,,,,"],
)
def test_bad_rows_are_left_out(tmp_path: Path, row: str) -> None:
    labels = find_labels([folder_with(tmp_path, danbooru=f"wlop,1,700,\n{row}\n")])
    assert len(labels) == 1


def test_of_several_lists_the_plain_one_counts_then_the_newest(tmp_path: Path) -> None:
    old, new = "old_artist,1,5,\n", "new_artist,1,5,\n"
    files = {"danbooru-2022": old, "danbooru-2024": new, "danbooru_e621_merged": "mixed,1,5,\n", "e621": "furry,1,5,\n"}
    assert find_labels([folder_with(tmp_path / "a", **files)]).get("new_artist") is not None
    labels = find_labels([folder_with(tmp_path / "b", **files, danbooru="plain,1,5,\n")])
    assert [name for name in ("plain", "old_artist", "new_artist", "mixed", "furry") if labels.get(name)] == ["plain"]


def test_a_taggers_labels_and_a_translation(tmp_path: Path) -> None:
    (tmp_path / "wd-tagger").mkdir()
    rows = "tag_id,name,category,count\n1,general,9,100\n2,hatsune_miku,4,50\n3,hat,0,70\n"
    (tmp_path / "wd-tagger" / "selected_tags.csv").write_text(rows, encoding="utf-8")
    folder_with(tmp_path, **{"danbooru-zh": "hatsune_miku,初音未来\nwlop,1,某画师\nhat,hat\n"})
    labels = find_labels([tmp_path])
    assert labels.get("hatsune miku") == Label("hatsune_miku", "character", 50)
    assert (len(labels), labels.zh) == (2, {"hatsune_miku": "初音未来", "wlop": "某画师"})
    assert [label.name for label in labels.search("初音", ("character",))] == ["hatsune_miku"]


def test_files_are_read_once_until_they_change(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, danbooru=LIST)
    first = find_labels([folder])
    assert find_labels([folder]) is first
    path = folder / "a1111-sd-webui-tagcomplete" / "tags" / "danbooru.csv"
    path.write_text("wlop,1,701,\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert len(find_labels([folder])) == 1
    path.unlink()
    assert len(find_labels([folder, tmp_path / "missing"])) == 0


def test_search_finds_names_beginnings_words_and_other_names() -> None:
    labels = Labels(
        [
            Label("rei", "character", 10),
            Label("rei_no_himo", "general", 900),
            Label("reimu", "character", 500),
            Label("ayanami_rei", "character", 9000, ("rei_ayanami",)),
            Label("saber_(rei)", "character", 3),
            Label("gray_hat", "artist", 4, ("reiko",)),
        ]
    )
    kinds = ("character", "artist")
    assert [label.name for label in labels.search("rei", kinds)] == ["rei", "ayanami_rei", "reimu", "gray_hat", "saber_(rei)"]
    assert [label.name for label in labels.search("rei", kinds, 2)] == ["rei", "ayanami_rei"]
    assert [label.name for label in labels.search("Rei Ayanami", kinds)] == ["ayanami_rei"]
    assert labels.search("", kinds) == labels.search("rei", ()) == Labels([]).search("rei", kinds) == []


def test_a_long_list_is_searched_in_little_time() -> None:
    labels = Labels(Label(f"name_{number:x}_(series_{number % 97})", "character", number) for number in range(60_000))
    labels.search("warm", ("character",))
    started = time.process_time()
    for query in ("name_1", "series_9", "zzz"):
        labels.search(query, ("character",))
    assert time.process_time() - started < 0.3


def test_the_users_names_find_their_slots_behind_ours(tmp_path: Path) -> None:
    labels = find_labels([folder_with(tmp_path, danbooru=LIST + "smile,4,5000,\nelvish_cap,4,5,\n")])
    catalogue = UserCatalogue(Catalogue.load(), {}, labels)
    assert [catalogue.slot(tag).slot for tag in ("wlop", "ayanami rei", "smile", "white hat", "neon genesis evangelion")] == [
        *("trigger", "character", "expression", "accessories", "character"),
    ]
    assert catalogue.is_series("neon genesis evangelion")
    wlop = catalogue.get("wlop")
    assert wlop is not None and (wlop.slot, wlop.posts) == ("trigger", 700)


def test_corrections_come_before_everything() -> None:
    corrections = {
        "smile": {"slot": "theme", "zh": "笑"},
        "zorgle": {"slot": "items"},
        "frown": {"hidden": True},
        "nobody": {"zh": "无"},
    }
    catalogue = UserCatalogue(Catalogue.load(), corrections, Labels([]))
    smile, zorgle = catalogue.get("smile"), catalogue.get("zorgle")
    assert smile is not None and (smile.slot, smile.zh) == ("theme", "笑")
    assert zorgle is not None and catalogue.slot("zorgle").slot == "items"
    assert catalogue.hidden == {"frown"}
    assert catalogue.get("nobody") is None
    assert catalogue.slot("frown").slot == Catalogue.load().slot("frown").slot


@pytest.mark.parametrize("name", ["a_b", "A b", "a__b", "^_^", "rem_\\(x\\)", "長い_髪", "a\tb", "`d'.~", "É"])
def test_the_short_way_to_a_canonical_name_leads_to_the_same(tmp_path: Path, name: str) -> None:
    labels = find_labels([folder_with(tmp_path, danbooru=f'"{name}",1,5,\n')])
    assert [label.name for label in labels._labels.values()] == [canonical(name)]
