"""The embedded host end to end on tiny checkpoints: pictures of the real WebUI, weights, faults, live merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

from tag_atelier.errors import Cancelled, CheckpointError, PromptError, RequestError, TagAtelierError, UnknownName
from tag_atelier.host.embedded import build
from tag_atelier.ports import HiresParameters, Host, RenderedImage, RenderRequest, SamplingParameters
from tests.fakes import FakeProgress

QUICK = SamplingParameters(sampler="Euler", steps=2, width=64, height=64)


@pytest.fixture(scope="module")
def folder(tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own, since tests write into it."""
    copy = tmp_path_factory.mktemp("models")
    for path in tiny_checkpoints.values():
        (copy / path.name).hardlink_to(path)
    return copy


@pytest.fixture(scope="module")
def host(folder: Path, tiny_checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Host:
    data = tmp_path_factory.mktemp("data")
    source = next(iter(tiny_checkpoints.values())).parent / "tiny-world" / "clip-l"
    (data / "clip-tokenizer").mkdir()
    for name in ("vocab.json", "merges.txt"):
        (data / "clip-tokenizer" / name).write_bytes((source / name).read_bytes())
    return build(folder, data, device="cpu")


def draw(
    host: Host,
    *requests: RenderRequest,
    name: str = "tiny-sd15-a",
    parameters: SamplingParameters = QUICK,
    progress: FakeProgress | None = None,
) -> list[RenderedImage]:
    images: list[RenderedImage] = []
    host.sampler.render(requests, parameters, host.checkpoints.resolve(name), images.append, progress or FakeProgress())
    return images


def pixels(image: RenderedImage) -> object:
    return numpy.asarray(image.image, dtype=numpy.int16)


def difference(one: RenderedImage, other: RenderedImage) -> int:
    return int(abs(pixels(one) - pixels(other)).max())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "parameters", "row"),
    [
        (
            "tiny-sd15-a",
            SamplingParameters("Euler a", "Automatic", 4, 5.0, 64, 64),
            [[121, 129, 149], [171, 167, 153], [147, 130, 157], [102, 124, 136], [115, 114, 129], [122, 119, 113]],
        ),
        (
            "tiny-sd15-a",
            SamplingParameters("DPM++ 2M", "Automatic", 6, 5.0, 64, 64),
            [[121, 128, 151], [162, 141, 142], [143, 145, 170], [112, 137, 130], [112, 123, 141], [123, 132, 125]],
        ),
        (
            "tiny-sd15-a",
            SamplingParameters("DDIM", "Automatic", 5, 5.0, 64, 64),
            [[120, 129, 150], [165, 147, 143], [144, 142, 170], [110, 132, 130], [113, 117, 132], [120, 122, 122]],
        ),
        (
            "tiny-sd15-a",
            SamplingParameters("Heun", "Exponential", 3, 5.0, 64, 64),
            [[120, 126, 150], [158, 137, 140], [141, 147, 170], [115, 136, 131], [112, 127, 143], [125, 137, 124]],
        ),
        (
            "tiny-sdxl-a",
            SamplingParameters("Euler", "SGM Uniform", 3, 5.0, 128, 128),
            [[137, 125, 126], [134, 82, 143], [121, 137, 94], [140, 142, 70], [153, 115, 115], [156, 170, 93]],
        ),
    ],
    ids=lambda value: value.sampler if isinstance(value, SamplingParameters) else None,
)
def test_pictures_are_those_of_the_real_webui(
    host: Host, name: str, parameters: SamplingParameters, row: list[list[int]]
) -> None:
    """Expected: every eighth of the middle row, drawn by WebUI 1.10.1 on the same files with empty prompts and seed 1234."""
    (image,) = draw(host, RenderRequest("", "", 1234), name=name, parameters=parameters)
    found = pixels(image)[parameters.height // 2, :: parameters.width // 8][: len(row)]  # type: ignore[index]
    assert abs(found - numpy.array(row)).max() <= 2


def test_weights_matter_and_a_weight_of_one_does_not(host: Host) -> None:
    plain, one, heavy, trailing = (
        draw(host, RenderRequest(prompt, "lowres", 3))[0]
        for prompt in ("1girl, smile", "1girl, (smile:1.0)", "1girl, (smile:1.5)", "1girl, smile :1.5")
    )
    assert difference(plain, one) == 0
    assert difference(plain, heavy) > 1
    assert difference(plain, trailing) > 1


def test_without_guidance_the_negative_prompt_does_nothing(host: Host) -> None:
    flat = replace(QUICK, cfg_scale=1.0)
    (one,) = draw(host, RenderRequest("1girl", "dog", 3), parameters=flat)
    (other,) = draw(host, RenderRequest("1girl", "cat", 3), parameters=flat)
    assert difference(one, other) == 0


def test_prompts_of_other_lengths_do_not_touch_each_other(host: Host) -> None:
    requests = [RenderRequest("1girl", "lowres", 1), RenderRequest("cat " * 80, "dog " * 160, 2), RenderRequest("elf", "", 3)]
    together = draw(host, *requests)
    assert [image.index for image in together] == [0, 1, 2]
    for request, image in zip(requests, together, strict=True):
        assert difference(draw(host, request)[0], image) <= 1
    assert host.sampler.count_chunks("cat " * 80) == 2


def test_what_was_really_used(host: Host) -> None:
    (image,) = draw(host, RenderRequest("1girl", "dog", 3), parameters=replace(QUICK, clip_skip=2))
    assert image.used == {
        "seed": 3,
        "sampler": "Euler",
        "scheduler": "Automatic",
        "steps": 2,
        "cfg_scale": 7.0,
        "width": 64,
        "height": 64,
        "batch_size": 1,
    }
    identity = host.checkpoints.identify(host.checkpoints.resolve("tiny-sd15-a"))
    assert image.infotext.split("\n") == [
        "1girl",
        "Negative prompt: dog",
        "Steps: 2, Sampler: Euler, Schedule type: Automatic, CFG scale: 7.0, Seed: 3, Size: 64x64, "
        f"Model hash: {identity[:10]}, Model: tiny-sd15-a, Clip skip: 2, Version: tag-atelier-embedded",
    ]


class _StopLater(FakeProgress):
    """Is cancelled when asked for the third time."""

    asked = 0

    @property
    def cancelled(self) -> bool:
        self.asked += 1
        return self.asked >= 3


def test_a_cancel_between_steps_delivers_nothing(host: Host) -> None:
    progress = _StopLater()
    with pytest.raises(Cancelled):
        draw(host, RenderRequest("1girl"), parameters=replace(QUICK, steps=50), progress=progress)
    assert progress.asked == 3


def test_the_interrupt_stops_what_is_under_way_only(host: Host) -> None:
    class Interrupting(FakeProgress):
        @property
        def cancelled(self) -> bool:
            assert host.interrupt is not None
            host.interrupt()
            return False

    with pytest.raises(Cancelled):
        draw(host, RenderRequest("1girl"), progress=Interrupting())
    assert len(draw(host, RenderRequest("1girl"))) == 1


@pytest.mark.parametrize(
    ("changes", "error", "found"),
    [
        ({"sampler": "Nope"}, UnknownName, "Nope"),
        ({"scheduler": "Nope"}, UnknownName, "Nope"),
        ({"width": 100}, RequestError, "100"),
        ({"height": 0}, RequestError, "0"),
        ({"steps": 0}, RequestError, "steps is 0"),
        ({"clip_skip": 13}, RequestError, "13"),
        ({"hires": HiresParameters()}, RequestError, "hires"),
        ({"vae": "other.safetensors"}, RequestError, "other.safetensors"),
    ],
)
def test_what_it_cannot_do_is_refused(host: Host, changes: dict[str, object], error: type[TagAtelierError], found: str) -> None:
    with pytest.raises(error, match=found):
        draw(host, RenderRequest("1girl"), parameters=replace(QUICK, **changes))


def test_networks_are_refused(host: Host) -> None:
    with pytest.raises(PromptError, match="lora:x"):
        draw(host, RenderRequest("1girl"), RenderRequest("1girl <lora:x:1>"))


@pytest.fixture
def clean(host: Host) -> Iterator[Host]:
    host.checkpoints.load(host.checkpoints.resolve("tiny-sd15-a"))
    yield host
    assert host.live_model is not None
    host.live_model.restore()


@pytest.mark.parametrize(
    ("key", "value"), [("model.diffusion_model.out.2.weight", float("nan")), ("first_stage_model.decoder.conv_out.weight", 0.0)]
)
def test_nan_and_flat_images_are_invalid(clean: Host, key: str, value: float) -> None:
    assert clean.live_model is not None
    file = clean.checkpoints.resolve("tiny-sd15-a").path
    assert file is not None
    clean.live_model.overwrite([(key, torch.full_like(load_file(file)[key], value))])
    assert draw(clean, RenderRequest("1girl"))[0].status == "invalid"


def merged(folder: Path, family: str) -> dict[str, object]:
    """Half of a and half of b, in float16 as a merged file has it."""
    first, second = (load_file(folder / f"tiny-{family}-{variant}.safetensors") for variant in "ab")
    return {
        key: ((tensor.float() + second[key].float()) / 2).to(tensor.dtype) if tensor.is_floating_point() else tensor
        for key, tensor in first.items()
    }


@pytest.mark.parametrize(
    ("family", "parameters"), [("sd15", QUICK), ("sdxl", replace(QUICK, width=128, height=128))], ids=["sd15", "sdxl"]
)
def test_a_live_merge_draws_what_the_merged_file_draws(
    host: Host, folder: Path, family: str, parameters: SamplingParameters
) -> None:
    tensors = merged(folder, family)
    save_file(tensors, folder / f"merged-{family}.safetensors")
    host.checkpoints.refresh()
    request, name = RenderRequest("1girl, (glaring:1.2)", "lowres", 5), f"tiny-{family}-a"
    (from_file,) = draw(host, request, name=f"merged-{family}", parameters=parameters)
    (before,) = draw(host, request, name=name, parameters=parameters)
    live = host.live_model
    assert live is not None
    live.overwrite((key, tensors[key]) for key in live.keys())  # noqa: SIM118  a port, not a mapping
    (from_memory,) = draw(host, request, name=name, parameters=parameters)
    live.restore()
    (after,) = draw(host, request, name=name, parameters=parameters)
    assert difference(from_file, before) > 1
    assert difference(from_file, from_memory) == 0
    assert difference(before, after) == 0


def test_a_tensor_of_another_shape_is_refused(clean: Host) -> None:
    live = clean.live_model
    assert live is not None
    key = "first_stage_model.decoder.mid.attn_1.q.weight"
    live.overwrite([(key, torch.zeros(128, 128, 1, 1))])
    live.restore()
    with pytest.raises(TagAtelierError, match=r"\(128, 128\).*\(128, 128, 1, 1\)"):
        live.overwrite([(key, torch.zeros(128, 128))])
    assert not live.dirty


def test_loading_another_checkpoint_forgets_the_live_merge(clean: Host) -> None:
    live = clean.live_model
    assert live is not None
    key = "model.diffusion_model.out.2.weight"
    live.overwrite([(key, torch.zeros(4, 32, 3, 3))])
    draw(clean, RenderRequest("1girl"), name="tiny-sd15-b")
    assert not live.dirty
    live.restore()
    live.overwrite([(key, torch.zeros(4, 32, 3, 3))])
    assert live.dirty and live.checkpoint().name == "tiny-sd15-b"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda content: content[: len(content) // 2], "broken"),
        (lambda content: b"\x80\x02}q\x00." + content[:100], "pickle"),
        (lambda content: b"", "broken"),
    ],
    ids=["truncated", "pickled", "empty"],
)
def test_a_broken_file_leaves_the_loaded_model(clean: Host, folder: Path, damage: Callable[[bytes], bytes], found: str) -> None:
    path = folder / "broken.safetensors"
    path.write_bytes(damage((folder / "tiny-sd15-a.safetensors").read_bytes()))
    try:
        clean.checkpoints.refresh()
        with pytest.raises(CheckpointError, match=found):
            draw(clean, RenderRequest("1girl"), name="broken")
    finally:
        path.unlink()
        clean.checkpoints.refresh()
    loaded = clean.checkpoints.loaded()
    assert loaded is not None and loaded.name == "tiny-sd15-a"


def test_a_file_that_is_gone_and_one_that_is_new(clean: Host, folder: Path) -> None:
    path = folder / "sub folder" / "später.safetensors"
    path.parent.mkdir()
    path.write_bytes((folder / "tiny-sd15-b.safetensors").read_bytes())
    clean.checkpoints.refresh()
    found = clean.checkpoints.resolve("später")
    assert (found.title, found.path) == ("sub folder/später.safetensors", path)
    same = clean.checkpoints.resolve("tiny-sd15-b")
    assert clean.checkpoints.identify(found) == clean.checkpoints.identify(same)
    path.unlink()
    with pytest.raises(CheckpointError, match="refresh"):
        clean.checkpoints.load(found)
    clean.checkpoints.refresh()
    with pytest.raises(UnknownName):
        clean.checkpoints.resolve("später")


def test_hashes_are_remembered_and_follow_the_file(tmp_path: Path) -> None:
    from tag_atelier.host.embedded.catalogue import HashCache

    file = tmp_path / "model.safetensors"
    file.write_bytes(b"abc")
    cache = HashCache(tmp_path / "data" / "hashes.json")
    assert cache.known(file) is None
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert cache.get(file) == cache.known(file) == expected
    assert HashCache(tmp_path / "data" / "hashes.json").known(file) == expected
    file.write_bytes(b"abcd")
    assert cache.known(file) is None
    assert cache.get(file)[:8] == "88d4266f"


def test_no_tokenizer_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tag_atelier.host.embedded import tokenizer

    def nothing(_source: str) -> object:
        raise OSError("offline")

    monkeypatch.setattr(tokenizer, "_load", nothing)
    monkeypatch.setattr(tokenizer, "find_real_file", lambda: None)
    with pytest.raises(TagAtelierError, match=r"vocab\.json"):
        tokenizer.find_tokenizer(tmp_path, tmp_path / "data")
