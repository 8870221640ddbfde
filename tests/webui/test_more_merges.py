"""The live merge where other parts of the WebUI reach into the same model: X/Y/Z plot, SDXL, VAE files, the reload button."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.webui.client import OURS, PROBE, Answer, Client, Picture, pictures
from tests.webui.server import Server
from tests.webui.test_live_merge import TEXT_ONLY, UNET_ONLY, Before, before, recipe
from tests.webui.test_panel import MESSY, by_hand, panel

__all__ = ["before"]

XL = {"width": 128, "height": 128, "steps": 3}
STAYS = "Forge has another menu; reForge keeps no copy of the checkpoint's VAE, and leaves the file's in (sd_models.py:983)"
XL_RECIPE = recipe("tiny-sdxl-a", "tiny-sdxl-b")
XL_TEXT = recipe("tiny-sdxl-a", "tiny-sdxl-b", {"base": 0.0, "CLIP_L": 0.6, "CLIP_G": 0.9})


class TestPlot:
    """The built-in X/Y/Z plot draws copies of the job."""

    def test_every_cell_is_arranged(self, client: Client) -> None:
        cells = plotted(client, "Seed", "1, 2", prompt=MESSY, **panel({}))
        alone = [client.draw(by_hand(client), seed=seed).pixels for seed in (1, 2)]
        assert [cell.pixels for cell in cells] == alone

    @pytest.mark.parametrize("wanted", [UNET_ONLY, TEXT_ONLY], ids=["blocks", "text encoder"])
    def test_every_cell_carries_the_merge_for_this_job(self, before: Before, client: Client, wanted: dict) -> None:
        client.apply(wanted)
        expected = [client.draw(seed=seed).pixels for seed in (1, 2)]
        client.restore()
        cells = plotted(client, "Seed", "1, 2", **panel({"merge": wanted}))
        assert [cell.pixels for cell in cells] == expected
        before.check()

    def test_an_exception_in_a_cell(self, before: Before, client: Client) -> None:
        client.post(f"{PROBE}/plan", {"fail": "sample"})
        plot(client, "Seed", "1, 2", **panel({"merge": recipe()}))
        before.check()

    def test_checkpoints_as_an_axis_while_merged(self, before: Before, client: Client) -> None:
        plain = [client.draw(override_settings={"sd_model_checkpoint": name}).pixels for name in ("tiny-sd15-b", "tiny-sd15-a")]
        client.apply(recipe())
        cells = plotted(client, "Checkpoint name", "tiny-sd15-b, tiny-sd15-a")
        assert [cell.pixels for cell in cells] == plain  # the switch has undone the merge, as every switch does


def plot(client: Client, axis: str, values: str, **fields: object) -> Answer:
    """An X/Y/Z job with one axis; its script takes the axis as a number of its own list."""
    scripts = client.get("/sdapi/v1/script-info")
    info = next(item for item in scripts if item["name"] == "x/y/z plot" and not item["is_img2img"])
    arguments = [argument["value"] for argument in info["args"]]
    labels = [argument["label"] for argument in info["args"]]
    axes = next(argument["choices"] for argument in info["args"] if argument["label"] == "X type")
    arguments[labels.index("X type")] = axes.index(axis)
    first = labels.index("X values")
    arguments[first : first + 2] = [values, values.split(", ")]  # an axis of names reads the menu, not the text
    arguments[labels.index("Include Sub Images")] = True
    arguments[labels.index("Draw legend")] = False
    for label in ("Y type", "Z type"):
        arguments[labels.index(label)] = 0
    prompt = str(fields.pop("prompt", "1girl, solo"))
    return client.try_draw(prompt, script_name="X/Y/Z plot", script_args=arguments, **fields)


def plotted(client: Client, axis: str, values: str, **fields: object) -> list[Picture]:
    """The cells of a plot."""
    answer = plot(client, axis, values, **fields)
    assert answer.status == 200, answer.body
    return [picture for picture in pictures(answer) if picture.image().size == (64, 64)]


@pytest.mark.only("a1111", reason="Forge and reForge take SDXL with full-size text encoders only, 2.4 GB a file")
class TestSdxl:
    """The other family: two text encoders, of which the WebUI lists every tensor twice."""

    @pytest.fixture
    def loaded(self, client: Client) -> Iterator[Before]:
        client.choose("tiny-sdxl-a.safetensors")
        state = Before(client, {}, client.draw(**XL), client.draw("landscape, night", **XL))
        client.draw(**XL)
        state.weights = client.weights()
        yield state
        assert client.weights() == state.weights
        assert client.draw(**XL).pixels == state.picture.pixels
        assert client.draw("landscape, night", **XL).pixels == state.other.pixels
        client.choose("tiny-sd15-a.safetensors")

    @pytest.mark.parametrize("wanted", [XL_RECIPE, XL_TEXT], ids=["whole", "text encoders"])
    def test_it_draws_what_the_merged_file_draws(self, loaded: Before, client: Client, wanted: dict) -> None:
        name = f"merged-xl-{json.dumps(wanted['alpha'])[:3].strip('{')}".replace('"', "").replace(".", "")
        written = client.job("POST", "/merges", {"recipe": wanted, "name": name})
        assert written["state"] == "done", written
        job = client.apply(wanted)
        assert job["result"]["unknown_keys"] in ([], ["denoiser.sigmas"])
        live = client.draw(**XL)
        assert live.pixels != loaded.picture.pixels
        client.restore()
        assert client.draw(**XL, **panel({"merge": wanted})).pixels == live.pixels
        client.choose(f"{name}.safetensors")
        assert client.draw(**XL).pixels == live.pixels
        client.choose("tiny-sdxl-a.safetensors")

    def test_with_a_network(self, loaded: Before, client: Client) -> None:
        prompt = "1girl, solo <lora:tiny-lora-sdxl:0.8>"
        plain = client.draw(prompt, **XL)
        assert plain.pixels != loaded.picture.pixels
        client.apply(XL_RECIPE)
        merged = client.draw(prompt, **XL)
        assert merged.pixels not in (plain.pixels, client.draw(**XL).pixels)
        client.draw(prompt, **XL)
        client.restore()
        assert client.draw(prompt, **XL).pixels == plain.pixels
        client.draw(**XL)


@pytest.mark.only("a1111", "reforge", reason="Forge takes its VAE files from another menu, which /sdapi does not set")
class TestVae:
    """The VAE is merged, and the WebUI puts a VAE file in the place of the checkpoint's own."""

    WITH_VAE = recipe(alpha={"base": 0.3, "VAE": 0.7})
    VAE_ONLY = recipe(alpha={"base": 0.0, "VAE": 0.7})

    @pytest.fixture
    def vae_file(self, client: Client, server: Server) -> Iterator[str]:
        from safetensors import safe_open
        from safetensors.numpy import save_file

        folder = server.data / "models" / "VAE"
        folder.mkdir(exist_ok=True)
        prefix = "first_stage_model."
        with safe_open(str(server.data / "models" / "Stable-diffusion" / "tiny-sd15-b.safetensors"), "numpy") as source:
            tensors = {key[len(prefix) :]: source.get_tensor(key) for key in source.keys() if key.startswith(prefix)}  # noqa: SIM118
        save_file(tensors, str(folder / "other.safetensors"))
        client.post("/sdapi/v1/refresh-vae")
        yield "other.safetensors"
        client.post("/sdapi/v1/options", {"sd_vae": "Automatic"})
        shutil.rmtree(folder)
        client.post("/sdapi/v1/refresh-vae")

    def test_merged_and_restored(self, before: Before, client: Client) -> None:
        client.apply(self.WITH_VAE)
        assert client.weights()["vae"] != before.weights["vae"]
        client.restore()

    @pytest.mark.only("a1111", reason=STAYS)
    @pytest.mark.parametrize("wanted", [WITH_VAE, VAE_ONLY], ids=["with text encoder", "alone"])
    def test_a_file_chosen_while_merged(self, before: Before, client: Client, vae_file: str, wanted: dict) -> None:
        client.apply(wanted)
        client.post("/sdapi/v1/options", {"sd_vae": vae_file})
        with_file = client.weights()["vae"]
        client.restore()
        assert client.weights()["vae"] == with_file != before.weights["vae"]
        client.post("/sdapi/v1/options", {"sd_vae": "None"})

    @pytest.mark.only("a1111", reason=STAYS)
    def test_a_file_chosen_before(self, before: Before, client: Client, vae_file: str) -> None:
        client.post("/sdapi/v1/options", {"sd_vae": vae_file})
        with_file = client.weights()["vae"]
        client.apply(self.WITH_VAE)
        assert client.weights()["vae"] != with_file
        client.restore()
        assert client.weights()["vae"] == with_file
        client.apply(self.WITH_VAE)
        client.post("/sdapi/v1/options", {"sd_vae": "None"})
        client.restore()


@pytest.mark.only("a1111", "reforge", reason="Forge's routes of these names do nothing")
@pytest.mark.parametrize("route", ["unload-checkpoint", "reload-checkpoint"])
def test_what_the_actions_tab_does_to_a_merged_model(before: Before, client: Client, route: str) -> None:
    client.apply(recipe())
    merged = client.draw()
    client.post(f"/sdapi/v1/{route}")
    client.post("/sdapi/v1/reload-checkpoint")
    assert client.draw().pixels == merged.pixels and client.get(f"{OURS}/status")["dirty"] is True
    client.restore()


def test_a_stopped_merge_leaves_the_model_as_it_was(before: Before, client: Client) -> None:
    for _ in range(3):
        started = client.post(f"{OURS}/live", {"recipe": recipe()})
        client.post(f"{OURS}/jobs/{started['id']}/cancel")
        job = client.wait(started["id"])
        if job["state"] == "done":
            client.restore()
        else:
            assert job["state"] == "cancelled" and client.get(f"{OURS}/status")["dirty"] is False
