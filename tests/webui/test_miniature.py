"""The trained miniature in a real WebUI: it loads, and draws what the embedded host draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from tag_atelier.ports import RenderedImage, RenderRequest, SamplingParameters
from tag_atelier.world import miniature
from tests.fakes import FakeProgress
from tests.webui.checkout import Checkout
from tests.webui.client import Client
from tests.webui.server import Server

pytestmark = pytest.mark.only("a1111", reason="Forge and reForge take SDXL in its real widths only")

PROMPT = "1girl, solo, twintails, blonde hair, blue eyes, smile, red dress, holding sword, blue background"
SEEDS = (1, 2, 3)


@pytest.fixture
def made(server: Server, checkout: Checkout, client: Client) -> dict[str, Path]:
    """The three checkpoints in the WebUI's folder."""
    folder = server.data / "models" / "Stable-diffusion"
    files = miniature.make(folder, bpe_file=checkout.clip_merges())
    client.post("/sdapi/v1/refresh-checkpoints")
    return files


@pytest.mark.parametrize("name", miniature.NAMES)
def test_it_draws_what_the_embedded_host_draws(
    name: str, made: dict[str, Path], client: Client, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    pytest.importorskip("diffusers")
    from tag_atelier.host.embedded import build

    host = build(made[name].parent, tmp_path, device="cpu")
    drawn: list[RenderedImage] = []
    parameters = SamplingParameters(sampler="Euler", steps=12, cfg_scale=4, width=64, height=64)
    requests = [RenderRequest(PROMPT, "worst quality, low quality", seed) for seed in SEEDS]
    host.sampler.render(requests, parameters, host.checkpoints.resolve(name), drawn.append, FakeProgress())
    for image, request in zip(sorted(drawn, key=lambda image: image.index), requests, strict=True):
        theirs = client.draw(
            request.prompt,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            steps=12,
            cfg_scale=4,
            override_settings={"sd_model_checkpoint": name},
        )
        assert f"Model: {name}" in theirs.infotext
        here, there = (numpy.asarray(one.convert("RGB"), dtype=float) for one in (image.image, theirs.image()))
        difference = float(abs(here - there).mean())
        record_testsuite_property(f"{name}, seed {request.seed}: grey levels apart", difference)  # read with --junitxml
        assert difference <= 2.0
