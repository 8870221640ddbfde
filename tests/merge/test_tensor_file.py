from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from tag_atelier.errors import CheckpointError, RecipeError
from tag_atelier.merge import tensor_file
from tag_atelier.merge.header import DTYPE_BYTES, read_header
from tag_atelier.merge.tensor_file import TORCH_DTYPES, NewFile, TensorReader, as_tensor

BOTH = pytest.mark.parametrize(
    "positional", [pytest.param(True, marks=pytest.mark.skipif(not hasattr(os, "preadv"), reason="POSIX only")), False]
)


@BOTH
def test_reads_the_bytes_asked_for(shelf, positional: bool) -> None:
    shelf.add("a")
    header = read_header(shelf.path("a"))
    content = shelf.path("a").read_bytes()
    reader = TensorReader(header, positional)
    target = bytearray(10)
    reader.read_into(memoryview(target), 5)
    assert target == content[5:15]
    with pytest.raises(CheckpointError, match="ends too early"):
        reader.read_into(memoryview(target), len(content) - 9)
    reader.close()


@BOTH
def test_threads_do_not_disturb_each_other(shelf, positional: bool) -> None:
    shelf.add("a", change={"model.diffusion_model.out.big": torch.randn(200_000)})
    content = shelf.path("a").read_bytes()
    reader = TensorReader(read_header(shelf.path("a")), positional)

    def read(offset: int) -> bool:
        target = bytearray(4096)
        reader.read_into(memoryview(target), offset)
        return bytes(target) == content[offset : offset + 4096]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(0, len(content) - 4096, 3001)))
    reader.close()


@BOTH
def test_short_reads_go_on(shelf, positional: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a")
    reader = TensorReader(read_header(shelf.path("a")), positional)
    whole = reader._read_some
    monkeypatch.setattr(reader, "_read_some", lambda target, offset: whole(target[:3], offset))
    target = bytearray(100)
    reader.read_into(memoryview(target), 8)
    assert target == shelf.path("a").read_bytes()[8:108]
    reader.close()


def test_a_file_that_went_away(shelf) -> None:
    shelf.add("a")
    header = read_header(shelf.path("a"))
    shelf.path("a").unlink()
    with pytest.raises(CheckpointError, match=r"'a.safetensors' cannot be read"):
        TensorReader(header)


def test_the_dtypes_have_the_widths_of_the_format() -> None:
    assert {"F16", "BF16", "F32", "F64", "I64", "F8_E4M3", "F8_E5M2", "BOOL", "U8"} <= set(TORCH_DTYPES)
    assert all(dtype.itemsize == DTYPE_BYTES[name] for name, dtype in TORCH_DTYPES.items())
    assert as_tensor(bytearray(b"\x00\x3c\x00\x40"), "F16", 2).tolist() == [1.0, 2.0]
    assert as_tensor(bytearray(), "F16", 0).shape == (0,)


WRITES = pytest.mark.parametrize(
    "positional", [pytest.param(True, marks=pytest.mark.skipif(not hasattr(os, "pwrite"), reason="POSIX only")), False]
)


@WRITES
def test_a_new_file_appears_whole_whatever_the_order(tmp_path: Path, positional: bool) -> None:
    path = tmp_path / "new.safetensors"
    with NewFile(path, positional) as file:
        file.write_at(b"two", 3)
        file.write_at(memoryview(b"one"), 0)
        assert not path.exists()
        assert file.sha256() == hashlib.sha256(b"onetwo").hexdigest()
        file.commit()
    assert path.read_bytes() == b"onetwo"
    assert list(tmp_path.iterdir()) == [path]


@WRITES
def test_threads_write_at_their_own_places(tmp_path: Path, positional: bool) -> None:
    with NewFile(tmp_path / "new", positional) as file, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: file.write_at(bytes([i]) * 1000, 1000 * i), range(200)))
        file.commit()
    assert (tmp_path / "new").read_bytes() == b"".join(bytes([i]) * 1000 for i in range(200))


@WRITES
def test_short_writes_go_on(tmp_path: Path, positional: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with NewFile(tmp_path / "new", positional) as file:
        whole = file._write_some
        monkeypatch.setattr(file, "_write_some", lambda data, offset: whole(data[:3], offset))
        file.write_at(b"0123456789", 2)
        file.commit()
    assert (tmp_path / "new").read_bytes() == b"\0\x000123456789"


def test_the_bytes_reach_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    whole = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append((tmp_path / "new").exists()), whole(descriptor))[1])
    with NewFile(tmp_path / "new") as file:
        file.write_at(b"x", 0)
        file.commit()
    assert synced[0] is False


def test_a_reserved_file_holds_what_was_written(tmp_path: Path) -> None:
    with NewFile(tmp_path / "new") as file:
        file.reserve(6)
        file.write_at(b"two", 3)
        file.write_at(b"one", 0)
        file.commit()
    assert (tmp_path / "new").read_bytes() == b"onetwo"


def test_a_disk_too_full_to_reserve_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, size_bytes: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tensor_file, "_set_aside", full)
    with pytest.raises(RecipeError, match="free some space"), NewFile(tmp_path / "new") as file:
        file.reserve(6)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked to reserve")
def test_more_than_any_disk_holds_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="'new' cannot be written"), NewFile(tmp_path / "new") as file:
        file.reserve(1 << 62)
    assert list(tmp_path.iterdir()) == []


def test_without_commit_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), NewFile(tmp_path / "new") as file:
        file.write_at(b"x" * (3 << 20), 0)
        assert len(list(tmp_path.iterdir())) == 1
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_is_refused_at_the_start_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new"
    path.write_bytes(b"mine")
    with pytest.raises(RecipeError, match="exists already"):
        NewFile(path)
    path.unlink()
    with pytest.raises(RecipeError, match="exists already"), NewFile(path) as file:
        path.write_bytes(b"mine")
        file.commit()
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_dangling_link_counts_as_taken(tmp_path: Path) -> None:
    try:
        (tmp_path / "new").symlink_to(tmp_path / "nowhere")
    except OSError:
        pytest.skip("links need a privilege here")
    with pytest.raises(RecipeError, match="exists already"):
        NewFile(tmp_path / "new")


def test_a_full_disk(tmp_path: Path) -> None:
    class Full:
        def seek(self, offset: int) -> None:
            """Nothing."""

        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    with (
        pytest.raises(RecipeError, match=r"'new' cannot be written \(No space left on device\)"),
        NewFile(tmp_path / "new", positional=False) as file,
    ):
        file._file.close()
        file._file = Full()  # type: ignore[assignment]
        file.write_at(b"x", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be written"):
        NewFile(tmp_path / "none" / "new")


def test_leavings_of_killed_merges_are_swept_but_running_ones_are_not(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / name for name in ("new[1].tmp-1", "new[1].tmp-2", "else.tmp-1"))
    for path in (old, fresh, other):
        path.write_bytes(b"x")
    for path in (old, other):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    with NewFile(tmp_path / "new[1]") as file:
        file.commit()
    assert {path.name for path in tmp_path.iterdir()} == {"new[1]", "new[1].tmp-2", "else.tmp-1"}


def test_a_sweep_passes_over_what_it_may_not_touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new.tmp-1").write_bytes(b"x")
    monkeypatch.setattr(tensor_file, "_STALE_S", -10.0)
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: (_ for _ in ()).throw(PermissionError(13, "locked")))
    file = NewFile(tmp_path / "new")
    file.commit()
    assert (tmp_path / "new").exists()
