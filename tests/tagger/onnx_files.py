"""Tiny ONNX graphs that give back what they are fed: the tests' stand-ins for real taggers."""

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

LABELS = "tag_id,name,category,count\n1,general,9,1\n2,1girl,0,5\n3,>_<,0,3\n"


def write_tagger(
    folder: Path,
    shape: list[Any],
    scale: float = 1 / 255,
    labels: str = LABELS,
    names: tuple[str, ...] = ("scores",),
    label_file: str = "selected_tags.csv",
) -> Path:
    """A model whose outputs ``names`` are the channel means of its input times ``scale``, the second one times 2 more, …"""
    folder.mkdir(parents=True, exist_ok=True)
    axes = [1, 2] if shape[3] == 3 else [2, 3]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["picture"], ["means"], axes=axes, keepdims=0),
            *(helper.make_node("Mul", ["means", f"factor {name}"], [name]) for name in names),
        ],
        "tiny",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], 3]) for name in names],
        [helper.make_tensor(f"factor {name}", TensorProto.FLOAT, [], [scale * 2**n]) for n, name in enumerate(names)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / label_file).write_text(labels, encoding="utf-8")
    return folder
