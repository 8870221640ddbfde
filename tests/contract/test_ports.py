"""What ``ports.py`` promises, held against every host that runs here."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import pytest

from tag_atelier.errors import Cancelled, TagAtelierError, UnknownName
from tag_atelier.ports import LiveModel, RenderedImage, RenderRequest
from tests.contract.conftest import Candidate
from tests.fakes import FakeProgress

numpy = pytest.importorskip("numpy")

TWO = (RenderRequest("1girl, glaring", "lowres", 7), RenderRequest("1boy, reaching", "", 8))


def render(candidate: Candidate, batch: Sequence[RenderRequest], progress: FakeProgress | None = None) -> list[RenderedImage]:
    host = candidate.host
    images: list[RenderedImage] = []
    with (host.exclusive or nullcontext)():
        checkpoint = host.checkpoints.resolve(candidate.checkpoint)
        host.sampler.render(batch, candidate.parameters, checkpoint, images.append, progress or FakeProgress())
    return images


def pixels(image: RenderedImage) -> object:
    return numpy.asarray(image.image.convert("RGB"), dtype=numpy.int16)


def furthest(one: RenderedImage, other: RenderedImage) -> int:
    """Largest difference of two images in grey levels."""
    return int(abs(pixels(one) - pixels(other)).max())  # type: ignore[operator]


def test_checkpoints_are_found_by_name_title_and_hash(candidate: Candidate) -> None:
    catalogue = candidate.host.checkpoints
    listed = catalogue.list()
    assert candidate.checkpoint in [checkpoint.name for checkpoint in listed]
    assert len({checkpoint.title for checkpoint in listed}) == len(listed)
    wanted = catalogue.resolve(candidate.checkpoint)
    identity = catalogue.identify(wanted)
    assert re.fullmatch("[0-9a-f]{64}", identity)
    for name in (wanted.title, f"{wanted.name}.safetensors", identity, identity[:10]):
        assert catalogue.resolve(name).name == wanted.name
    assert catalogue.identify(catalogue.resolve(wanted.title)) == identity


@pytest.mark.parametrize("name", ["no-such-model", "", "0123456789abcdef", "../secret"])
def test_an_unknown_checkpoint_is_refused_by_name(candidate: Candidate, name: str) -> None:
    with pytest.raises(UnknownName) as refusal:
        candidate.host.checkpoints.resolve(name)
    assert f"'{name}'" in str(refusal.value)
    assert candidate.checkpoint in str(refusal.value)


def test_loading_makes_it_the_loaded_one(candidate: Candidate) -> None:
    catalogue = candidate.host.checkpoints
    catalogue.load(catalogue.resolve(candidate.checkpoint))
    loaded = catalogue.loaded()
    assert loaded is not None and loaded.name == candidate.checkpoint


def test_every_image_of_a_batch_arrives_once_and_says_what_it_is(candidate: Candidate) -> None:
    images = render(candidate, TWO)
    assert sorted(image.index for image in images) == [0, 1]
    for image in images:
        assert (image.status, image.checkpoint) == ("ok", candidate.checkpoint)
        assert image.image.mode == "RGB"
        assert image.image.size == (candidate.parameters.width, candidate.parameters.height)
        assert image.used["seed"] == TWO[image.index].seed
        assert TWO[image.index].prompt in image.infotext
        assert f"Seed: {TWO[image.index].seed}," in image.infotext


def test_neighbours_and_repetition_change_nothing(candidate: Candidate) -> None:
    together = {image.index: image for image in render(candidate, TWO)}
    for index, request in enumerate(TWO):
        (alone,) = render(candidate, [request])
        assert furthest(alone, together[index]) <= 1
    (first,), (again,) = render(candidate, TWO[:1]), render(candidate, TWO[:1])
    assert furthest(first, again) == 0


def test_seed_and_prompt_change_the_image(candidate: Candidate) -> None:
    requests = [TWO[0], RenderRequest(TWO[0].prompt, TWO[0].negative_prompt, 9), RenderRequest("dog", "lowres", 7)]
    images = [render(candidate, [request])[0] for request in requests]
    assert all(furthest(one, other) > 1 for one, other in itertools.combinations(images, 2))


def test_a_cancelled_batch_delivers_nothing(candidate: Candidate) -> None:
    progress = FakeProgress()
    progress.cancel_requested = True
    delivered: list[RenderedImage] = []
    host = candidate.host
    with pytest.raises(Cancelled):
        host.sampler.render(
            TWO, candidate.parameters, host.checkpoints.resolve(candidate.checkpoint), delivered.append, progress
        )
    assert delivered == []
    assert len(render(candidate, TWO)) == 2, "the host still draws after an interrupt"


def test_chunks_are_counted_from_one(candidate: Candidate) -> None:
    count = candidate.host.sampler.count_chunks
    assert count("") == 1
    assert count("1girl, glaring") == 1
    assert count(", ".join(["red dress"] * 60)) >= 2


@pytest.fixture
def live(candidate: Candidate) -> Iterator[LiveModel]:
    model = candidate.host.live_model
    if model is None:
        pytest.skip("this host has no live model")
    catalogue = candidate.host.checkpoints
    catalogue.load(catalogue.resolve(candidate.checkpoint))
    yield model
    model.restore()


def test_live_model_names_its_checkpoint_and_tensors(candidate: Candidate, live: LiveModel) -> None:
    assert live.checkpoint().name == candidate.checkpoint
    assert candidate.key in set(live.keys())
    assert not live.dirty


def test_overwrite_shows_and_restore_is_exact(candidate: Candidate, live: LiveModel) -> None:
    (before,) = render(candidate, TWO[:1])
    for factor in (0.5, 0.25):
        live.overwrite([(candidate.key, candidate.tensor() * factor)])
        assert live.dirty
        (changed,) = render(candidate, TWO[:1])
        assert (furthest(before, changed) > 1) is candidate.image_follows_weights
    live.restore()
    assert not live.dirty
    (after,) = render(candidate, TWO[:1])
    assert furthest(before, after) == 0
    live.restore()
    assert not live.dirty


def test_values_are_computed_where_they_are_wanted(candidate: Candidate, live: LiveModel) -> None:
    import torch

    class Halved:
        """The tensor times one half."""

        shape, dtype = tuple(candidate.tensor().shape), candidate.tensor().dtype

        def fill(self, target: torch.Tensor) -> None:
            assert (tuple(target.shape), target.dtype, target.is_contiguous()) == (self.shape, self.dtype, True)
            target.copy_(candidate.tensor() * 0.5)

    live.overwrite([(candidate.key, candidate.tensor() * 0.5)])
    (expected,) = render(candidate, TWO[:1])
    live.restore()
    live.overwrite([(candidate.key, Halved())])
    (changed,) = render(candidate, TWO[:1])
    assert furthest(expected, changed) == 0


def test_single_tensors_are_put_back(candidate: Candidate, live: LiveModel) -> None:
    (before,) = render(candidate, TWO[:1])
    other = next(key for key in live.keys() if key != candidate.key and key.endswith("bias"))  # noqa: SIM118
    versions = [live.version]
    live.overwrite([(candidate.key, candidate.tensor() * 0.5)])
    versions.append(live.version)
    live.restore([other])
    assert live.dirty
    live.restore([candidate.key, other])
    versions.append(live.version)
    assert not live.dirty and versions == sorted(set(versions))
    (after,) = render(candidate, TWO[:1])
    assert furthest(before, after) == 0
    assert live.version == versions[-1]


@pytest.mark.parametrize("fault", ["unknown key", "wrong shape", "source fails"])
def test_a_failing_overwrite_leaves_the_model_as_it_was(candidate: Candidate, live: LiveModel, fault: str) -> None:
    import torch

    (before,) = render(candidate, TWO[:1])

    def tensors() -> Iterator[tuple[str, torch.Tensor]]:
        yield candidate.key, candidate.tensor() * 0.5
        if fault == "source fails":
            raise OSError("the disk is gone")
        yield ("no.such.weight", torch.zeros(2)) if fault == "unknown key" else (candidate.key, torch.zeros(3, 3, 3))

    with pytest.raises((TagAtelierError, OSError)) as failure:
        live.overwrite(tensors())
    assert {"unknown key": "no.such.weight", "wrong shape": candidate.key, "source fails": "disk"}[fault] in str(failure.value)
    assert not live.dirty
    (after,) = render(candidate, TWO[:1])
    assert furthest(before, after) == 0
