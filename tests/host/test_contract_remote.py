"""The remote host: the ports' contract against a real server, and what a bad server or network does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy
import pytest
import torch

from tag_atelier.errors import Cancelled, HostError, TagAtelierError, UnknownName
from tag_atelier.host.remote import build
from tag_atelier.ports import RenderedImage, RenderRequest, SamplingParameters
from tests.contract.conftest import Candidate
from tests.contract.test_ports import (  # noqa: F401  the contract's own tests, run on the candidate below
    test_a_cancelled_batch_delivers_nothing,
    test_an_unknown_checkpoint_is_refused_by_name,
    test_checkpoints_are_found_by_name_title_and_hash,
    test_chunks_are_counted_from_one,
    test_every_image_of_a_batch_arrives_once_and_says_what_it_is,
    test_loading_makes_it_the_loaded_one,
    test_neighbours_and_repetition_change_nothing,
    test_seed_and_prompt_change_the_image,
)
from tests.fakes import FakeProgress
from tests.host.conftest import Served

QUICK = SamplingParameters(sampler="Euler", steps=2, width=64, height=64)
REQUEST = RenderRequest("1girl, glaring", "lowres", 7)


@pytest.fixture(scope="module")
def candidate(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    host = build(served.url, tmp_path_factory.mktemp("remote"))
    return Candidate(host, QUICK, "tiny-sd15-a", "", lambda: None, True)  # type: ignore[arg-type, return-value]


def test_it_draws_what_the_other_host_draws(served: Served, candidate: Candidate) -> None:
    images: list[RenderedImage] = []
    parameters = SamplingParameters("DPM++ 2M", "Karras", 3, 5.5, 64, 64, clip_skip=2)
    for host in (served.host, candidate.host):
        host.sampler.render([REQUEST], parameters, host.checkpoints.resolve("tiny-sd15-b"), images.append, FakeProgress())
    near, far = images
    assert numpy.array_equal(numpy.asarray(near.image), numpy.asarray(far.image))
    assert near.infotext == far.infotext
    assert (far.checkpoint, far.used["sampler"], far.used["batch_size"]) == ("tiny-sd15-b", "DPM++ 2M", 1)


def test_there_is_no_live_model_and_no_folder(candidate: Candidate) -> None:
    assert candidate.host.live_model is None
    with pytest.raises(HostError, match="remote"):
        candidate.host.checkpoints.output_folder()


def test_a_model_that_is_merged_at_the_other_side_is_not_benchmarked(served: Served, candidate: Candidate) -> None:
    checkpoint, live, images = served.host.checkpoints.resolve("tiny-sd15-a"), served.host.live_model, list[RenderedImage]()
    served.host.checkpoints.load(checkpoint)
    assert live is not None
    key = "model.diffusion_model.middle_block.0.in_layers.0.bias"
    shape = served.host.checkpoints.model.shapes[key]  # type: ignore[attr-defined]
    live.overwrite([(key, torch.ones(shape))])
    try:
        with pytest.raises(HostError, match="is merged live; restore it there"):
            candidate.host.sampler.render([REQUEST], QUICK, checkpoint, images.append, FakeProgress())
    finally:
        live.restore()
    assert images == []
    candidate.host.sampler.render([REQUEST], QUICK, checkpoint, images.append, FakeProgress())
    assert len(images) == 1


def test_a_prompt_that_only_names_a_merge_is_drawn(scripted: Scripted, tmp_path: Path) -> None:
    texts = ["1girl, Tag Atelier merge: x\nSteps: 1"]
    scripted.says("/txt2img", {"images": [PICTURE], "info": json.dumps({**INFO, "infotexts": texts})})
    assert draw(scripted, tmp_path).infotext == texts[0]


@pytest.mark.parametrize("name", ["sampler", "scheduler"])
def test_unknown_names_are_refused_before_drawing(candidate: Candidate, name: str) -> None:
    host = candidate.host
    parameters = SamplingParameters(**{name: "Nope"})  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="'Nope'"):
        host.sampler.render([REQUEST], parameters, host.checkpoints.resolve("tiny-sd15-a"), print, FakeProgress())


class _Later(FakeProgress):
    """Is cancelled when asked for the third time: before drawing, and twice while waiting."""

    asked = 0

    @property
    def cancelled(self) -> bool:
        self.asked += 1
        return self.asked >= 3


LONG = SamplingParameters(sampler="Euler", steps=1000, width=256, height=256)


def test_a_cancel_stops_the_other_side(served: Served, candidate: Candidate) -> None:
    host = candidate.host
    delivered: list[RenderedImage] = []
    with pytest.raises(Cancelled):
        host.sampler.render([REQUEST], LONG, host.checkpoints.resolve("tiny-sd15-a"), delivered.append, _Later())
    assert delivered == []
    assert served.host.exclusive is not None
    with served.host.exclusive():
        pass  # the other side is free again, long before 1000 steps
    host.sampler.render([REQUEST], QUICK, host.checkpoints.resolve("tiny-sd15-a"), delivered.append, FakeProgress())
    assert len(delivered) == 1


def test_an_interrupt_at_the_other_side_is_noticed(candidate: Candidate) -> None:
    host = candidate.host
    assert host.interrupt is not None
    timer = threading.Timer(1.0, host.interrupt)
    timer.start()
    with pytest.raises(Cancelled):
        host.sampler.render([REQUEST], LONG, host.checkpoints.resolve("tiny-sd15-a"), print, FakeProgress())
    timer.join()


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    host = build("http://127.0.0.1:9", tmp_path)
    with pytest.raises(HostError, match=r"^http://127\.0\.0\.1:9 cannot be reached .*--api"):
        host.checkpoints.list()


@pytest.mark.parametrize("url", ["ftp://somewhere", "http://", "file:///etc/passwd"])
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(HostError, match="not an address"):
        build(url, tmp_path)


@dataclass
class Scripted:
    """A server that says what it is told: path → (status, body); and what it was asked."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    authorizations: list[str | None] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)
    url: str = ""

    def says(self, path: str, value: object, status: int = 200) -> None:
        self.answers["/sdapi/v1" + path] = (status, value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script.authorizations.append(self.headers.get("Authorization"))
            status, body = script.answers.get(self.path.partition("?")[0], (404, b'{"detail": "Not Found"}'))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (302, 307):
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            script.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def log_message(self, *_given: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    script.says("/sd-models", [MODEL])
    script.says("/samplers", [{"name": "Euler a"}])
    script.says("/schedulers", [{"label": "Automatic"}])
    script.says("/options", {"sd_model_checkpoint": MODEL["title"]})
    script.says("/progress", {"state": {"interrupted": False}})
    script.says("/txt2img", {"images": [PICTURE], "info": json.dumps(INFO)})
    yield script
    server.shutdown()
    server.server_close()


SHA = "ab" * 32
MODEL = {
    "title": "sub\\model.safetensors [abababab00]",
    "model_name": "sub_model",
    "hash": None,
    "sha256": SHA,
    "filename": "C:\\webui\\models\\sub\\model.safetensors",
}
INFO = {"sd_model_name": "model", "sd_model_hash": SHA[:10], "seed": 7, "infotexts": ["1girl\nSteps: 1"], "steps": 1}
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGNgYGD4//8/AAYBAv4CsjmuAAAAAElFTkSuQmCC"
"""A PNG of one black and one white pixel."""


def draw(script: Scripted, folder: Path, parameters: SamplingParameters | None = None) -> RenderedImage:
    host = build(script.url, folder)
    images: list[RenderedImage] = []
    checkpoint = host.checkpoints.resolve("model")
    host.sampler.render([REQUEST], parameters or SamplingParameters(), checkpoint, images.append, FakeProgress())
    return images[0]


def test_a_windows_webuis_checkpoint(scripted: Scripted, tmp_path: Path) -> None:
    catalogue = build(scripted.url, tmp_path).checkpoints
    (found,) = catalogue.list()
    assert (found.name, found.sha256, found.path) == ("model", SHA, None)
    for name in ("model", "model.safetensors", "sub_model", "sub\\model.safetensors", SHA[:8], MODEL["title"]):
        assert catalogue.resolve(str(name)) == found
    assert catalogue.loaded() == found


def test_what_is_asked_of_the_webui(scripted: Scripted, tmp_path: Path) -> None:
    image = draw(scripted, tmp_path, SamplingParameters(clip_skip=2, eta=0.5, vae="my.vae"))
    (body,) = scripted.bodies
    assert body["override_settings"] == {
        "sd_model_checkpoint": MODEL["title"],
        "CLIP_stop_at_last_layers": 2,
        "sd_vae": "my.vae",
    }
    assert {key: body[key] for key in ("prompt", "negative_prompt", "seed", "eta", "sampler_name", "steps")} == {
        "prompt": "1girl, glaring",
        "negative_prompt": "lowres",
        "seed": 7,
        "eta": 0.5,
        "sampler_name": "Euler a",
        "steps": 20,
    }
    assert (image.status, image.checkpoint, image.infotext, image.image.size) == ("ok", "model", "1girl\nSteps: 1", (2, 1))


def test_credentials_are_sent_and_not_shown(scripted: Scripted, tmp_path: Path) -> None:
    build(scripted.url, tmp_path, credentials=("me", "päss")).checkpoints.list()
    build(scripted.url.replace("http://", "http://me:p%C3%A4ss@"), tmp_path).checkpoints.list()
    assert scripted.authorizations == ["Basic bWU6cMOkc3M="] * 2
    scripted.says("/sd-models", {"detail": "Incorrect username or password"}, 401)
    with pytest.raises(HostError, match="--api-auth") as refusal:
        build(scripted.url.replace("http://", "http://me:secret@"), tmp_path).checkpoints.list()
    assert "secret" not in str(refusal.value)


def test_an_image_of_another_checkpoint_says_so(scripted: Scripted, tmp_path: Path) -> None:
    scripted.says(
        "/txt2img", {"images": [PICTURE], "info": json.dumps({**INFO, "sd_model_name": "x", "sd_model_hash": "00ff"})}
    )
    assert draw(scripted, tmp_path).checkpoint == "x"


def test_an_unfinished_image_is_thrown_away(scripted: Scripted, tmp_path: Path) -> None:
    scripted.says("/progress", {"state": {"interrupted": True}})
    with pytest.raises(Cancelled, match="interrupted"):
        draw(scripted, tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "status", "found"),
    [
        ("/sd-models", b"<html>", 200, "without JSON"),
        ("/sd-models", {"a": 1}, 200, "expected a list"),
        ("/sd-models", b"", 404, "refused .*404"),
        ("/sd-models", {"detail": "Not Found"}, 404, "start that WebUI with --api"),
        ("/samplers", b"", 307, "another address"),
        ("/options", [1], 200, "expected an object"),
        ("/txt2img", {"detail": "Sampler not found"}, 404, "Sampler not found"),
        ("/txt2img", {"error": "RuntimeError", "detail": "", "errors": "out of memory"}, 500, "out of memory"),
        ("/txt2img", {"images": [], "info": json.dumps(INFO)}, 200, "without a picture"),
        ("/txt2img", {"images": ["AAAA"], "info": json.dumps(INFO)}, 200, "without a picture"),
        ("/txt2img", {"images": [PICTURE], "info": "{"}, 200, "no readable 'info'"),
    ],
)
def test_bad_answers_are_one_sentence(
    scripted: Scripted, tmp_path: Path, path: str, value: object, status: int, found: str
) -> None:
    scripted.says(path, value, status)
    with pytest.raises(TagAtelierError, match=found) as refusal:
        draw(scripted, tmp_path)
    assert isinstance(refusal.value, HostError)
    assert "\n" not in str(refusal.value)
