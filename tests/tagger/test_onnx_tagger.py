"""The adapter against graphs that give back what they were fed."""

import dataclasses
import math
from pathlib import Path

import numpy
import pytest
from PIL import Image

from tag_atelier.errors import TaggerError
from tag_atelier.tagger import find_tagger
from tag_atelier.tagger.families import CAMIE as CAMIE_FAMILY
from tag_atelier.tagger.families import CAMIE_V2 as CAMIE_V2_FAMILY
from tag_atelier.tagger.families import Family
from tag_atelier.tagger.files import read_folder
from tag_atelier.tagger.onnx_tagger import GPU_NOT_USED, InputLayout, OnnxTagger, prepare
from tests.tagger.onnx_files import LABELS, write_tagger

COLOUR = Image.new("RGB", (8, 8), (255, 102, 51))


def opened(folder: Path) -> OnnxTagger:
    files = read_folder(folder)
    assert files is not None
    return OnnxTagger(files, threads=1)


def test_wd_layout_is_bgr_up_to_255(tmp_path: Path) -> None:
    tagger = opened(write_tagger(tmp_path / "wd", ["N", 8, 8, 3]))
    assert tagger.layout == InputLayout("NHWC", 8, one_at_a_time=False)
    scores = tagger.score([COLOUR, Image.new("RGB", (8, 8))])
    assert scores.dtype == numpy.float32
    assert scores.tolist() == [pytest.approx([0.2, 0.4, 1.0]), [0.0, 0.0, 0.0]]


def test_a_fixed_batch_of_one_is_fed_one_by_one(tmp_path: Path) -> None:
    tagger = opened(write_tagger(tmp_path / "old", [1, 8, 8, 3]))
    assert tagger.layout.one_at_a_time
    assert tagger.score([COLOUR, COLOUR, COLOUR]).shape == (3, 3)


def test_channels_first_is_rgb_up_to_1_and_gives_logits(tmp_path: Path) -> None:
    tagger = opened(write_tagger(tmp_path / "ml", ["N", 3, 8, 8], scale=1.0))
    assert tagger.layout == InputLayout("NCHW", 8, one_at_a_time=False)
    expected = [1 / (1 + numpy.exp(-value)) for value in (1.0, 0.4, 0.2)]
    assert tagger.score([COLOUR])[0].tolist() == pytest.approx(expected)


def test_free_sizes_take_the_usual_448_pixels(tmp_path: Path) -> None:
    tagger = opened(write_tagger(tmp_path / "free", ["N", "H", "W", 3], scale=1 / 400))
    assert tagger.layout.side == 448
    assert tagger.score([COLOUR]).shape == (1, 3)


def test_no_picture_gives_no_row(tmp_path: Path) -> None:
    assert opened(write_tagger(tmp_path / "wd", ["N", 8, 8, 3])).score([]).shape == (0, 3)


def test_pictures_are_put_on_white_and_padded_to_a_square() -> None:
    wide = Image.new("RGBA", (4, 2), (0, 0, 255, 255))
    wide.putpixel((0, 0), (0, 0, 0, 0))
    pixels = prepare(wide, InputLayout("NHWC", 4, one_at_a_time=False))
    assert pixels.shape == (4, 4, 3)
    white, blue = [255, 255, 255], [255, 0, 0]  # BGR
    assert pixels[0, 0].tolist() == pixels[3, 3].tolist() == white
    assert pixels[1, 0].tolist() == white  # the transparent pixel
    assert pixels[1, 1].tolist() == pixels[2, 3].tolist() == blue


def test_resizing_is_pillows_bicubic() -> None:
    noise = Image.fromarray(numpy.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=numpy.uint8), "RGB")
    expected = numpy.asarray(noise.resize((5, 5), Image.Resampling.BICUBIC))[:, :, ::-1]
    assert (prepare(noise, InputLayout("NHWC", 5, one_at_a_time=False)) == expected).all()


def test_identity_names_folder_model_and_labels(tmp_path: Path) -> None:
    one = opened(write_tagger(tmp_path / "a" / "wd", ["N", 8, 8, 3]))
    same = opened(write_tagger(tmp_path / "b" / "wd", ["N", 8, 8, 3]))
    other = opened(write_tagger(tmp_path / "c" / "wd", ["N", 8, 8, 3], labels=LABELS.replace("1girl", "1boy")))
    assert one.identity == same.identity
    assert one.identity.startswith("wd ")
    assert other.identity != one.identity
    assert one.providers == ["CPUExecutionProvider"]
    assert list(one.labels) == ["general", "1girl", ">_<"]


def test_numbers_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    tagger = opened(write_tagger(tmp_path / "wd", ["N", 8, 8, 3], scale=1.0))
    with pytest.raises(TaggerError, match="outside 0 to 1"):
        tagger.score([COLOUR])


def test_labels_of_another_version_are_refused(tmp_path: Path) -> None:
    folder = write_tagger(tmp_path / "wd", ["N", 8, 8, 3], labels=LABELS + "4,extra,0,1\n")
    with pytest.raises(TaggerError, match="has 4 labels in 'selected_tags.csv' but outputs of 3 columns"):
        opened(folder)


def test_a_model_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    folder = write_tagger(tmp_path / "wd", ["N", 3, 8, 8])
    import onnx

    model = onnx.load(str(folder / "model.onnx"))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    onnx.save(model, str(folder / "model.onnx"))
    with pytest.raises(TaggerError, match=r"takes an input of shape .* expected a picture"):
        opened(folder)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + b"x" * 50])
def test_a_broken_model_file_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_tagger(tmp_path / "wd", ["N", 8, 8, 3])
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(TaggerError, match="cannot be opened as an ONNX model|download it again"):
        opened(folder)


def test_the_first_tagger_is_found_and_a_name_chooses(tmp_path: Path) -> None:
    write_tagger(tmp_path / "b-tagger", ["N", 8, 8, 3])
    write_tagger(tmp_path / "a-tagger", ["N", 8, 8, 3])
    assert find_tagger([tmp_path]).identity.startswith("a-tagger ")
    assert find_tagger([tmp_path], "b-tagger").identity.startswith("b-tagger ")


MAPPING = '{"0": {"tag": "general", "category": "Rating"}, "2": {"tag": "smile"}, "1": {"tag": "1girl"}}'
NUMBERS = '{"0": "general", "1": "1girl", "2": "smile"}'
CAMIE_V1, CAMIE_V2 = f'{{"idx_to_tag": {NUMBERS}}}', f'{{"dataset_info": {{"tag_mapping": {{"idx_to_tag": {NUMBERS}}}}}}}'
HALF = [1.0, -0.2, -0.6]
"""COLOUR with 0.5 subtracted and divided by 0.5, in RGB."""


def sigmoid(values: list[float]) -> list[float]:
    return [1 / (1 + math.exp(-value)) for value in values]


@pytest.mark.parametrize(
    ("family", "label_file", "labels", "names", "expected"),
    [
        # The third output has four times the scale, so the numbers tell which output was read.
        ("ML-Danbooru", "classes.json", '["general", "1girl", "smile"]', ("output",), sigmoid([1.0, 0.4, 0.2])),
        ("PixAI", "selected_tags.csv", LABELS, ("logits", "prediction"), [0.2, 0.2, 0.2]),
        ("cl_tagger", "tag_mapping.json", MAPPING, ("logits",), sigmoid(HALF[::-1])),
        ("camie", "metadata.json", CAMIE_V1, ("initial_logits", "refined_logits"), sigmoid([2.0, 0.8, 0.4])),
        (
            "camie v2",
            "camie-tagger-v2-metadata.json",
            CAMIE_V2,
            ("refined_predictions", "initial_predictions"),
            sigmoid([(1.0 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]),
        ),
    ],
)
def test_each_family_of_channels_first_models_is_told_by_its_files(
    tmp_path: Path, family: str, label_file: str, labels: str, names: tuple[str, ...], expected: list[float]
) -> None:
    # PixAI's prediction are probabilities already: a grey picture keeps the tiny model's numbers within 0 and 1.
    picture = Image.new("RGB", (8, 8), (140, 140, 140)) if family == "PixAI" else COLOUR
    tagger = opened(write_tagger(tmp_path / "t", ["N", 3, 8, 8], 1.0, labels, names, label_file))
    assert tagger.family.name == family
    if family == "PixAI":
        expected = [2 * (140 / 255 - 0.5) / 0.5] * 3
    assert tagger.score([picture])[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("family", "corner"), [(CAMIE_V2_FAMILY, (124, 116, 104)), (CAMIE_FAMILY, (0, 0, 0))])
def test_padding_has_the_family_s_colour_and_transparency_is_white(family: Family, corner: tuple[int, int, int]) -> None:
    plain = dataclasses.replace(family, scale=1.0, mean=(0.0, 0.0, 0.0), deviation=(1.0, 1.0, 1.0))
    pixels = prepare(Image.new("RGBA", (4, 2), (9, 9, 9, 0)), InputLayout("NCHW", 4, one_at_a_time=False), plain)
    assert tuple(pixels[:, 0, 0].tolist()) == corner
    assert tuple(pixels[:, 1, 0].tolist()) == (255, 255, 255)


def test_labels_that_leave_out_a_column_are_refused(tmp_path: Path) -> None:
    folder = write_tagger(tmp_path / "t", ["N", 3, 8, 8], labels='{"0": "a", "2": "b", "3": "c"}', label_file="classes.json")
    with pytest.raises(TaggerError, match="leaves out numbers"):
        opened(folder)


def test_a_gpu_that_was_asked_for_and_not_given_is_said(tmp_path: Path) -> None:
    write_tagger(tmp_path / "wd", ["N", 8, 8, 3])
    asked, plain = find_tagger([tmp_path], use_gpu=True), find_tagger([tmp_path])
    if asked.providers == ["CPUExecutionProvider"]:  # type: ignore[attr-defined]
        assert asked.note == GPU_NOT_USED  # type: ignore[attr-defined]
    assert plain.note == ""  # type: ignore[attr-defined]
