"""What the streamed merge promises beside its numbers: bytes, memory, cancel, kills, bad destinations."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tag_atelier.errors import Cancelled, CheckpointError, RecipeError
from tag_atelier.merge import evaluate, stream
from tag_atelier.merge.header import read_header
from tag_atelier.merge.output import write_result
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.sources import open_model
from tag_atelier.merge.stream import results, write
from tests.merge.conftest import merged, planned

UNET = "model.diffusion_model."
BIG = f"{UNET}input_blocks.5.0.big"


def test_hash_size_progress_and_summary(shelf, counter) -> None:
    shelf.add("a", seed=1)
    shelf.add("b", seed=2)
    merge, progress = planned(shelf), counter()
    result = write(merge, shelf.path("out"), progress)
    content = shelf.path("out").read_bytes()
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert result.size_bytes == len(content)
    assert progress.done == progress.total == merge.write_bytes
    assert result.digest == merge.recipe.digest
    assert result.as_dict()["path"] == str(shelf.path("out"))


def test_the_same_recipe_gives_the_same_bytes_whatever_the_threads_and_the_reader(
    shelf, counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate("ab"):
        shelf.add(name, seed=seed, change={BIG: torch.randn(700_003, generator=torch.Generator().manual_seed(seed)).half()})
    _, first = merged(shelf, counter, alpha=0.37)
    threads = torch.get_num_threads()
    monkeypatch.setattr(stream, "WORKERS", 5)
    torch.set_num_threads(3)
    try:
        _, second = merged(shelf, counter, alpha=0.37)
    finally:
        torch.set_num_threads(threads)
    assert first.sha256 == second.sha256
    merge = planned(shelf, alpha=0.37)
    for positional in (False, None):
        digest = hashlib.sha256()
        for computed in results(merge, merge.steps, counter(), positional):
            digest.update(computed.data)
        content = shelf.path("out").read_bytes()
        assert digest.digest() == hashlib.sha256(content[-merge.write_bytes :]).digest()


def test_only_a_few_tensors_are_in_memory(shelf, counter, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a")
    shelf.add("b")
    merge, computed = planned(shelf), []
    whole = evaluate.Evaluator.compute
    monkeypatch.setattr(evaluate.Evaluator, "compute", lambda self, step: (computed.append(step), whole(self, step))[1])
    tensors = results(merge, merge.steps, counter())
    next(tensors)
    assert len(computed) <= 4 * stream.WORKERS + 2 < len(merge.steps)
    tensors.close()
    monkeypatch.setattr(stream, "_IN_FLIGHT_BYTES", 1)
    computed.clear()
    tensors = results(merge, merge.steps, counter())
    next(tensors)
    assert len(computed) == 1
    tensors.close()


def test_the_buffers_of_a_file_do_not_grow_with_its_tensors(shelf, counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "PIECE", evaluate._SLICE)
    monkeypatch.setattr(stream, "PIECE", evaluate._SLICE)
    sizes: list[int] = []
    make = evaluate.Buffer.__init__
    monkeypatch.setattr(evaluate.Buffer, "__init__", lambda self, size: (sizes.append(size), make(self, size))[1])
    for seed, name in enumerate("abc"):
        shelf.add(name, seed=seed, change={BIG: torch.randn(2_000_003, generator=torch.Generator().manual_seed(seed)).half()})
    merged(shelf, counter, models=["a", "b", "c"], alpha=[0.3, 0.2])
    assert max(sizes) <= 8 * evaluate._SLICE  # there are int64 position ids
    assert sum(sizes) <= (stream._AHEAD + 3 + 1) * stream.WORKERS * max(sizes)


def test_metadata(shelf, counter) -> None:
    shelf.add("a", metadata={"sd_merge_recipe": '{"type": "old"}'})
    shelf.add("b", metadata={"sd_merge_recipe": "not json"})
    write(planned(shelf, name="Mine"), shelf.path("out"), counter())
    with safe_open(shelf.path("out"), "pt") as file:
        metadata = file.metadata()
    assert metadata["format"] == "pt"
    assert metadata["modelspec.title"] == "Mine"
    assert Recipe.from_value(metadata["tag_atelier_recipe"]) == Recipe.from_value(
        {"models": ["a", "b"], "alpha": 0.5, "name": "Mine"}
    )


def test_cancel_leaves_nothing_behind(shelf, counter) -> None:
    shelf.add("a")
    shelf.add("b")
    before = sorted(shelf.folder.iterdir())
    with pytest.raises(Cancelled):
        write(planned(shelf), shelf.path("out"), counter(stop_after=3))
    with pytest.raises(Cancelled):
        write(planned(shelf), shelf.path("out"), counter(stop_after=0))
    assert sorted(shelf.folder.iterdir()) == before


def test_pieces_behind_one_that_fails_do_not_wait_for_their_turn_to_be_hashed(
    shelf, counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("a")
    shelf.add("b")
    fill = evaluate.Evaluator.fill
    second = planned(shelf).steps[1].key

    def failing(self: evaluate.Evaluator, step, low: int, high: int, buffer: evaluate.Buffer) -> bool:
        if step.key == second:
            time.sleep(0.1)  # the pieces behind it are made meanwhile
            raise CheckpointError("'b.safetensors' cannot be read.")
        return fill(self, step, low, high, buffer)

    monkeypatch.setattr(evaluate.Evaluator, "fill", failing)
    monkeypatch.setattr(stream, "_continues", lambda plan, before, step: False)
    monkeypatch.setattr(stream, "WORKERS", 3)
    with pytest.raises(CheckpointError, match="cannot be read"):
        write(planned(shelf), shelf.path("out"), counter())
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.safetensors", "b.safetensors"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.safetensors", "exists already"),
        ("out.ckpt", "does not end in .safetensors"),
        ("none/out.safetensors", "folder 'none'"),
    ],
)
def test_bad_destinations_are_refused_before_anything_is_written(shelf, counter, name: str, found: str) -> None:
    shelf.add("a")
    shelf.add("b")
    content = shelf.path("a").read_bytes()
    before = sorted(shelf.folder.iterdir())
    with pytest.raises(RecipeError, match=found):
        write(planned(shelf), shelf.folder / name, counter())
    assert sorted(shelf.folder.iterdir()) == before
    assert shelf.path("a").read_bytes() == content


def test_too_little_space(shelf, counter, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a")
    shelf.add("b")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(RecipeError, match=r"needs 0\.00 GB but only 0\.00 GB are free"):
        write(planned(shelf), shelf.path("out"), counter())


def test_a_source_that_changes_while_it_is_merged(shelf, counter) -> None:
    shelf.add("a")
    shelf.add("b")
    merge = planned(shelf)
    shelf.add("b", change={"another": torch.ones(3)})
    untouched = counter()
    with pytest.raises(CheckpointError, match=r"'b.safetensors' has changed"):
        write(merge, shelf.path("out"), untouched)
    assert untouched.total == 0  # noticed before the start

    shelf.add("b")
    merge = planned(shelf)

    class Meddler(counter):
        def begin(self, total: int, text: str = "") -> None:
            os.utime(shelf.path("b"), (1, 1))

    with pytest.raises(CheckpointError, match=r"'b.safetensors' has changed"):
        write(merge, shelf.path("out"), Meddler())
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_a_reader_error_ends_the_merge(shelf, counter, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a")
    shelf.add("b")

    def broken(self: object, target: memoryview, offset: int) -> None:
        raise CheckpointError("gone")

    monkeypatch.setattr(stream.TensorReader, "read_into", broken)
    with pytest.raises(CheckpointError, match="gone"):
        write(planned(shelf), shelf.path("out"), counter())
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.safetensors", "b.safetensors"]


_WRITER = """
import sys, time
from pathlib import Path
from tag_atelier.merge.output import write_result
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe

class Slow:
    cancelled = False
    def begin(self, total, text=""): print("begun", flush=True)
    def advance(self, steps=1, text=""): time.sleep(0.002)

folder, kind = Path(sys.argv[1]), sys.argv[2]
recipe = {"models": ["a", "b"], "alpha": 0.5, "options": {"format": kind, **({"rank": 2} if kind == "lora" else {})}}
merge = plan(Recipe.from_value(recipe), lambda name: folder / f"{name}.safetensors")
write_result(merge, folder / ("out" if kind == "diffusers" else "out.safetensors"), Slow())
print("done", flush=True)
"""


KILLS = int(os.environ.get("TAG_ATELIER_KILLS", "5"))
"""Random moments at which a merge is killed."""


@pytest.mark.parametrize("kind", ["safetensors", "diffusers", "lora"])
def test_a_kill_at_any_moment_leaves_the_old_state(shelf, kind: str) -> None:
    """Never a partial file under the final name, never a touched source; whole files only when the merge was done."""
    if kind == "safetensors":
        shelf.add("a", seed=1)
        shelf.add("b", seed=2)
    else:
        from tag_atelier.world import tiny_checkpoints

        for name, path in tiny_checkpoints.make(shelf.folder, ["tiny-sd15-a", "tiny-sd15-b"]).items():
            path.rename(shelf.path(name[-1]))
    sources = {name: shelf.path(name).read_bytes() for name in "ab"}
    root = Path(__file__).resolve().parents[2]
    moments = random.Random(7)
    longest = {"safetensors": 0.4, "diffusers": 3.0, "lora": 3.0}[kind]
    for _ in range(KILLS if kind == "safetensors" else max(1, KILLS // 5)):
        command = [sys.executable, "-c", _WRITER, str(shelf.folder), kind]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root)
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"begun"
        time.sleep(moments.uniform(0.0, longest))
        child.kill()
        child.wait()
        child.stdout.close()
        results = [path for path in shelf.folder.glob("out*") if ".tmp-" not in path.name]
        assert all(map(is_whole, results))
        assert {name: shelf.path(name).read_bytes() for name in "ab"} == sources
        for path in results:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_whole(path: Path) -> bool:
    """Whether all of it can be opened; raises where not. A merge may be done before the kill."""
    open_model(path) if path.is_dir() else read_header(path)
    return True


class Full:
    """A file on a disk that is full after ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, descriptor: int, data: memoryview, offset: int) -> int:
        if offset + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return _PWRITE(descriptor, data, offset)


_PWRITE = getattr(os, "pwrite", None)


@pytest.mark.skipif(_PWRITE is None, reason="writes with an offset are POSIX")
@pytest.mark.parametrize("kind", ["safetensors", "diffusers", "lora"])
@pytest.mark.parametrize("room", [0, 3_000])
def test_a_full_disk_leaves_nothing_behind(shelf, counter, monkeypatch: pytest.MonkeyPatch, kind: str, room: int) -> None:
    if kind == "safetensors":
        shelf.add("a")
        shelf.add("b")
    else:
        from tag_atelier.world import tiny_checkpoints

        for name, path in tiny_checkpoints.make(shelf.folder, ["tiny-sd15-a", "tiny-sd15-b"]).items():
            path.rename(shelf.path(name[-1]))
    before = {path: path.stat().st_mtime_ns for path in shelf.folder.rglob("*")}
    monkeypatch.setattr(os, "pwrite", Full(room))
    destination = shelf.folder / "out" if kind == "diffusers" else shelf.path("out")
    merge = planned(shelf, options={"format": kind, **({"rank": 1} if kind == "lora" else {})}, alpha={"IN01": 0.5})
    with pytest.raises(RecipeError, match=r"cannot be written \(No space left on device\); free some space"):
        write_result(merge, destination, counter())
    assert {path: path.stat().st_mtime_ns for path in shelf.folder.rglob("*")} == before


def test_a_full_disk_where_the_file_is_synced(shelf, counter, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a")
    shelf.add("b")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecipeError, match="No space left on device"):
        write(planned(shelf), shelf.path("out"), counter())
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.safetensors", "b.safetensors"]
