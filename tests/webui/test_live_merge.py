"""The live merge: what it draws is what the merged file draws, and afterwards weights and pictures are as before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.webui.background import drawing
from tests.webui.client import OURS, PROBE, Client, Picture, pictures
from tests.webui.server import Server
from tests.webui.test_panel import MESSY, panel

LORA = "1girl, solo <lora:tiny-lora-sd15:0.8>"


def recipe(first: str = "tiny-sd15-a", second: str = "tiny-sd15-b", alpha: object = 0.5) -> dict[str, object]:
    return {"models": [first, second], "method": "weighted_sum", "alpha": alpha}


TEXT_ONLY = recipe(alpha={"base": 0.0, "CLIP_L": 0.8})
UNET_ONLY = recipe(alpha={"base": 0.0, "IN05": 0.7, "M00": 1.0, "OUT03": 0.5})


@dataclass
class Before:
    """How the model was before a test; the test must leave it so."""

    client: Client
    weights: dict[str, str]
    picture: Picture
    other: Picture

    def check(self) -> None:
        """Weights and picture are bit for bit what they were."""
        assert self.client.get(f"{OURS}/status")["dirty"] is False
        assert self.client.weights() == self.weights
        assert self.client.draw().pixels == self.picture.pixels
        assert self.client.draw("landscape, night").pixels == self.other.pixels
        self.client.draw()


@pytest.fixture
def before(client: Client) -> Iterator[Before]:
    """The untouched model; checked again after the test has done its worst."""
    client.choose("tiny-sd15-a.safetensors")
    picture = client.draw()  # without a LoRA: an earlier job's leaves the weights
    state = Before(client, client.weights(), picture, client.draw("landscape, night"))
    client.draw()
    yield state
    state.check()


def test_apply_changes_and_restore_undoes(before: Before, client: Client) -> None:
    job = client.apply(recipe())
    assert job["result"]["changed_keys"] > 600 and job["done"] == job["total"] > 0
    merged = client.draw()
    status = client.get(f"{OURS}/status")
    assert status["dirty"] is True and status["live_merge"] == job["result"]["digest"]
    assert f"Tag Atelier merge: {status['live_merge'][:16]}" in merged.infotext
    assert merged.pixels != before.picture.pixels
    client.restore()
    assert "Tag Atelier" not in client.draw().infotext


@pytest.mark.parametrize("wanted", [recipe(), TEXT_ONLY, UNET_ONLY], ids=["whole", "text encoder", "three blocks"])
def test_it_draws_what_the_merged_file_draws(before: Before, client: Client, wanted: dict[str, object]) -> None:
    name = f"merged-{time.monotonic_ns()}"
    written = client.job("POST", "/merges", {"recipe": wanted, "name": name})
    assert written["state"] == "done", written
    client.apply(wanted)
    live = client.draw()
    client.restore()
    client.choose(f"{name}.safetensors")
    assert client.draw().pixels == live.pixels != before.picture.pixels
    client.choose("tiny-sd15-a.safetensors")


def test_two_merges_in_a_row_do_not_add_up(before: Before, client: Client) -> None:
    client.apply(UNET_ONLY)
    alone = client.draw()
    client.apply(recipe(alpha=1.0))
    assert client.draw().pixels != alone.pixels
    client.apply(UNET_ONLY)
    assert client.draw().pixels == alone.pixels
    client.restore()
    client.restore()


def test_the_conditionings_of_the_text_encoder_do_not_stick(before: Before, client: Client) -> None:
    warm = client.draw(MESSY)
    client.apply(TEXT_ONLY)
    assert client.draw(MESSY).pixels != warm.pixels
    new_while_merged = client.draw("forest, rain")
    client.restore()
    assert client.draw("forest, rain").pixels != new_while_merged.pixels
    assert client.draw(MESSY).pixels == warm.pixels


def test_an_exception_while_drawing_leaves_the_merge_until_restored(before: Before, client: Client) -> None:
    client.apply(recipe())
    merged = client.draw()
    for step in ("sample", "setup_conds"):
        client.post(f"{PROBE}/plan", {"fail": step})
        assert client.try_draw("another prompt").status == 500
    assert client.draw().pixels == merged.pixels
    client.restore()


@pytest.mark.parametrize("step", ["sample", "setup_conds", "init"])
def test_an_exception_ends_a_merge_for_one_job(before: Before, client: Client, step: str) -> None:
    client.post(f"{PROBE}/plan", {"fail": step})
    assert client.try_draw(**panel({"merge": recipe()})).status == 500
    before.check()


@pytest.mark.parametrize("wanted", [recipe(), TEXT_ONLY], ids=["whole", "text encoder"])
@pytest.mark.parametrize("passes", [1, 2])
def test_a_merge_for_one_job_draws_the_same_and_is_gone(
    before: Before, client: Client, wanted: dict[str, object], passes: int
) -> None:
    more = client.hires if passes == 2 else {}
    client.apply(wanted)
    expected = client.draw(**more)
    client.restore()
    drawn = client.draw(**more, **panel({"merge": wanted}))
    assert drawn.pixels == expected.pixels and "Tag Atelier merge" in drawn.infotext
    before.check()


def test_two_passes_while_merged(before: Before, client: Client) -> None:
    plain = client.draw(**client.hires)
    client.apply(recipe())
    assert client.draw(**client.hires).pixels != plain.pixels
    client.restore()
    assert client.draw(**client.hires).pixels == plain.pixels


def test_a_merge_for_one_job_is_refused_while_merged(before: Before, client: Client) -> None:
    client.apply(UNET_ONLY)
    merged = client.draw()
    answer = client.try_draw(**panel({"merge": recipe()}))
    assert answer.status == 409 and "merged already" in answer.json()["detail"]
    assert client.draw().pixels == merged.pixels
    client.restore()


@pytest.mark.parametrize("change", [{"refiner_checkpoint": "tiny-sd15-b", "refiner_switch_at": 0.5}], ids=["refiner"])
def test_a_merge_for_one_job_is_refused_where_the_job_switches_models(
    before: Before, client: Client, change: dict[str, object]
) -> None:
    answer = client.try_draw(**change, **panel({"merge": recipe()}))
    assert answer.status == 422 and "tiny-sd15-b" in answer.json()["detail"]


def test_a_recipe_for_another_model_than_the_loaded_one(before: Before, client: Client) -> None:
    job = client.job("POST", "/live", {"recipe": recipe("tiny-sd15-b", "tiny-sd15-a")})
    assert job["state"] == "failed" and "tiny-sd15-a" in job["error"] and "tiny-sd15-b" in job["error"]
    answer = client.try_draw(**panel({"merge": recipe("tiny-sd15-b", "tiny-sd15-a")}))
    assert answer.status == 422 and "'tiny-sd15-a' is loaded" in answer.json()["detail"]


def test_interrupting_a_drawing_keeps_the_merge_restorable(before: Before, client: Client) -> None:
    client.apply(recipe())
    with drawing(client) as answers:
        client.post("/sdapi/v1/interrupt")
    assert answers[0].status == 200
    client.restore()


def test_interrupting_a_job_with_its_own_merge(before: Before, client: Client) -> None:
    with drawing(client, **panel({"merge": recipe()})) as answers:
        client.post("/sdapi/v1/interrupt")
    assert answers[0].status == 200
    before.check()


def test_a_restore_waits_for_the_drawing_under_way(before: Before, client: Client) -> None:
    client.apply(recipe())
    merged = client.draw(steps=6)
    with drawing(client, steps=6) as answers:
        client.restore()
    assert pictures(answers[0])[0].pixels == merged.pixels


class TestSwitching:
    """The checkpoint is switched while something is merged into it."""

    def test_to_another_checkpoint_and_back(self, before: Before, client: Client) -> None:
        client.choose("tiny-sd15-b.safetensors")
        other = client.draw()
        client.choose("tiny-sd15-a.safetensors")
        client.draw()
        client.apply(recipe())
        client.choose("tiny-sd15-b.safetensors")
        assert client.draw().pixels == other.pixels
        assert client.get(f"{OURS}/status")["dirty"] is False
        client.choose("tiny-sd15-a.safetensors")

    def test_for_one_job_by_override(self, before: Before, client: Client) -> None:
        other = client.draw(override_settings={"sd_model_checkpoint": "tiny-sd15-b"})
        client.draw()
        client.apply(recipe())
        drawn = client.draw(override_settings={"sd_model_checkpoint": "tiny-sd15-b"})
        assert drawn.pixels == other.pixels and "Tag Atelier merge" not in drawn.infotext
        client.draw()

    def test_for_a_job_with_its_own_merge(self, before: Before, client: Client) -> None:
        backwards = recipe("tiny-sd15-b", "tiny-sd15-a", 0.25)
        client.choose("tiny-sd15-b.safetensors")
        client.apply(backwards)
        expected = client.draw()
        client.restore()
        client.choose("tiny-sd15-a.safetensors")
        drawn = client.draw(override_settings={"sd_model_checkpoint": "tiny-sd15-b"}, **panel({"merge": backwards}))
        assert drawn.pixels == expected.pixels
        client.draw()

    @pytest.mark.only("a1111", reason="no SDXL file here that Forge and reForge take")
    def test_to_another_family_and_back(self, before: Before, client: Client) -> None:
        client.apply(recipe())
        client.choose("tiny-sdxl-a.safetensors")
        assert client.get(f"{OURS}/status")["dirty"] is False
        client.choose("tiny-sd15-a.safetensors")

    @pytest.mark.only("a1111", "reforge", reason="Forge keeps one checkpoint in memory")
    def test_with_two_checkpoints_in_memory(self, before: Before, client: Client, server: Server) -> None:
        client.post("/sdapi/v1/options", {"sd_checkpoints_limit": 2})
        try:
            client.choose("tiny-sd15-b.safetensors")
            other = client.draw()
            client.choose("tiny-sd15-a.safetensors")
            client.apply(recipe())
            client.choose("tiny-sd15-b.safetensors")
            assert client.draw().pixels == other.pixels
            client.choose("tiny-sd15-a.safetensors")
            before.check()
            if server.checkout.has_parts:
                return  # no SDXL file here that it takes
            client.apply(recipe())
            client.choose("tiny-sdxl-a.safetensors")  # a third: one of the two is thrown out
            client.draw(width=128, height=128)
            client.choose("tiny-sd15-a.safetensors")
            before.check()
        finally:
            client.post("/sdapi/v1/options", {"sd_checkpoints_limit": 1})
            client.choose("tiny-sd15-b.safetensors")
            client.choose("tiny-sd15-a.safetensors")


class TestNetworks:
    """LoRA lives in the same weights: merged before, during and after a LoRA job."""

    def test_before(self, before: Before, client: Client) -> None:
        plain_with = client.draw(LORA)
        client.apply(recipe())  # the LoRA is still in the weights here
        merged = client.draw()
        client.restore()
        client.draw()
        client.apply(recipe())
        assert client.draw().pixels == merged.pixels
        client.restore()
        assert client.draw(LORA).pixels == plain_with.pixels
        client.draw()

    def test_during(self, before: Before, client: Client) -> None:
        plain_with = client.draw(LORA)
        client.draw()
        client.apply(recipe())
        merged_with = client.draw(LORA)
        assert merged_with.pixels not in (plain_with.pixels, client.draw().pixels)
        assert client.draw(LORA).pixels == merged_with.pixels
        client.restore()  # the LoRA is still in the weights here
        assert client.draw(LORA).pixels == plain_with.pixels
        client.draw()

    def test_a_merge_for_one_job_with_a_network_in_it(self, before: Before, client: Client) -> None:
        client.apply(recipe())
        expected = client.draw(LORA)
        client.restore()
        assert client.draw(LORA, **panel({"merge": recipe()})).pixels == expected.pixels
        assert client.draw(LORA, **panel({"merge": recipe()})).pixels == expected.pixels
        client.draw()

    def test_an_exception_with_a_network_and_a_merge_in_the_weights(self, before: Before, client: Client) -> None:
        client.post(f"{PROBE}/plan", {"fail": "sample"})
        assert client.try_draw(LORA, **panel({"merge": recipe()})).status == 500
        client.draw()
