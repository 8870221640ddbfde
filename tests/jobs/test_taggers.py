"""Taggers through the doors: what is here, what can be fetched, and that nothing is fetched unasked."""

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tag_atelier.errors import HostError, UnknownName
from tag_atelier.jobs.runner import JobRunner
from tag_atelier.jobs.taggers import Taggers
from tag_atelier.settings import DEFAULTS
from tag_atelier.tagger import download
from tests.fakes import fake_host

NAME = "wd-swinv2-tagger-v3"


def taggers(folder: Path, **options: Any) -> Taggers:
    host = dataclasses.replace(fake_host(folder), tagger_folders=(folder / "taggers",))
    return Taggers(host, JobRunner(), lambda: {**DEFAULTS, **options})


def test_listing_fetches_nothing_and_names_what_can_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "open_hub", None)
    told: Any = taggers(tmp_path).list()
    assert told["here"] == []
    known = {"name": NAME, "repository": f"SmilingWolf/{NAME}", "threshold": 0.2653, "size_mb": 470}
    assert known in told["known"] and told["suggested"] == NAME
    assert told["folder"] == str(tmp_path / "taggers")


def test_the_list_says_where_from_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert taggers(tmp_path).list()["source"] == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert taggers(tmp_path).list()["source"] == "https://mirror.example"
    assert taggers(tmp_path, hub_mirror="https://other.example").list()["source"] == "https://other.example"


def test_a_tagger_is_put_where_the_extensions_own_files_do_not_lie(tmp_path: Path) -> None:
    host = dataclasses.replace(fake_host(tmp_path), tagger_folders=(tmp_path / "shipped", tmp_path / "data"))
    assert Taggers(host, JobRunner(), lambda: DEFAULTS).list()["folder"] == str(tmp_path / "data")


def test_a_click_fetches_through_the_mirror_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    asked: list[str] = []

    class Answer(io.BytesIO):
        headers: ClassVar[dict[str, str]] = {}

    def answer(url: str, timeout: float) -> Answer:
        asked.append(url)
        return Answer(b"content")

    monkeypatch.setattr(download, "open_hub", answer)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    found = taggers(tmp_path, hub_mirror="https://mirror.example")
    job = found.start_download(NAME)
    assert job.wait(20) and job.state == "done", job.error
    assert [url.split("/")[2] for url in asked] == ["mirror.example"] * 2
    here: Any = found.list()["here"]
    assert [item["name"] for item in here] == [NAME]
    assert len(here[0]["files"]["model.onnx"]["sha256"]) == 64
    assert job.result["tagger"] == NAME


def test_what_cannot_be_fetched_is_refused_before_a_job_begins(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Unknown tagger 'nobody'"):
        taggers(tmp_path).start_download("nobody")
    without = Taggers(fake_host(tmp_path), JobRunner(), lambda: DEFAULTS)
    with pytest.raises(HostError, match="no folder for taggers"):
        without.start_download(NAME)
