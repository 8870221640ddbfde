"""Our own routes in the WebUI: every one answers, merges are written whole or not at all, bad input is told in a sentence."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_atelier import api
from tests.webui.background import slow
from tests.webui.client import OURS, Client
from tests.webui.server import Server

RECIPE = {"models": ["tiny-sd15-a", "tiny-sd15-b"], "method": "weighted_sum", "alpha": 0.5}


def test_every_route_of_the_table_is_served(client: Client) -> None:
    served = client.get("/openapi.json")["paths"]
    for route in api.ROUTES:
        assert route.method.lower() in served[api.PREFIX + route.path], route


def test_prompts(client: Client) -> None:
    arranged = client.post(f"{OURS}/prompt/arrange", {"text": "white hair, 1girl", "profile": "aidxl"})
    assert arranged["text"] == "1girl, white hair" and arranged["changed"] is True
    assert isinstance(client.post(f"{OURS}/prompt/lint", {"text": "(white hair:1.5, 1girl"})["findings"], list)
    slots = client.post(f"{OURS}/prompt/slots", {"tags": ["white_hair", "1girl"]})["slots"]
    assert [slot["slot"] for slot in slots] == ["main_char", "subject"]


def test_names(client: Client) -> None:
    names = client.get(f"{OURS}/names")
    assert {"tiny-sd15-a", "tiny-sd15-b"} <= set(names["checkpoints"])
    assert "aidxl" in names["profiles"] and "weighted_sum" in names["methods"] and names["taggers"] == ["tiny"]


class TestMerging:
    """Merging to a new file."""

    def test_a_written_file_is_found_and_draws(self, client: Client, server: Server) -> None:
        checked = client.post(f"{OURS}/merges/check", {"recipe": RECIPE})
        assert "sd15" in json.dumps(checked)
        job = client.job("POST", "/merges", {"recipe": RECIPE, "name": "written here"})
        assert job["state"] == "done" and job["done"] == job["total"] > 0, job
        assert "written here" in client.get(f"{OURS}/names")["checkpoints"]
        plain = client.draw()
        merged = client.draw(override_settings={"sd_model_checkpoint": "written here"})
        assert merged.pixels != plain.pixels and "Model: written here" in merged.infotext
        again = client.request("POST", f"{OURS}/merges", {"recipe": RECIPE, "name": "written here"})
        assert again.status == 422 and "exists already" in again.json()["detail"]

    @pytest.mark.parametrize("name", ["../outside", "a/b", "a\\b", "/tmp/x", "C:\\x", "con\n", "", ".hidden", "nul:"])
    def test_a_name_that_is_no_file_name(self, client: Client, server: Server, name: str) -> None:
        before = files(server)
        answer = client.request("POST", f"{OURS}/merges", {"recipe": RECIPE, "name": name})
        assert answer.status == 422 and "file name" in answer.json()["detail"], answer.body
        assert files(server) == before

    def test_a_cancelled_merge_leaves_nothing(self, client: Client, server: Server) -> None:
        before = files(server)
        with slow(client, 0.0):
            blocker = client.post(f"{OURS}/merges", {"recipe": RECIPE, "name": "first in line"})
            second = client.post(f"{OURS}/merges", {"recipe": RECIPE, "name": "never written"})
            client.post(f"{OURS}/jobs/{second['id']}/cancel")
        assert client.wait(second["id"])["state"] == "cancelled"
        client.wait(blocker["id"])
        assert {name for name in files(server) - before if "never written" in name} == set()


@pytest.fixture
def bad_files(server: Server) -> Iterator[None]:
    """Checkpoints that are none, in the WebUI's folder for one test."""
    folder = server.data / "models" / "Stable-diffusion"
    whole = (folder / "tiny-sd15-b.safetensors").read_bytes()
    made = {
        "bad-truncated.safetensors": whole[: len(whole) // 2],
        "bad-header.safetensors": struct.pack("<Q", 2**60) + b"{}",
        "bad-empty.safetensors": b"",
        "bad-pickle.ckpt": pickle.dumps({"state_dict": {}}),
        "bad-disguised.safetensors": pickle.dumps({"state_dict": {}}),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    server.client.post("/sdapi/v1/refresh-checkpoints")
    yield
    for name in made:
        (folder / name).unlink()
    server.client.post("/sdapi/v1/refresh-checkpoints")


def recipe(*models: str, **fields: object) -> dict[str, object]:
    return {"models": list(models), "alpha": 0.5, **fields}


BAD_RECIPES = {
    "truncated": (recipe("tiny-sd15-a", "bad-truncated"), ("bad-truncated",)),
    "broken header": (recipe("tiny-sd15-a", "bad-header"), ("bad-header",)),
    "empty": (recipe("tiny-sd15-a", "bad-empty"), ("bad-empty",)),
    "pickled": (recipe("tiny-sd15-a", "bad-pickle"), ("bad-pickle", "safetensors")),
    "disguised": (recipe("tiny-sd15-a", "bad-disguised"), ("bad-disguised",)),
    "other architecture": (recipe("tiny-sd15-a", "tiny-sdxl-a"), ("tiny-sdxl-a", "sdxl")),
    "unknown model": (recipe("tiny-sd15-a", "nobody"), ("nobody", "expected one of")),
    "unknown method": (recipe("tiny-sd15-a", "tiny-sd15-b", method="magic"), ("magic", "weighted_sum")),
    "unknown block": (recipe("tiny-sd15-a", "tiny-sd15-b", alpha={"IN99": 0.5}), ("IN99",)),
    "unknown field": (recipe("tiny-sd15-a", "tiny-sd15-b", aplha=0.5), ("aplha", "alpha")),
    "a path": (recipe("tiny-sd15-a", "/etc/passwd"), ("/etc/passwd",)),
    "one model": (recipe("tiny-sd15-a"), ("1 weights", "expected")),
    "no mapping": ([1, 2], ("recipe", "mapping")),
    "malformed": ("{models: [", ("YAML", "JSON")),
}


@pytest.mark.parametrize(("given", "named"), BAD_RECIPES.values(), ids=BAD_RECIPES.keys())
def test_a_bad_recipe_is_refused_before_anything_happens(
    client: Client, server: Server, bad_files: None, given: object, named: tuple[str, ...]
) -> None:
    before, weights = files(server), client.weights()
    for path, body in (("/merges/check", {}), ("/merges", {"name": "from bad input"}), ("/live", {})):
        answer = client.request("POST", OURS + path, {"recipe": given, **body})
        assert 400 <= answer.status < 500, (path, answer.body)
        sentence = answer.json()["detail"]
        assert all(word.lower() in sentence.lower() for word in named) and "\n" not in sentence, sentence
    assert files(server) == before and client.weights() == weights


BAD_REQUESTS = {
    "no JSON": ("POST", "/prompt/arrange", b"{", 422, "JSON"),
    "a list": ("POST", "/prompt/arrange", b"[]", 422, "object"),
    "no UTF-8": ("POST", "/prompt/arrange", b'{"text": "\xff"}', 422, "utf-8"),
    "deeply nested": ("POST", "/prompt/arrange", b"[" * 100_000, 422, "JSON"),
    "too large": ("POST", "/prompt/arrange", b" " * 1_000_001, 413, "1000000"),
    "unknown key": ("POST", "/prompt/arrange", {"text": "a", "profil": "aidxl"}, 422, "profil"),
    "no text": ("POST", "/prompt/arrange", {}, 422, "'text'"),
    "unknown profile": ("POST", "/prompt/arrange", {"text": "a", "profile": "x"}, 404, "aidxl"),
    "tags are a text": ("POST", "/prompt/slots", {"tags": "1girl"}, 422, "'tags'"),
    "no recipe": ("POST", "/merges", {}, 422, "'recipe'"),
    "no spec": ("POST", "/benchmarks", {}, 422, "'spec'"),
    "unknown job": ("GET", "/jobs/nobody", None, 404, "nobody"),
    "unknown run": ("GET", "/runs/nobody/report.html", None, 404, "nobody"),
    "outside": ("GET", "/runs/..%2f..%2fconfig.json/report.html", None, 404, ""),
    "outside file": ("GET", "/runs/x/..%2f..%2fconfig.json", None, 404, ""),
}


@pytest.mark.parametrize(("method", "path", "body", "status", "named"), BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_request(client: Client, method: str, path: str, body: object, status: int, named: str) -> None:
    answer = client.request(method, OURS + path, body)
    assert answer.status == status, answer.body
    assert named in str(answer.json()["detail"])


def test_another_site_may_not_change_anything(client: Client) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.request("POST", f"{OURS}/live", {"recipe": RECIPE}, foreign).status == 403
    assert client.request("DELETE", f"{OURS}/live", None, foreign).status == 403
    assert client.request("GET", f"{OURS}/status", None, foreign).status == 200


def files(server: Server) -> set[str]:
    folder = Path(server.data / "models" / "Stable-diffusion")
    return {path.name for path in folder.iterdir()}
