"""The fakes themselves: what other tests lean on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.errors import Cancelled, HostError
from tag_atelier.ports import Checkpoint, RenderedImage, RenderRequest, SamplingParameters
from tests.fakes import FakeCheckpointCatalogue, FakeProgress, FakeSampler, FakeScorer, draw, fake_host, flat_image, read_back

pytest.importorskip("numpy")
PARAMETERS = SamplingParameters(width=64, height=48)


def render(sampler: FakeSampler, *prompts: str) -> list[RenderedImage]:
    images: list[RenderedImage] = []
    sampler.render(
        [RenderRequest(prompt, seed=7) for prompt in prompts],
        PARAMETERS,
        Checkpoint("model-a", "a"),
        images.append,
        FakeProgress(),
    )
    return images


def test_a_drawn_image_says_what_it_was_drawn_from() -> None:
    image = draw(RenderRequest("1girl, >:\\(", seed=7), PARAMETERS, "model-a")
    assert image.size == (64, 48)
    assert read_back(image) == ("model-a", "1girl, >:\\(", 7)
    assert read_back(flat_image(PARAMETERS)) == ("", "", 0)


def test_scorer_sees_prompted_labels_only() -> None:
    scorer = FakeScorer(("glaring", "armpit_peek", "reaching"), skill={"model-b": 0.0})
    images = [draw(RenderRequest("1girl, glaring, armpit peek"), PARAMETERS, name) for name in ("model-a", "model-b")]
    scores = scorer.score(images)
    assert scores.shape == (2, 3)
    assert scores.ravel().tolist() == pytest.approx([0.9, 0.9, 0.05, 0.05, 0.05, 0.05], abs=1e-6)
    assert scorer.score([]).shape == (0, 3)


def test_sampler_delivers_in_order_and_can_go_wrong(tmp_path: Path) -> None:
    sampler = FakeSampler(FakeCheckpointCatalogue(tmp_path))
    sampler.flat_prompts = {"flat"}
    images = render(sampler, "one", "flat")
    assert [(image.index, image.status, image.checkpoint) for image in images] == [
        (0, "ok", "model-a"),
        (1, "invalid", "model-a"),
    ]
    assert images[0].infotext.splitlines()[0] == "one"
    sampler.fail_with, sampler.fail_at = HostError("no memory"), 1
    with pytest.raises(HostError, match="no memory"):
        render(sampler, "two")
    sampler.fail_with = None
    sampler.interrupt()
    with pytest.raises(Cancelled):
        render(sampler, "three")
    assert [request.prompt for batch in sampler.batches for request in batch] == ["one", "flat"]


def test_live_model_refuses_what_does_not_fit_and_puts_everything_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    host = fake_host(tmp_path, tensors={"a": torch.zeros(2), "b": torch.ones(3)})
    assert host.live_model is not None
    with pytest.raises(HostError, match=r"\(3,\)"):
        host.live_model.overwrite([("a", torch.full((2,), 5.0)), ("b", torch.zeros(2))])
    assert not host.live_model.dirty
    with pytest.raises(HostError, match="load one first"):
        host.live_model.checkpoint()
