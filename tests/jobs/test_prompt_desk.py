"""The helpers beside the lanes: search, artists, characters, negatives, families, styles and installed files."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.errors import HostError, PromptError, RequestError, UnknownName
from tag_atelier.jobs.families import Families
from tag_atelier.jobs.installed import find_embeddings, network_facts, network_names
from tag_atelier.jobs.prompt_desk import PromptDesk
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.prompt_notes import PromptNotes
from tag_atelier.jobs.prompt_page import PromptPage
from tag_atelier.jobs.prompt_search import PromptSearch
from tag_atelier.jobs.prompt_styles import PromptStyles
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.ports import Host, PromptFiles
from tag_atelier.prompt.findings import Network
from tag_atelier.prompt.negatives import Embedding
from tag_atelier.settings import DEFAULTS
from tests.fakes import fake_host


def safetensors(path: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> None:
    """A file of zeros."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, shape in shapes.items():
        size = 4
        for side in shape:
            size *= side
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * at)


@pytest.fixture
def files(tmp_path: Path) -> PromptFiles:
    """Two embeddings for SDXL and SD1.5, one that does not tell, two LoRA, a list of names, a styles file."""
    embeddings, networks, labels = tmp_path / "embeddings", tmp_path / "Lora", tmp_path / "extensions"
    safetensors(embeddings / "negXL.safetensors", {"clip_g": (2, 1280), "clip_l": (2, 768)})
    safetensors(embeddings / "deep" / "old15.safetensors", {"emb_params": (3, 768)})
    (embeddings / "mystery.pt").write_bytes(b"\x80\x02")
    (embeddings / "broken.safetensors").write_bytes(b"x")
    (embeddings / "negXL.preview.png").write_bytes(b"x")
    safetensors(networks / "hero.safetensors", {"a": (1,)}, {"ss_base_model_version": "sdxl_base_v1-0"})
    notes = {"activation text": "hero, red cape", "preferred weight": 0.7}
    (networks / "hero.json").write_text(json.dumps(notes), encoding="utf-8")
    safetensors(networks / "old.safetensors", {"a": (1,)}, {"ss_base_model_version": "sd_v1"})
    (networks / "old.json").write_text("{", encoding="utf-8")
    tags = labels / "a1111-sd-webui-tagcomplete" / "tags"
    tags.mkdir(parents=True)
    rows = "wlop,1,700,wang_ling\nheron_(bird),4,5,\nsmile,0,9,smiling_face\n"
    (tags / "danbooru.csv").write_text(rows, encoding="utf-8")
    return PromptFiles((labels,), (embeddings,), (networks,), lambda: (tmp_path / "styles.csv",))


@pytest.fixture
def prompts(files: PromptFiles, tmp_path: Path) -> Prompts:
    return Prompts(None, PromptMemory(tmp_path / "data"), files.labels)


@pytest.fixture
def desk(tmp_path: Path, files: PromptFiles, prompts: Prompts) -> PromptDesk:
    fake = fake_host(tmp_path / "host", ("aidxl-0.8", "my mix", "animagine-xl-4.0"))
    host = Host(fake.name, fake.sampler, fake.checkpoints, fake.data_folder, prompt_files=files)
    return PromptDesk(host, prompts, Families(host, lambda: DEFAULTS))


def found(search: PromptSearch, **query: str) -> list[tuple[str, str, str]]:
    entries: Any = search.ask(query)["entries"]
    return [(entry["tag"], entry["kind"], entry["insert"]) for entry in entries]


def test_installed_files_say_what_they_are(files: PromptFiles) -> None:
    assert find_embeddings(files.embeddings) == [
        Embedding("broken"), Embedding("mystery"), Embedding("negXL", "sdxl", 2), Embedding("old15", "sd15", 3)
    ]  # fmt: skip
    assert network_names(files.networks) == ["hero", "old"]
    assert network_facts(files.networks, ["hero", "old", "none"]) == {
        "hero": Network(("hero", "red cape"), 0.7, False, "sdxl"),
        "old": Network((), None, False, "sd15"),
    }
    assert not find_embeddings([Path("nowhere")]) and not network_names([Path("nowhere")])


def test_folders_are_looked_through_again_only_after_a_while(files: PromptFiles) -> None:
    before = find_embeddings(files.embeddings)
    (files.embeddings[0] / "late.pt").write_bytes(b"x")
    assert find_embeddings(files.embeddings, 600.0) == before
    assert Embedding("late") in find_embeddings(files.embeddings)


def test_search_finds_tags_in_english_and_chinese(prompts: Prompts) -> None:
    search = PromptSearch(prompts)
    assert found(search, q="long hair", limit="1") == [("long_hair", "general", "long hair")]
    assert found(search, q="长发", limit="1") == [("long_hair", "general", "long hair")]
    assert found(search, q="绫波", kinds="character")[0] == ("ayanami_rei", "character", "ayanami rei")
    assert found(search, q="金闪闪") == [("gilgamesh_(fate)", "character", "gilgamesh \\(fate\\)")]
    assert found(search, q=" ") == []
    assert found(search, q="lingbo", kinds="character")[0] == ("ayanami_rei", "character", "ayanami rei")
    assert found(search, q="b", limit="3", kinds="character")[0][1] == "character"


def test_explicit_tags_are_found_by_their_whole_name_only_unless_the_setting_offers_them(prompts: Prompts) -> None:
    hiding, offering = PromptSearch(prompts), PromptSearch(prompts, options=lambda: {"hide_sensitive": False})
    assert [tag for tag, _, _ in found(offering, q="nipple", limit="2", kinds="general")] == ["nipples", "nipple_stimulation"]
    assert found(hiding, q="nipple", kinds="general") == []
    assert found(hiding, q="nipples", kinds="general") == [("nipples", "general", "nipples")]
    assert found(hiding, q="large brea", kinds="general")[0][0] == "large_breasts"


def test_search_finds_the_users_own_names_and_files(prompts: Prompts, files: PromptFiles) -> None:
    search = PromptSearch(prompts, files)
    assert found(search, q="wang ling") == [("wlop", "artist", "wlop")]
    assert found(search, q="heron (b") == [("heron_(bird)", "character", "heron \\(bird\\)")]
    assert found(search, q="her", kinds="lora,embedding") == [("hero", "lora", "<lora:hero:1>")]
    assert found(search, q="negxl", kinds="embedding") == [("negXL", "embedding", "negXL")]
    smile: Any = search.ask({"q": "smiling", "kinds": "general"})["entries"]
    assert ("smile", ["smiling_face"]) in [(entry["tag"], entry["also"]) for entry in smile]


def test_search_hides_what_the_user_hid_and_says_the_users_chinese(prompts: Prompts) -> None:
    notes, search = PromptNotes(prompts.memory), PromptSearch(prompts)
    notes.change({"correct": {"tag": "hat", "hidden": True}})
    notes.change({"correct": {"tag": "hat ribbon", "zh": "我的帽带"}})
    assert "hat" not in [tag for tag, _, _ in found(search, q="hat", limit="200")]
    assert found(search, q="我的帽") == [("hat_ribbon", "general", "hat ribbon")]


@pytest.mark.parametrize(
    "query", [{}, {"q": "a", "limit": "0"}, {"q": "a", "limit": "x"}, {"q": "a", "kinds": "hat"}, {"q": "a", "p": ""}]
)
def test_queries_that_make_no_sense_are_refused(prompts: Prompts, query: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="expected"):
        PromptSearch(prompts).ask(query)


def test_a_search_takes_little_time(prompts: Prompts, files: PromptFiles) -> None:
    search = PromptSearch(prompts, files)
    search.ask({"q": "a"})
    started = time.process_time()
    search.ask({"q": "ha"})
    assert time.process_time() - started < 0.15


def test_artists_are_written_and_read(desk: PromptDesk) -> None:
    answer = desk.artists({"text": "1girl", "artists": [{"name": "wlop", "weight": 0.6}]})
    assert answer["text"] == "(by wlop:0.6), 1girl"
    assert answer["artists"] == [{"name": "wlop", "weight": 0.6, "index": 0, "start": 0, "end": 13}]
    assert desk.artists({"text": answer["text"]})["artists"] == answer["artists"]
    for wrong in ("wlop", [{"weight": 1}], [{"name": "a", "weight": "1"}], [{"name": "a", "weight": True}]):
        with pytest.raises(RequestError, match="expected"):
            desk.artists({"artists": wrong})


def test_a_character_by_its_chinese_name(desk: PromptDesk) -> None:
    answer: Any = desk.character({"name": "绫波丽"})
    assert (answer["tag"], answer["zh"][0], answer["note"]) == ("ayanami rei", "绫波丽", "")
    assert answer["text"] == "ayanami rei, blue hair, short hair, red eyes, pale skin"
    assert answer["features"][0] == {"tag": "blue_hair", "insert": "blue hair", "slot": "main_char", "zh": "蓝发"}
    assert "school_uniform" in [row["tag"] for row in answer["outfit"]]


def test_a_character_in_anothers_clothes(desk: PromptDesk) -> None:
    answer: Any = desk.character({"name": "ayanami rei", "costume": "frieren", "form": "sentence"})
    assert answer["costume"] == "frieren \\(cosplay\\)"
    assert answer["text"].startswith("a girl named ayanami rei from neon genesis evangelion series, blue hair, ")
    assert answer["text"].endswith("white capelet, striped shirt, white skirt, belt, black pantyhose")
    plain: Any = desk.character({"name": "frieren", "costume": ["yukata"]})
    assert (plain["costume"], plain["text"].endswith("elf, pointy ears, earrings, yukata")) == ("", True)


def test_a_character_of_the_users_list_and_one_that_nobody_knows(desk: PromptDesk) -> None:
    assert desk.character({"name": "heron (bird)"})["text"] == "heron \\(bird\\)"
    for name in ("xyzzy", "smile", "fate (series)"):
        with pytest.raises(UnknownName, match="Danbooru"):
            desk.character({"name": name})
    for wrong in ({"name": "frieren", "form": "song"}, {"name": "frieren", "costume": 3}):
        with pytest.raises(RequestError, match="expected"):
            desk.character(wrong)


def test_a_family_that_does_not_know_the_form_says_so(desk: PromptDesk) -> None:
    said = desk.character({"name": "frieren", "form": "sentence", "profile": "pony", "language": "zh_CN"})["note"]
    assert "句子写法" in str(said)
    assert "no characters" in str(desk.character({"name": "frieren", "profile": "aidxl-0.6"})["note"])


def test_a_negative_prompt_with_what_is_installed(desk: PromptDesk) -> None:
    answer: Any = desk.negative({"preset": "author", "embeddings": ["negXL", "old15", {"name": "elsewhere", "base": "sd15"}]})
    assert (answer["used"], [row["name"] for row in answer["left"]]) == (["negXL"], ["old15", "elsewhere"])
    assert answer["text"].startswith("negXL, (worst quality:1.3)")
    assert {"name": "negXL", "base": "sdxl", "vectors": 2} in answer["installed"]
    assert desk.negative({"preset": "none", "embeddings": ["negXL"], "text": "hat"})["text"] == "negXL, hat"
    for wrong in ("negXL", [3], [{"base": "sdxl"}]):
        with pytest.raises(RequestError, match="expected"):
            desk.negative({"embeddings": wrong})


def test_the_family_of_a_checkpoint_and_its_settings(desk: PromptDesk) -> None:
    answer = desk.detected({"checkpoint": "animagine-xl-4.0"})
    assert (answer["id"], answer["how"], answer["checkpoint"]) == ("animagine-xl-4", "name", "animagine-xl-4.0")
    assert (desk.detected({})["id"], desk.detected({"checkpoint": "my mix"})["how"]) == ("aidxl", "settings")
    sampling: Any = desk.settings({"profile": "aidxl"})["sampling"]
    assert (sampling["sampler"], sampling["steps"], sampling["clip_skip"]) == ("Euler a", 28, 1)
    with pytest.raises(UnknownName):
        desk.detected({"checkpoint": "nobody"})


def test_embeddings_are_chips_of_their_own(prompts: Prompts, files: PromptFiles) -> None:
    items: Any = PromptPage(prompts, files).lanes({"text": "negxl, hat", "negative": True})["items"]
    assert [item["kind"] for item in items] == ["embedding", "tag"]


def test_styles_are_listed_put_in_and_saved(tmp_path: Path) -> None:
    path, reloads = tmp_path / "webui" / "styles.csv", []
    styles = PromptStyles(PromptFiles(styles=lambda: (path,), styles_changed=lambda: reloads.append(1)))
    assert styles.list() == {"styles": [], "files": ["styles.csv"], "problems": []}
    assert styles.save({"name": "mine", "prompt": "best, {prompt}", "negative": "bad"}) == {
        "saved": "mine",
        "file": "styles.csv",
    }
    assert styles.list()["styles"] == [{"name": "mine", "prompt": "best, {prompt}", "negative": "bad", "file": "styles.csv"}]
    assert styles.put_in({"names": ["mine"], "prompt": "hat"}) == {"prompt": "best, hat", "negative": "bad"}
    before = path.read_bytes()
    with pytest.raises(PromptError, match="already"):
        styles.save({"name": "mine", "prompt": "other"})
    with pytest.raises(UnknownName, match=r"styles\.csv"):
        styles.save({"name": "b", "prompt": "c", "file": "../evil.csv"})
    with pytest.raises(UnknownName, match="mine"):
        styles.put_in({"names": ["other"]})
    with pytest.raises(RequestError, match="names"):
        styles.put_in({"names": "mine"})
    assert (path.read_bytes(), len(reloads), [file.name for file in path.parent.iterdir()]) == (before, 1, ["styles.csv"])
    path.write_bytes(b"\xff")
    assert "UTF-8" in str(styles.list()["problems"])
    with pytest.raises(HostError, match="no styles file"):
        PromptStyles(PromptFiles()).save({"name": "a", "prompt": "b"})
