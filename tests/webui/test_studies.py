"""A search in a real WebUI: candidates in the loaded model, pictures of the user's own between them, the answer used."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tag_atelier.world.words import LABELS
from tests.ui.browser import CHROMIUM, DRIVER, until
from tests.webui.client import OURS, PROBE, Client, Picture
from tests.webui.test_page import Page
from tests.webui.test_page import page as page
from tests.webui.test_page import pictures as pictures

MODELS = ["tiny-sd15-a", "tiny-sd15-b"]
STUDY: dict[str, Any] = {
    "name": "In the WebUI",
    "models": MODELS,
    "plan": {
        "template": "{tag}",
        "tags": [tag.replace("_", " ") for tag in LABELS[:24]],
        "parameters": {"sampler": "Euler", "steps": 1, "width": 64, "height": 64},
        "batch_size": 4,
        "threshold": 0.5,
    },
    "space": {"groups": "model", "low": 0, "high": 1},
    "trials": 4,
    "tags_per_prompt": 8,
    "prompts": 10,
    "halving": [1.0],
    "validation": {"share": 0.5, "prompts": 10},
}
NEEDS_INDEX = "optuna is not in the WebUI's Python; TAG_ATELIER_NETWORK=1 lets the test press Install"


@dataclass
class Before:
    """The model as it was, which a search must leave behind."""

    weights: dict[str, str]
    picture: Picture


@pytest.fixture
def before(client: Client) -> Iterator[Before]:
    if not client.get(f"{OURS}/studies")["ready"]:
        if not os.environ.get("TAG_ATELIER_NETWORK"):
            pytest.skip(NEEDS_INDEX)
        installed = client.job("POST", "/studies/install", timeout_s=300)
        assert installed["state"] == "done", installed
        assert client.get(f"{OURS}/studies")["ready"] is True
    client.choose("tiny-sd15-a.safetensors")
    picture = client.draw()
    state = Before(client.weights(), picture)
    yield state
    assert client.get(f"{OURS}/status")["dirty"] is False
    assert client.weights() == state.weights
    assert client.draw().pixels == picture.pixels


def status(client: Client, study: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{OURS}/studies/{study}")
    return found


def wait_for(client: Client, study: str, finished: int) -> None:
    """Until so many candidates are finished."""
    deadline = time.monotonic() + 240
    while status(client, study)["finished_trials"] < finished:
        assert time.monotonic() < deadline, status(client, study)
        time.sleep(0.2)


def test_a_search_goes_on_beside_the_users_own_pictures(client: Client, before: Before) -> None:
    told = client.post(f"{OURS}/studies/plan", {"study": STUDY})
    assert told["models"] == MODELS and told["started"] is False
    client.post(f"{PROBE}/plan", {"step_delay_s": 0.3})
    job = client.post(f"{OURS}/studies", {"study": STUDY})
    study = job["result"]["study"]
    wait_for(client, study, 1)
    assert client.draw().pixels == before.picture.pixels  # between two candidates, with the model's own weights
    assert client.request("POST", f"{OURS}/studies", {"study": STUDY}).status == 409
    client.post(f"{OURS}/studies/{study}/pause")
    assert client.wait(job["id"], 120)["state"] == "cancelled"
    paused = status(client, study)
    assert paused["state"] == "paused" and paused["finished_trials"] < 4
    client.post(f"{PROBE}/plan", {"step_delay_s": 0.0})
    done = client.job("POST", f"/studies/{study}/resume", timeout_s=300)
    assert done["state"] == "done", done
    found = status(client, study)
    assert (found["state"], found["finished_trials"]) == ("done", 4)
    assert [parent["name"] for parent in found["parents"]] == MODELS and found["result"]["sentence"]
    shown = {trial["candidate"]: trial for trial in found["trials"]}
    assert shown["parent-1"]["score"] != shown["parent-2"]["score"]
    report = client.request("GET", f"{OURS}/studies/{study}/report.html")
    assert report.status == 200 and b"data:image/" in report.body
    small = client.request("GET", f"{OURS}/studies/{study}/thumbs/parent-1-1.png")
    assert small.status == 200 and small.body
    name = f"found-{study[-8:]}"
    saved = client.job("POST", f"/studies/{study}/save", {"name": name})
    assert saved["state"] == "done", saved
    assert name in client.get(f"{OURS}/names")["checkpoints"]
    assert client.get(f"{OURS}/studies/{study}/benchmark")["spec"].count(name) == 1
    live = client.job("POST", f"/studies/{study}/live")
    assert live["state"] == "done", live
    client.restore()
    assert client.request("DELETE", f"{OURS}/studies/{study}").status == 200


def test_a_switch_of_checkpoint_meanwhile_spoils_no_candidate(client: Client, before: Before) -> None:
    client.post(f"{PROBE}/plan", {"step_delay_s": 0.2})
    job = client.post(f"{OURS}/studies", {"study": {**STUDY, "name": "Switched"}})
    wait_for(client, job["result"]["study"], 1)
    client.choose("tiny-sd15-b.safetensors")
    client.post(f"{PROBE}/plan", {"step_delay_s": 0.0})
    done = client.wait(job["id"], 300)
    assert done["state"] == "done", done
    assert status(client, job["result"]["study"])["finished_trials"] == 4
    client.choose("tiny-sd15-a.safetensors")


@pytest.mark.browser
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
def test_the_search_tab_stands_in_the_webuis_own_page(before: Before, page: Page, client: Client) -> None:
    job = client.job("POST", "/studies", {"study": {**STUDY, "name": "On the page"}}, timeout_s=300)
    assert job["state"] == "done", job
    page.tab("Tag Atelier")
    page.tab("Search", "#tag_atelier_tabs > .tab-nav")
    sentence = status(client, job["result"]["study"])["result"]["sentence"]
    until(lambda: sentence in page.text("#tag_atelier_search_study"))
    until(lambda: page.all(".tag-atelier-strip img")[0].get_property("naturalWidth") == 64)
    page.click("#tag_atelier_search_cost")
    until(lambda: "Fewer than two models are chosen" in page.text("#tag_atelier_search_result"))
    page.picture("search-tab")
    page.click("#tag_atelier_search_study .tag-atelier-job-buttons button")
    until(lambda: "On the page: found by search" in page.value("#tag_atelier_merge_recipe textarea"))
