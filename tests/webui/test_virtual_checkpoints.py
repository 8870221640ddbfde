"""Saved recipes in the checkpoint list, merge axes in the plot, and the recipe in infotext and panel."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.webui.client import OURS, Client
from tests.webui.server import Server
from tests.webui.test_live_merge import TEXT_ONLY, UNET_ONLY, Before, before, recipe
from tests.webui.test_more_merges import plotted
from tests.webui.test_panel import panel

__all__ = ["before"]

NAME = "half"


@pytest.fixture
def saved(client: Client):
    """A saved recipe; gone afterwards."""
    client.post(f"{OURS}/recipes", {"name": NAME, "recipe": UNET_ONLY})
    yield f"{NAME}.merge"
    client.choose("tiny-sd15-a.safetensors")
    client.draw()
    client.request("DELETE", f"{OURS}/recipes/{NAME}")


def titles(client: Client) -> list[str]:
    return [model["title"] for model in client.get("/sdapi/v1/sd-models")]


def test_choosing_it_draws_merged_and_choosing_the_real_one_leaves_it(before: Before, client: Client, saved: str) -> None:
    client.apply(UNET_ONLY)
    expected = client.draw()
    client.restore()
    assert [title for title in titles(client) if title.startswith(saved)]
    client.choose(saved)
    drawn = client.draw()
    assert drawn.pixels == expected.pixels
    assert "Model: tiny-sd15-a" in drawn.infotext and "Tag Atelier recipe: " in drawn.infotext
    client.choose("tiny-sd15-b.safetensors")
    other = client.draw()
    assert "Tag Atelier" not in other.infotext
    client.choose(saved)
    assert client.draw().pixels == expected.pixels
    client.choose("tiny-sd15-a.safetensors")
    assert client.draw().pixels == before.picture.pixels


def test_for_one_job_by_override(before: Before, client: Client, saved: str) -> None:
    client.apply(UNET_ONLY)
    expected = client.draw()
    client.restore()
    drawn = client.draw(override_settings={"sd_model_checkpoint": saved})
    assert drawn.pixels == expected.pixels
    plain = client.draw()
    assert plain.pixels == before.picture.pixels and "Tag Atelier" not in plain.infotext


def test_restore_leaves_it_for_its_first_model(before: Before, client: Client, saved: str) -> None:
    client.choose(saved)
    client.draw()
    client.restore()
    plain = client.draw()
    assert plain.pixels == before.picture.pixels and "Tag Atelier" not in plain.infotext


def test_checkpoints_as_an_axis(before: Before, client: Client, saved: str) -> None:
    client.choose(saved)
    merged = client.draw().pixels
    client.choose("tiny-sd15-a.safetensors")
    client.draw()
    title = next(title for title in titles(client) if title.startswith(saved))
    cells = plotted(client, "Checkpoint name", f"tiny-sd15-a, {title}")
    assert [cell.pixels for cell in cells] == [before.picture.pixels, merged]


def test_a_job_with_its_own_merge_stands_over_it(before: Before, client: Client, saved: str) -> None:
    client.apply(TEXT_ONLY)
    expected = client.draw()
    client.restore()
    client.choose(saved)
    chosen = client.draw()
    assert client.draw(**panel({"merge": TEXT_ONLY, "arrange": False})).pixels == expected.pixels
    assert client.draw().pixels == chosen.pixels


def test_a_recipe_whose_second_model_is_missing_stops_the_job(before: Before, client: Client) -> None:
    client.post(f"{OURS}/recipes", {"name": "broken", "recipe": recipe(second="nowhere")})
    try:
        answer = client.try_draw(override_settings={"sd_model_checkpoint": "broken.merge"})
        assert answer.status == 404 and "nowhere" in answer.json()["detail"]
    finally:
        client.request("DELETE", f"{OURS}/recipes/broken")


AXES = [
    ("weight", "0, 0.5, 1", [0.0, 0.5, 1.0]),
    ("block", "M00 1, OUT03 0.3", [{"ALL": 0.25, "M00": 1}, {"ALL": 0.25, "OUT03": 0.3}]),
    ("preset", "GRAD_V, ALL_B", ["GRAD_V", "ALL_B"]),
]


@pytest.mark.parametrize(("axis", "values", "alphas"), AXES, ids=[axis for axis, _, _ in AXES])
def test_merge_axes(before: Before, client: Client, axis: str, values: str, alphas: list[object]) -> None:
    expected = []
    for alpha in alphas:
        client.apply(recipe(alpha=alpha))
        expected.append(client.draw().pixels)
    client.restore()
    start = panel({"merge": recipe(alpha=0.25), "arrange": False})
    cells = plotted(client, f"Tag Atelier merge {axis}", values, **start)
    assert [cell.pixels for cell in cells] == expected
    before.check()


def test_axes_vary_a_merge_that_stands_and_leave_it(before: Before, client: Client) -> None:
    client.apply(UNET_ONLY)
    standing, weights = client.draw().pixels, client.weights()
    cells = plotted(client, "Tag Atelier merge method", "weighted_sum, slerp")
    assert cells[0].pixels == standing != cells[1].pixels
    assert client.weights() == weights and client.draw().pixels == standing
    client.restore()


@pytest.mark.only("a1111", "reforge", reason="Forge's API cannot read any infotext: its own fields of lists raise a TypeError")
def test_pasting_the_infotext_merges_again(before: Before, client: Client) -> None:
    first = client.draw(**panel({"merge": UNET_ONLY, "arrange": False}))
    line = next(part for part in first.infotext.splitlines()[-1].split(", Tag Atelier ") if part.startswith("recipe: "))
    assert json.loads(json.loads(line.removeprefix("recipe: ").rsplit('", ', 1)[0].rstrip('"') + '"'))["models"] == [
        "tiny-sd15-a",
        "tiny-sd15-b",
    ]
    again = client.request("POST", "/sdapi/v1/txt2img", {"infotext": first.infotext})
    assert again.status == 200
    assert json.loads(again.json()["info"])["infotexts"][0].count("Tag Atelier recipe") == 1
    assert client.draw().pixels == before.picture.pixels


def test_the_hash_of_a_written_merge_is_known_to_the_webui(client: Client) -> None:
    job = client.job("POST", "/merges", {"recipe": UNET_ONLY, "name": "hashed-merge"})
    assert job["state"] == "done", job
    found = next(model for model in client.get("/sdapi/v1/sd-models") if model["model_name"] == "hashed-merge")
    assert found["sha256"] == job["result"]["sha256"]
    assert client.get(f"{OURS}/merges")["history"][0]["file"] == "hashed-merge.safetensors"


def test_it_is_still_chosen_after_a_restart(boot: Callable[..., Server]) -> None:
    server = boot("virtual", "link", "--nowebui")
    try:
        client = server.client
        plain = client.draw().pixels
        client.post(f"{OURS}/recipes", {"name": NAME, "recipe": UNET_ONLY})
        client.choose(f"{NAME}.merge")
        merged = client.draw().pixels
        server.stop()
        server.start(("--nowebui", "--skip-install"))
        assert server.client.draw().pixels == merged != plain
        assert server.client.get(f"{OURS}/status")["loaded"] == "tiny-sd15-a"
    finally:
        server.stop()
