"""From a picture: the infotext in each format, the tagger where there is none, and files that are no pictures."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest

pillow = pytest.importorskip("PIL.Image")

from PIL.PngImagePlugin import PngInfo  # noqa: E402

from tag_atelier.errors import RequestError, TaggerError  # noqa: E402
from tag_atelier.jobs.prompt_picture import LARGEST_PICTURE, PromptPicture  # noqa: E402
from tag_atelier.jobs.prompts import Prompts  # noqa: E402
from tag_atelier.jobs.values import TooLarge  # noqa: E402
from tag_atelier.ports import RenderRequest, SamplingParameters  # noqa: E402
from tag_atelier.settings import DEFAULTS  # noqa: E402
from tests.fakes import FakeScorer, draw, fake_host  # noqa: E402

INFOTEXT = "1girl, 微笑\nNegative prompt: lowres\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64"


def reader(folder: Path, scorer: FakeScorer | None = None) -> PromptPicture:
    def find(_folders: object, _name: str) -> FakeScorer:
        if scorer is None:
            raise TaggerError("No tagger was found.")
        return scorer

    return PromptPicture(fake_host(folder), Prompts(), lambda: DEFAULTS, find)


def encoded(image: Any, kind: str, **options: object) -> str:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return base64.b64encode(file.getvalue()).decode()


def with_comment(comment: bytes) -> Any:
    """Exif with a user comment, as the WebUI writes it into JPEG and WebP."""
    exif = pillow.Exif()
    exif[0x8769] = {0x9286: comment}
    return exif


def picture(kind: str) -> str:
    image = pillow.new("RGB", (64, 64))
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("parameters", INFOTEXT)
        return encoded(image, "PNG", pnginfo=info)
    return encoded(image, kind, exif=with_comment(b"UNICODE\0" + INFOTEXT.encode("utf-16-be")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_infotext_is_read_from_every_format(tmp_path: Path, kind: str) -> None:
    answer = reader(tmp_path).read({"image": picture(kind)})
    assert (answer["source"], answer["prompt"], answer["negative"]) == ("infotext", "1girl, 微笑", "lowres")
    assert answer["settings"] == answer["settings"] | {"steps": 20, "cfg_scale": 7.0, "width": 64}  # type: ignore[operator]
    assert answer["notes"] == []


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
        b"ASCII\0\0\0" + INFOTEXT.encode(),
        b"\0" * 8 + INFOTEXT.encode(),
        INFOTEXT.encode(),
    ],
)
def test_other_programs_write_the_comment_otherwise(tmp_path: Path, comment: bytes) -> None:
    image = encoded(pillow.new("RGB", (8, 8)), "JPEG", exif=with_comment(comment))
    assert reader(tmp_path).read({"image": f"data:image/jpeg;base64,{image}"})["prompt"] == "1girl, 微笑"


def test_a_second_pass_is_remarked_on(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "hat\nSteps: 20, Seed: 5, Size: 64x64, Denoising strength: 0.4")
    answer = reader(tmp_path).read({"image": encoded(pillow.new("L", (8, 8)), "PNG", pnginfo=info), "language": "zh_CN"})
    assert "重绘" in str(answer["notes"])


def test_explicit_tags_are_counted_and_left_out(tmp_path: Path) -> None:
    drawn = draw(RenderRequest("smile, nude, hat"), SamplingParameters(width=64, height=64), "model-a")
    answer: Any = reader(tmp_path, FakeScorer(("smile", "nude", "hat"))).read({"image": encoded(drawn, "PNG")})
    assert ([tag["tag"] for tag in answer["tags"]], answer["hidden"]) == (["smile", "hat"], 1)


def test_without_an_infotext_the_tagger_looks(tmp_path: Path) -> None:
    labels = ("general", "explicit", "1girl", "hatsune_miku", "smile", "hat")
    drawn = draw(RenderRequest("1girl, hatsune miku, smile, general"), SamplingParameters(width=64, height=64), "model-a")
    answer: Any = reader(tmp_path, FakeScorer(labels)).read({"image": encoded(drawn, "PNG")})
    assert answer["source"] == "tagger"
    assert [(tag["tag"], tag["probability"], tag["slot"]) for tag in answer["tags"]] == [
        ("1girl", 0.9, "subject"), ("smile", 0.9, "expression")
    ]  # fmt: skip
    assert [(tag["tag"], tag["insert"], tag["zh"]) for tag in answer["characters"]] == [
        ("hatsune_miku", "hatsune miku", "初音未来")
    ]
    assert (answer["rating"], answer["threshold"]) == ({"name": "general", "probability": 0.9}, 0.35)
    assert reader(tmp_path, FakeScorer(labels)).read({"image": picture("PNG"), "tagger": True})["source"] == "tagger"
    with pytest.raises(TaggerError):
        reader(tmp_path).read({"image": encoded(drawn, "PNG")})


@pytest.mark.parametrize(
    ("image", "error"),
    [
        ("", RequestError),
        ("%%%", RequestError),
        (base64.b64encode(b"no picture").decode(), RequestError),
        (encoded(pillow.new("RGB", (8, 8)), "BMP"), RequestError),
        (picture("PNG")[:200], RequestError),
        (None, RequestError),
        ("A" * (LARGEST_PICTURE * 4 // 3 + 8), TooLarge),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, image: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        reader(tmp_path, FakeScorer()).read({"image": image})
