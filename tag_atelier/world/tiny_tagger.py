"""A tagger of the WD kind made by code: the same inputs, outputs and label file around fixed random weights.

It looks at the mean colours of a coarse grid and knows nothing of tags; its scores follow the image, so that tests and
demo have numbers that differ. Uses the ``onnx`` package to build the graph; running it needs onnxruntime only.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy

from tag_atelier.world.files import write_bytes, write_text
from tag_atelier.world.words import CHARACTERS, LABELS, RATINGS

SIDE = 448
"""Pixels on each side of the input."""
MODEL_FILE, LABEL_FILE = "model.onnx", "selected_tags.csv"

_GRID = 8
GENERAL, _CHARACTER, RATING = 0, 4, 9
"""The WD label file's categories."""
_SEED = 20


def make(folder: Path, labels: Sequence[str] = LABELS, name: str = "tiny-tagger") -> Path:
    """Write ``folder/name`` with ``model.onnx`` and ``selected_tags.csv`` and return it.

    The graph takes ``input`` [N, 448, 448, 3], float32, BGR, 0…255 and gives ``output`` [N, labels], probabilities.
    The label file lists the four ratings (category 9), ``labels`` (0) and some characters (4), as the WD v3 files do.
    """
    rows = [*((tag, RATING) for tag in RATINGS), *((tag, GENERAL) for tag in labels)]
    rows += [(tag, _CHARACTER) for tag in CHARACTERS if tag not in labels]
    target = folder / name
    write_bytes(target / MODEL_FILE, _graph(len(rows)))
    write_text(target / LABEL_FILE, label_file(rows))
    return target


def label_file(rows: Sequence[tuple[str, int]]) -> str:
    """``selected_tags.csv`` of (tag, category) in the order of the model's outputs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("tag_id", "name", "category", "count"))
    for number, (tag, category) in enumerate(rows):
        writer.writerow((number + 1, tag, category, 100_000 // (number + 1)))
    return text.getvalue()


def _graph(labels: int) -> bytes:
    """Grid means → each image's own deviations from its mean → one random linear layer → sigmoid."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    features, cell = 3 * _GRID * _GRID, SIDE // _GRID
    noise = numpy.random.Generator(numpy.random.PCG64(_SEED))
    weights = noise.standard_normal((features, labels)) * (1.6 / features**0.5)
    bias = noise.uniform(-2.5, 0.5, labels)
    constants = {
        "to_unit": numpy.float32(1 / 64),
        "rows": numpy.array([0, features], dtype=numpy.int64),
        "weights": weights.astype(numpy.float32),
        "bias": bias.astype(numpy.float32),
        "axis": numpy.array([1], dtype=numpy.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["input"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["channels_first"], ["grid"], kernel_shape=[cell, cell], strides=[cell, cell]),
        helper.make_node("Reshape", ["grid", "rows"], ["colours"]),
        helper.make_node("ReduceMean", ["colours", "axis"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["colours", "mean"], ["deviation"]),
        helper.make_node("Mul", ["deviation", "to_unit"], ["features"]),
        helper.make_node("MatMul", ["features", "weights"], ["response"]),
        helper.make_node("Add", ["response", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny_tagger",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", labels])],
        [numpy_helper.from_array(numpy.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
