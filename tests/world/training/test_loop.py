"""Training resumes where it was, and its captions say what they should."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

torch = pytest.importorskip("torch")

from tag_atelier.world import byte_pairs  # noqa: E402
from tag_atelier.world.clip_vocabulary import END_ID, START_ID  # noqa: E402
from tag_atelier.world.miniature import BYTE_PAIRS  # noqa: E402
from tag_atelier.world.training import loop  # noqa: E402
from tag_atelier.world.training.captions import Captions, Emphasis  # noqa: E402
from tag_atelier.world.training.pictures import batch, to_pixels, to_signal  # noqa: E402


class Stopped(Exception):
    """Somebody ended the training."""


def trained(work: Path, stop_at: int | None = None) -> dict[str, object]:
    torch.manual_seed(1)
    network = torch.nn.Linear(4, 1)
    recipe = loop.Recipe("line", steps=60, batch=8, rate=0.01, warm_up=2, save_every_s=0.0)

    def loss_of(step: int) -> torch.Tensor:
        if step == stop_at:
            raise Stopped
        given = torch.randn(8, 4)
        return (network(given)[:, 0] - given.sum(1)).square().mean()

    loop.train(recipe, network, loss_of, work)
    return loop.averaged(work, "line")


def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    once.mkdir()
    twice.mkdir()
    whole = trained(once)
    with pytest.raises(Stopped):
        trained(twice, stop_at=31)
    halves = loop.averaged(twice, "line")
    assert not torch.equal(halves["weight"], whole["weight"])
    resumed = trained(twice)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (once / "line.loss.csv").read_text(encoding="utf-8").startswith("50,400,")


def test_pictures_come_back_from_signals_and_follow_seed_and_step() -> None:
    signal, tags = batch(3, 4, 2)
    again, _ = batch(3, 4, 2)
    other, _ = batch(3, 5, 2)
    assert torch.equal(signal, again) and not torch.equal(signal, other)
    assert len(tags) == 2 and signal.shape == (2, 3, 64, 64)
    assert torch.allclose(to_signal(to_pixels(signal)), signal, atol=1e-6)


@pytest.fixture(scope="module")
def captions() -> Captions:
    return Captions(byte_pairs.read(BYTE_PAIRS))


def test_a_caption_is_tags_between_commas(captions: Captions) -> None:
    row = captions.row(["1girl", "blonde_hair"])
    assert row[:7] == [START_ID, 272, 1611, 267, 10711, 2225, END_ID] and set(row[7:]) == {END_ID} and len(row) == 77


def test_captions_leave_out_neglected_tags_and_sometimes_everything(captions: Captions) -> None:
    noise = numpy.random.default_rng(1)
    shown = [("smile", "kimono")] * 400
    ids, told = captions.batch(shown, noise, Emphasis(frozenset({"kimono"}), 1.0))
    assert ids.shape == (400, 77) and set(ids.flatten().tolist()) <= set(captions.known.tolist())
    assert 0.03 < float((told == 0).float().mean()) < 0.12
    has = {tag: float((ids == captions.row([tag])[1]).any(dim=1).float().mean()) for tag in ("smile", "kimono")}
    assert has["kimono"] == 0 and 0.5 < has["smile"] < 0.95
