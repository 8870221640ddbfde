"""Writes a trained tagger as an ONNX file with the WD taggers' interface. Used by ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from tag_atelier.world.files import write_bytes, write_text
from tag_atelier.world.portrait import SIDE
from tag_atelier.world.portrait_tags import TAGS
from tag_atelier.world.tiny_tagger import GENERAL, LABEL_FILE, MODEL_FILE, RATING, label_file
from tag_atelier.world.tiny_tagger import SIDE as SEEN
from tag_atelier.world.training.tagger import Tagger
from tag_atelier.world.words import RATINGS

_RATING_LOGITS = (4.0, -4.0, -6.0, -8.0)
"""Every picture of this world is for everyone."""


def write_tagger(folder: Path, tagger: Tagger) -> None:
    """``model.onnx`` and ``selected_tags.csv``: four ratings, then this world's tags. Weights are stored as fp16."""
    write_bytes(folder / MODEL_FILE, _graph(tagger))
    rows = [*((rating, RATING) for rating in RATINGS), *((tag, GENERAL) for tag in TAGS)]
    write_text(folder / LABEL_FILE, label_file(rows))


def _graph(tagger: Tagger) -> bytes:
    halves: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def stored(name: str, value: Tensor) -> str:
        halves.append(numpy_helper.from_array(value.detach().numpy().astype(numpy.float16), f"{name}_half"))
        nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
        return name

    def step(kind: str, entering: list[str], leaving: str, **given: Any) -> str:
        nodes.append(helper.make_node(kind, entering, [leaving], **given))
        return leaving

    signal = step("Transpose", ["input"], "channels_first", perm=[0, 3, 1, 2])
    cell = SEEN // SIDE
    signal = step("AveragePool", [signal], "small", kernel_shape=[cell, cell], strides=[cell, cell])
    signal = step("Gather", [signal, "red_first"], "red_green_blue", axis=1)
    signal = step("Sub", [step("Mul", [signal, "to_two"], "scaled"), "one"], "centred")
    for number, layer in enumerate(tagger.layers):
        names = [stored(f"layer{number}_{part}", value) for part, value in layer.named_parameters()]
        signal = step("Conv", [signal, *names], f"conv{number}", strides=[2, 2], pads=[1, 1, 1, 1], kernel_shape=[3, 3])
        signal = step("Relu", [signal], f"layer{number}")
    signal = step("Flatten", [signal], "flat")
    for part, linear in (("hidden", tagger.hidden), ("answer", tagger.answer)):
        names = [stored(f"{part}_{name}", value) for name, value in linear.named_parameters()]
        signal = step("Gemm", [signal, *names], part, transB=1)
        if part == "hidden":
            signal = step("Relu", [signal], "hidden_on")
    ones = step("Mul", [step("ReduceMax", [signal, "axis"], "any", keepdims=1), "zero"], "none")
    step("Sigmoid", [step("Concat", [step("Add", [ones, "ratings"], "rated"), signal], "logits", axis=1)], "output")
    constants = {
        "red_first": numpy.array([2, 1, 0], dtype=numpy.int64),
        "to_two": numpy.float32(1 / 127.5),
        "one": numpy.float32(1),
        "zero": numpy.float32(0),
        "axis": numpy.array([1], dtype=numpy.int64),
        "ratings": numpy.array([_RATING_LOGITS], dtype=numpy.float32),
    }
    graph = helper.make_graph(
        nodes,
        "miniature_tagger",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", SEEN, SEEN, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", len(RATINGS) + len(TAGS)])],
        [*halves, *(numpy_helper.from_array(numpy.asarray(value), name) for name, value in constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
