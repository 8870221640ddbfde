"""The CLIP adapter against tiny graphs: where it is looked for, what it is fed, and unit vectors out."""

from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tag_atelier.errors import TaggerError
from tag_atelier.prompt import clip_words as table
from tag_atelier.tagger import clip
from tag_atelier.tagger.clip import find_clip


def write_visual(folder: Path, shape: tuple[Any, ...] = ("N", 3, 4, 4)) -> None:
    """Its vector is the mean of each channel."""
    nodes = [helper.make_node("ReduceMean", ["pixels"], ["image_embeds"], axes=[2, 3], keepdims=0)]
    save(folder / "visual.onnx", nodes, "pixels", TensorProto.FLOAT, shape, "image_embeds")


def write_textual(folder: Path) -> None:
    """Its vector is the ids themselves."""
    nodes = [helper.make_node("Cast", ["ids"], ["text_embeds"], to=TensorProto.FLOAT)]
    save(folder / "textual.onnx", nodes, "ids", TensorProto.INT64, ("N", 77), "text_embeds")


def save(path: Path, nodes: list[Any], name: str, kind: int, shape: tuple[Any, ...], output: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ("N", "D"))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


def test_without_a_clip_folder_there_is_none(tmp_path: Path) -> None:
    assert find_clip([tmp_path, tmp_path / "nowhere"]) is None


def test_pictures_are_cut_square_normalised_and_give_unit_vectors(tmp_path: Path) -> None:
    write_visual(tmp_path / "clip")
    model = find_clip([tmp_path])
    assert model is not None and model.side == 4
    wide = Image.new("RGB", (16, 8), (255, 0, 0))
    (found,) = model.images([wide])
    expected = numpy.array([(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, -0.40821073 / 0.27577711])
    assert found.tolist() == pytest.approx((expected / numpy.linalg.norm(expected)).tolist(), abs=1e-5)
    assert model.texts(["1girl"]) is None


def test_texts_are_numbered_as_clip_numbers_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_visual(tmp_path / "clip")
    write_textual(tmp_path / "clip")
    words = table.ClipWords([("a", "b</w>")])
    # 256 bytes, 256 bytes that end a word, then the merges: "ab" is one token, "a" the byte that ends a word.
    assert words.ids("ab a") == [512, 256 + 64]
    monkeypatch.setattr(clip, "clip_words", lambda: words)
    model = find_clip([tmp_path])
    assert model is not None
    (found,) = model.texts(["ab a"])
    expected = numpy.zeros(77)
    expected[:4] = [49406, 512, 320, 49407]
    assert found.tolist() == pytest.approx((expected / numpy.linalg.norm(expected)).tolist(), abs=1e-6)


def test_a_model_that_takes_no_pictures_is_refused(tmp_path: Path) -> None:
    write_visual(tmp_path / "clip", ("N", 4, 4, 4))
    with pytest.raises(TaggerError, match="expected pictures"):
        find_clip([tmp_path])
