"""The part of /sdapi/v1 that the embedded host answers, over real HTTP."""

from __future__ import annotations

import base64
import http.client
import io
import json
import threading
import urllib.error
import urllib.request

import numpy
import pytest
from PIL import Image

from tag_atelier.errors import HostError
from tag_atelier.host.embedded.server import add_routes
from tests.fakes import fake_host
from tests.host.conftest import Served

QUICK = {"steps": 2, "width": 64, "height": 64, "sampler_name": "Euler", "seed": 5}


def call(served: Served, method: str, path: str, body: object = None, raw: bytes | None = None) -> tuple[int, object]:
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{served.url}/sdapi/v1{path}", data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def picture(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_checkpoints_have_the_webuis_fields(served: Served) -> None:
    status, listed = call(served, "GET", "/sd-models")
    assert status == 200 and isinstance(listed, list)
    assert [item["model_name"] for item in listed] == ["tiny-sd15-a", "tiny-sd15-b", "tiny-sdxl-a", "tiny-sdxl-b"]
    assert set(listed[0]) == {"title", "model_name", "hash", "sha256", "filename", "config"}


def test_two_images_count_their_seeds_up(served: Served) -> None:
    body = {**QUICK, "prompt": "1girl", "batch_size": 2, "override_settings": {"sd_model_checkpoint": "tiny-sd15-a"}}
    status, answer = call(served, "POST", "/txt2img", body)
    assert status == 200 and isinstance(answer, dict)
    info = json.loads(answer["info"])
    assert (info["all_seeds"], info["sd_model_name"], info["batch_size"]) == ([5, 6], "tiny-sd15-a", 2)
    first, second = map(picture, answer["images"])
    assert first.size == (64, 64)
    assert first.info["parameters"] == info["infotexts"][0]
    assert "Seed: 6," in second.info["parameters"]
    _, alone = call(served, "POST", "/txt2img", {**body, "seed": 6, "batch_size": 1})
    assert isinstance(alone, dict)
    both = [numpy.asarray(one, dtype=numpy.int16) for one in (second, picture(alone["images"][0]))]
    assert abs(both[0] - both[1]).max() <= 1


def test_iterations_and_no_pictures(served: Served) -> None:
    _, answer = call(served, "POST", "/txt2img", {**QUICK, "n_iter": 2, "send_images": False})
    assert isinstance(answer, dict)
    assert answer["images"] == []
    assert json.loads(answer["info"])["all_seeds"] == [5, 6]


def test_a_random_seed_is_told(served: Served) -> None:
    _, answer = call(served, "POST", "/txt2img", {**QUICK, "seed": -1, "send_images": False})
    assert isinstance(answer, dict)
    assert json.loads(answer["info"])["seed"] >= 0


def test_options_load_and_name_the_checkpoint(served: Served) -> None:
    assert call(served, "POST", "/options", {"sd_model_checkpoint": "tiny-sd15-b"}) == (200, None)
    _, options = call(served, "GET", "/options")
    assert isinstance(options, dict)
    title = str(options["sd_model_checkpoint"])
    assert title.startswith("tiny-sd15-b.safetensors [")
    assert call(served, "POST", "/options", {"sd_model_checkpoint": title}) == (200, None)
    assert call(served, "POST", "/refresh-checkpoints") == (200, None)


def test_nothing_to_do_is_no_progress(served: Served) -> None:
    status, progress = call(served, "GET", "/progress?skip_current_image=true")
    assert status == 200 and isinstance(progress, dict)
    assert (progress["progress"], progress["state"]["sampling_steps"]) == (0.0, 0)


def test_progress_and_interrupt_while_drawing(served: Served) -> None:
    answers: list[tuple[int, object]] = []
    body = {**QUICK, "steps": 1000, "width": 256, "height": 256}
    drawing = threading.Thread(target=lambda: answers.append(call(served, "POST", "/txt2img", body)))
    drawing.start()
    seen = 0.0
    while not seen and drawing.is_alive():
        _, progress = call(served, "GET", "/progress")
        assert isinstance(progress, dict)
        seen = progress["progress"]
    assert 0 < seen < 1
    assert call(served, "POST", "/interrupt") == (200, {})
    drawing.join(timeout=30)
    ((status, answer),) = answers
    assert isinstance(answer, dict)
    assert (status, answer["error"]) == (499, "Cancelled")


@pytest.mark.parametrize(
    ("path", "body", "status", "found"),
    [
        ("/txt2img", {"steps": "many"}, 422, "'steps' is 'many'"),
        ("/txt2img", {"steps": True}, 422, "'steps' is True"),
        ("/txt2img", {"width": 4104}, 422, "4104"),
        ("/txt2img", {"width": 100}, 422, "multiple of 8"),
        ("/txt2img", {"cfg_scale": "7"}, 422, "cfg_scale"),
        ("/txt2img", {"prompt": ["a", "b"]}, 422, "'prompt' is a list"),
        ("/txt2img", {"enable_hr": True}, 422, "enable_hr"),
        ("/txt2img", {"script_name": "X/Y/Z plot"}, 422, "script_name"),
        ("/txt2img", {"override_settings": ["x"]}, 422, "override_settings"),
        ("/txt2img", {"override_settings": {"eta_noise_seed_delta": 1}}, 422, "eta_noise_seed_delta"),
        ("/txt2img", {"override_settings": {"sd_model_checkpoint": "nope"}}, 404, "nope"),
        ("/txt2img", {"sampler_name": "Nope"}, 404, "Nope"),
        ("/txt2img", {"prompt": "x <lora:y:1>"}, 422, "lora:y"),
        ("/txt2img", [1], 422, "a list"),
        ("/options", {"samples_save": True}, 422, "samples_save"),
        ("/options", {"sd_model_checkpoint": "nope"}, 404, "nope"),
    ],
)
def test_bad_requests_are_one_sentence(served: Served, path: str, body: object, status: int, found: str) -> None:
    answered, answer = call(served, "POST", path, body)
    assert isinstance(answer, dict)
    assert (answered, found in answer["detail"]) == (status, True), answer


def test_fields_that_ask_for_nothing_are_fine(served: Served) -> None:
    body = {**QUICK, "enable_hr": False, "styles": [], "alwayson_scripts": {}, "denoising_strength": None, "save_images": True}
    assert call(served, "POST", "/txt2img", {**body, "send_images": False})[0] == 200


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"null"])
def test_malformed_bodies_are_refused(served: Served, raw: bytes) -> None:
    status, answer = call(served, "POST", "/txt2img", raw=raw)
    assert isinstance(answer, dict)
    assert (status, "The request body" in answer["detail"]) == (422, True)


def test_another_sites_page_is_refused(served: Served) -> None:
    request = urllib.request.Request(f"{served.url}/sdapi/v1/interrupt", b"", {"Sec-Fetch-Site": "cross-site"}, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    with refusal.value as error:
        assert error.code == 403


def test_another_host_gets_no_routes(tmp_path: object) -> None:
    with pytest.raises(HostError, match="fake"):
        add_routes(object(), fake_host(tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [b'"\\ud800"', b"NaN"])
def test_what_no_answer_can_hold_is_refused(served: Served, value: bytes) -> None:
    status, answer = call(served, "POST", "/txt2img", raw=b'{"prompt": %s, "save_images": %s}' % (value, value))
    assert status == 422 and isinstance(answer, dict)
    assert answer["detail"].startswith("The request body is not valid JSON")


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", "/sdapi/v1/options")
    connection.putheader("Content-Length", "1000001")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["error"]) == (413, "TooLarge")
    connection.close()
