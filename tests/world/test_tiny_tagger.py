"""The tiny tagger: the WD tagger's interface, and scores that follow the image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy
import pytest

from tag_atelier.world import tiny_tagger
from tag_atelier.world.words import COMMON, RARE, RATINGS

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_tagger.make(tmp_path_factory.mktemp("taggers"), ["reaching", "1girl", ">:("])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "selected_tags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scores(folder: Path, images: object) -> object:
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape, given.type) == ("input", ["N", 448, 448, 3], "tensor(float)")
    return session.run([result.name], {"input": images})[0]


def patches(seed: int) -> object:
    noise = numpy.random.default_rng(seed).uniform(0, 255, (1, 8, 8, 3))
    return numpy.kron(noise, numpy.ones((1, 56, 56, 1))).astype(numpy.float32)


def test_label_file_is_wds(folder: Path) -> None:
    listed = rows(folder)
    assert list(listed[0]) == ["tag_id", "name", "category", "count"]
    assert [row["name"] for row in listed[:4]] == list(RATINGS)
    assert [row["category"] for row in listed[:8]] == ["9", "9", "9", "9", "0", "0", "0", "4"]
    assert [row["name"] for row in listed[4:7]] == ["reaching", "1girl", ">:("]


def test_default_labels_hold_rare_and_common_tags_once(tiny_tagger: Path) -> None:
    names = [row["name"] for row in rows(tiny_tagger)]
    assert len(names) == len(set(names))
    assert set(RARE) | set(COMMON) <= set(names)


def test_scores_are_probabilities_that_follow_the_image(folder: Path) -> None:
    both = numpy.concatenate([patches(1), patches(2)])  # type: ignore[call-overload]
    result = scores(folder, both)
    assert result.shape == (2, len(rows(folder)))  # type: ignore[attr-defined]
    assert ((result > 0) & (result < 1)).all()  # type: ignore[operator, attr-defined]
    assert abs(result[0] - result[1]).mean() > 0.05  # type: ignore[index]
    assert numpy.array_equal(scores(folder, patches(1))[0], result[0])  # type: ignore[index]


def test_making_it_again_gives_the_same_file(folder: Path, tmp_path: Path) -> None:
    again = tiny_tagger.make(tmp_path, ["reaching", "1girl", ">:("])
    assert (again / "model.onnx").read_bytes() == (folder / "model.onnx").read_bytes()
