"""Downloads from a stand-in for the hub: no test reaches the network."""

import hashlib
import http.client
import io
import threading
import urllib.error
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.errors import Cancelled, TaggerError, UnknownName
from tag_atelier.tagger.download import CHECKSUM, HUB_TAGGERS, SUGGESTED, address, download, open_hub, recorded
from tag_atelier.tagger.files import LABEL_NAMES, read_folder
from tests.fakes import FakeProgress

NAME = "wd-swinv2-tagger-v3"


class Answer(io.BytesIO):
    """What the hub gives back, with a length that may be a lie."""

    def __init__(self, content: bytes, announced: int | None = None, **headers: str) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if announced is None else announced), **headers}


class Hub:
    """Answers every address with its own last part, and remembers what was asked."""

    def __init__(self, short: bool = False, error: Exception | None = None, headers: dict[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self.short, self.error, self.headers = short, error, headers or {}

    def __call__(self, url: str, timeout: float) -> Any:
        self.asked.append(url)
        if self.error is not None:
            raise self.error
        content = url.rsplit("/", 1)[1].encode()
        return Answer(content, len(content) + 1 if self.short else None, **self.headers)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def test_labels_come_first_and_the_model_last(tmp_path: Path) -> None:
    hub = Hub()
    folder = download(NAME, tmp_path, FakeProgress(), hub)
    assert folder == tmp_path / NAME
    assert [url.rsplit("/", 1)[1] for url in hub.asked] == ["selected_tags.csv", "model.onnx"]
    assert sorted(path.name for path in folder.iterdir()) == ["download.json", "model.onnx", "selected_tags.csv"]
    assert (folder / "model.onnx").read_bytes() == b"model.onnx"


def test_a_tagger_with_other_file_names_is_found_afterwards(tmp_path: Path) -> None:
    hub = Hub()
    folder = download("ml-danbooru", tmp_path, FakeProgress(), hub)
    assert [url.rsplit("/", 1)[1] for url in hub.asked] == ["classes.json", "ml_caformer_m36_dec-5-97527.onnx"]
    found = read_folder(folder)
    assert found is not None
    assert (found.name, found.model.name, found.labels.name) == ("ml-danbooru", "model.onnx", "classes.json")


def test_the_mirror_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert address(NAME, "model.onnx") == "https://mirror.example/SmilingWolf/wd-swinv2-tagger-v3/resolve/main/model.onnx"


def test_offline_means_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub = Hub()
    with pytest.raises(TaggerError, match="HF_HUB_OFFLINE is set"):
        download(NAME, tmp_path, FakeProgress(), hub)
    assert hub.asked == []


@pytest.mark.parametrize(
    ("hub", "sentence"),
    [
        (Hub(short=True), "sent 17 of 18 bytes"),
        (Hub(error=urllib.error.URLError("no route")), "could not be fetched .*no route"),
        (Hub(error=http.client.BadStatusLine("x")), "could not be fetched"),
        (Hub(headers={"Content-Type": "text/html; charset=utf-8"}), "answered with a web page instead of the file"),
        (Hub(headers={"Content-Length": str(1 << 60)}), "MB free and 1152921504606 MB are to be fetched; make room first"),
        (Hub(headers={CHECKSUM: f'"{"0" * 64}"'}), "arrived damaged: its SHA-256 begins with .*announced was 0000000000000000"),
    ],
)
def test_a_broken_download_leaves_nothing_that_looks_like_a_tagger(tmp_path: Path, hub: Hub, sentence: str) -> None:
    with pytest.raises(TaggerError, match=sentence):
        download(NAME, tmp_path, FakeProgress(), hub)
    assert list((tmp_path / NAME).iterdir()) == []


def test_a_stopped_download_leaves_nothing_half(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        download(NAME, tmp_path, FakeProgress(cancel_after=0), Hub())
    assert list((tmp_path / NAME).iterdir()) == []


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="wd-swinv2-tagger-v3"):
        download("wd-unknown", tmp_path, FakeProgress(), Hub())


def test_a_mirror_that_is_no_web_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    with pytest.raises(TaggerError, match="no web address"):
        download(NAME, tmp_path, FakeProgress(), Hub())


def test_every_known_tagger_has_a_sensible_threshold_and_says_how_large_it_is() -> None:
    assert all(0.2 < tagger.threshold <= 0.7 and 200 < tagger.size_mb < 1500 for tagger in HUB_TAGGERS.values())
    assert HUB_TAGGERS[SUGGESTED].size_mb < 500


def test_the_progress_counts_bytes(tmp_path: Path) -> None:
    progress = FakeProgress()
    download(NAME, tmp_path, progress, Hub())
    assert (progress.total, progress.done) == (len("model.onnx"), len("model.onnx"))


class Redirecting(BaseHTTPRequestHandler):
    """Sends one on with a status that Python 3.10 does not follow by itself, as mirrors do, and announces the checksum."""

    def do_GET(self) -> None:
        content = b"weights" if self.path == "/there" else b""
        self.send_response(200 if content else 308)
        if not content:
            self.send_header("Location", "/there")
            self.send_header(CHECKSUM, f'"{hashlib.sha256(b"weights").hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_checksum_that_is_announced_before_a_redirect_is_kept(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        folder = download(NAME, tmp_path, FakeProgress(), open_hub, mirror=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert (folder / "model.onnx").read_bytes() == b"weights"
    found: Any = recorded(folder)
    assert found["files"]["model.onnx"]["announced"] is True


def test_where_a_download_came_from_and_its_sha256_are_written_down(tmp_path: Path) -> None:
    folder = download(NAME, tmp_path, FakeProgress(), Hub(), mirror="https://mirror.example/")
    found: Any = recorded(folder)
    assert found["repository"] == "SmilingWolf/wd-swinv2-tagger-v3"
    assert found["files"]["model.onnx"] == {
        "from": "https://mirror.example/SmilingWolf/wd-swinv2-tagger-v3/resolve/main/model.onnx",
        "bytes": 10,
        "sha256": hashlib.sha256(b"model.onnx").hexdigest(),
        "announced": False,
    }
    assert recorded(tmp_path) == {}


@pytest.mark.parametrize("name", sorted(HUB_TAGGERS))
def test_what_was_fetched_is_found_as_a_tagger(tmp_path: Path, name: str) -> None:
    found = read_folder(download(name, tmp_path, FakeProgress(), Hub()))
    assert found is not None and found.name == name
    assert found.labels.name in LABEL_NAMES
