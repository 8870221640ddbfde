from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import TensorEntry, read_header, render_header


def file_of(path: Path, table: object, data: bytes = b"") -> Path:
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(start: int, end: int, dtype: str = "F16", shape: tuple[int, ...] = (2,)) -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def test_reads_what_the_library_wrote(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    tensors = {
        "half": torch.tensor([1.0, 2.0]).half(),
        "ids": torch.tensor([[7]]),
        "empty": torch.empty(0),
        "one": torch.tensor(1.5),
    }
    save_file(tensors, path, {"format": "pt"})
    header = read_header(path)
    assert header.metadata == {"format": "pt"}
    assert header.size_bytes == path.stat().st_size
    assert {key: (found.dtype, found.shape, found.size_bytes) for key, found in header.tensors.items()} == {
        "half": ("F16", (2,), 4),
        "ids": ("I64", (1, 1), 8),
        "empty": ("F32", (0,), 0),
        "one": ("F32", (), 4),
    }
    half = header.tensors["half"]
    assert path.read_bytes()[half.start : half.start + 4] == b"\x00\x3c\x00\x40"


def test_rendered_header_is_read_by_the_library(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    start = render_header([("ids", "I64", (1,)), ("größe", "F16", (2,))], {"format": "pt", "note": "ü"})
    assert len(start) % 8 == 0
    path.write_bytes(start + struct.pack("<q", 5) + b"\x00\x3c\x00\x40")
    loaded = load_file(path)
    assert loaded["ids"].tolist() == [5]
    assert loaded["größe"].tolist() == [1.0, 2.0]
    assert read_header(path).tensors["größe"] == TensorEntry("F16", (2,), len(start) + 8, 4)


def test_a_header_length_that_begins_like_a_pickle_is_no_pickle(tmp_path: Path) -> None:
    text = json.dumps({"x": entry(0, 4)}).encode().ljust(0x0280)
    assert file_of(tmp_path / "m.safetensors", text, b"\0" * 4).read_bytes()[:2] == b"\x80\x02"
    assert list(read_header(tmp_path / "m.safetensors").tensors) == ["x"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "has only 0 bytes"),
        (b"PK\x03\x04" + b"\0" * 30, "pickled"),
        (b"\x80\x02}q\x00(X\x0a\x00", "pickled"),
        (b"GGUF\x03\0\0\0\0\0\0\0", "GGUF"),
        (struct.pack("<Q", 1 << 60) + b"{}", "says its header is 1152921504606846976 bytes long"),
        (struct.pack("<Q", 50) + b"{}", "says its header is 50 bytes long but the file has 10"),
        (struct.pack("<Q", 4) + b"nope", "not JSON"),
        (struct.pack("<Q", 2) + b"[]", "no table"),
        (struct.pack("<Q", 30000) + b"[" * 30000, "not JSON"),
    ],
)
def test_refuses_what_is_no_safetensors_file(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=found):
        read_header(path)


@pytest.mark.parametrize(
    ("table", "size", "found"),
    [
        ({"x": entry(0, 4)}, 3, "truncated"),
        ({"x": entry(0, 4)}, 5, "longer than its header says"),
        ({"x": entry(0, 4), "y": entry(6, 10)}, 10, "gap or an overlap before 'y'"),
        ({"x": entry(0, 4), "y": entry(2, 6)}, 6, "gap or an overlap before 'y'"),
        ({"x": entry(0, 6)}, 6, "6 bytes where F16"),
        ({"x": entry(0, 4, "Q4_K")}, 4, "stores 'x' as 'Q4_K'"),
        ({"x": entry(4, 0)}, 0, "-4 bytes where F16"),
        ({"x": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}, 4, "no valid shape"),
        ({"x": {"dtype": "F16", "shape": [2.0], "data_offsets": [0, 4]}}, 4, "no valid shape"),
        ({"x": {"dtype": "F16", "shape": [2], "data_offsets": [0]}}, 4, "no valid shape"),
        ({"x": [1]}, 0, "stores 'x' as None"),
        ({"__metadata__": {"a": 1}, "x": entry(0, 4)}, 4, "metadata"),
        (
            b'{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"x":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}}',
            8,
            "twice",
        ),
    ],
)
def test_refuses_headers_that_do_not_describe_the_bytes(tmp_path: Path, table: object, size: int, found: str) -> None:
    with pytest.raises(CheckpointError, match=found):
        read_header(file_of(tmp_path / "m.safetensors", table, b"\0" * size))


@pytest.mark.parametrize("name", ["m.ckpt", "m.pt", "m.PTH", "m.bin"])
def test_pickled_file_types_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = file_of(tmp_path / name, {"x": entry(0, 4)}, b"\0" * 4)
    with pytest.raises(CheckpointError, match="convert it to safetensors"):
        read_header(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_header(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=64),
    text=st.sampled_from([b"", b'{"x":', b'{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}']),
)
def test_no_content_raises_anything_else(tmp_path: Path, content: bytes, text: bytes) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + content if text else content)
    try:
        header = read_header(path)
    except CheckpointError:
        return
    assert sum(found.size_bytes for found in header.tensors.values()) <= len(content)


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = file_of(tmp_path / "m.safetensors", {"x": entry(0, 4)}, b"\0" * 4)
    header = read_header(path)
    header.check_unchanged()
    os.utime(path, ns=(0, header.modified_ns + 1_000_000_000))
    with pytest.raises(CheckpointError, match="changed since"):
        header.check_unchanged()
    path.unlink()
    with pytest.raises(CheckpointError, match="can no longer be read"):
        header.check_unchanged()
