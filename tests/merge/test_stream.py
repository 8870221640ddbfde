from __future__ import annotations

import hashlib
import math
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
from safetensors.torch import load_file

from tag_atelier.errors import Cancelled, CheckpointError, RecipeError
from tag_atelier.merge import stream
from tag_atelier.merge.header import read_header
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import MergeResult, results, write

UNET = "model.diffusion_model."
IN00, IN05, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}input_blocks.5.0.weight", f"{UNET}output_blocks.0.0.weight"
TEXT = "cond_stage_model.transformer.text_model.layers.0.weight"
IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
VAE = "first_stage_model.decoder.conv_in.weight"
BIG = f"{UNET}input_blocks.5.0.big"


def planned(shelf, **recipe: object) -> MergePlan:
    return plan(Recipe.from_value({"models": ["a", "b"], "alpha": 0.5, **recipe}), shelf.path)


def merged(shelf, counter, **recipe: object) -> tuple[dict[str, torch.Tensor], MergeResult]:
    path = shelf.path("out")
    path.unlink(missing_ok=True)
    result = write(planned(shelf, **recipe), path, counter())
    return load_file(path), result


def filled(tensor: torch.Tensor, value: float) -> bool:
    return bool((tensor == value).all())


def test_weighted_sum_by_hand(shelf, counter) -> None:
    shelf.add("a", fill=1.0)
    shelf.add("b", fill=3.0)
    out, result = merged(shelf, counter, alpha={"ALL": 0.25, "OUT00": 1, "IN05": 0, "IN00": -0.5, "BASE": 0.125})
    assert filled(out[OUT00], 3.0)
    assert filled(out[IN05], 1.0)
    assert filled(out[IN00], 0.0)
    assert filled(out[TEXT], 1.25)
    assert filled(out[f"{UNET}out.2.bias"], 1.5)
    assert filled(out[VAE], 1.0)
    assert torch.equal(out[IDS], torch.arange(7)[None])
    assert all(tensor.dtype == (torch.int64 if key == IDS else torch.float16) for key, tensor in out.items())
    assert result.replaced == {}


def test_three_models_and_a_base_by_hand(shelf, counter) -> None:
    for name, value in (("a", 1.0), ("b", 3.0), ("c", 2.0), ("d", 0.5)):
        shelf.add(name, fill=value)
    out, _ = merged(shelf, counter, models=["a", "b", "c"], alpha=[0.25, {"IN00": 0.5}])
    assert filled(out[IN00], 0.25 * 1 + 0.25 * 3 + 0.5 * 2)
    assert filled(out[OUT00], 1.5)
    out, _ = merged(shelf, counter, models=["a", "b", "c"], method="add_difference", alpha=2)
    assert filled(out[IN00], 1 + 2 * (3 - 2))
    out, _ = merged(shelf, counter, models=["a", "b", "c"], base="d", method="add_difference", alpha=[1, 0.5])
    assert filled(out[IN00], 1 + (3 - 0.5) + 0.5 * (2 - 0.5))


def test_a_method_that_needs_whole_tensors(shelf, counter) -> None:
    shelf.add("a", fill=1.0, change={BIG: torch.full((600_000, 2), 1.0).half()})
    shelf.add("b", fill=3.0, change={BIG: torch.full((600_000, 2), 3.0).half()})
    out, _ = merged(shelf, counter, method="tensor_swap", alpha={"ALL": 0.5, "OUT00": 0.2}, beta=0.25)
    assert out[IN00][:, 0, 0, 0].tolist() == [1.0, 3.0, 3.0, 1.0]
    assert out[OUT00][:, 0].tolist() == [1.0, 3.0, 1.0, 1.0, 1.0]
    assert filled(out[BIG][150_000:450_000], 3.0)
    assert filled(out[BIG][:150_000], 1.0)
    assert filled(out[BIG][450_000:], 1.0)


def test_the_vae_of_b(shelf, counter) -> None:
    shelf.add("a", fill=1.0)
    shelf.add("b", fill=3.0)
    out, _ = merged(shelf, counter, options={"vae": "b"})
    assert filled(out[VAE], 3.0)
    assert filled(out[IN00], 2.0)


@pytest.mark.parametrize(
    ("name", "dtype", "written"),
    [
        ("keep", torch.float16, torch.float16),
        ("fp16", torch.float32, torch.float16),
        ("bf16", torch.float16, torch.bfloat16),
        ("fp32", torch.bfloat16, torch.float32),
        ("keep", torch.bfloat16, torch.bfloat16),
    ],
)
def test_dtypes(shelf, counter, name: str, dtype: torch.dtype, written: torch.dtype) -> None:
    a = shelf.add("a", seed=1, dtype=dtype)
    b = shelf.add("b", seed=2, dtype=dtype)
    out, _ = merged(shelf, counter, alpha={"IN00": 0.37, "OUT00": 1}, options={"dtype": name})
    assert {tensor.dtype for key, tensor in out.items() if key != IDS} == {written}
    assert out[IDS].dtype == torch.int64
    assert torch.equal(out[IN05], a[IN05].to(written))
    assert torch.equal(out[OUT00], b[OUT00].to(written))


def test_models_of_different_dtypes_keep_as(shelf, counter) -> None:
    shelf.add("a", fill=1.0, dtype=torch.float16)
    shelf.add("b", fill=3.0, dtype=torch.bfloat16)
    shelf.add("c", fill=5.0, dtype=torch.float32)
    out, _ = merged(shelf, counter, models=["a", "b", "c"], alpha=[0.25, 0.25])
    assert out[IN00].dtype == torch.float16
    assert filled(out[IN00], 2.5)


def ulps(got: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Distance in steps of float16."""

    def ordered(x: torch.Tensor) -> torch.Tensor:
        bits = x.view(torch.int16).int()
        return torch.where(bits < 0, -(bits & 0x7FFF), bits)

    return (ordered(got) - ordered(expected)).abs()


# No short decimals: 0.37·a + 0.63·b of two halves often lies exactly between two others, where any rounding is right.
WEIGHT, OTHER = 1 / math.pi, 1 / math.e


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "recipe",
    [
        {"alpha": WEIGHT},
        {"models": ["a", "b", "c"], "method": "add_difference", "alpha": WEIGHT},
        {"models": ["a", "b", "c"], "alpha": [WEIGHT, OTHER]},
    ],
)
def test_parity_with_float64(shelf, counter, monkeypatch: pytest.MonkeyPatch, fused: bool, recipe: dict[str, object]) -> None:
    if not fused:
        monkeypatch.setattr(stream, "fused_lerp", lambda dtype: False)
    generator = torch.Generator().manual_seed(5)
    a, b, c = (0.05 * torch.randn(300_001, generator=generator) for _ in range(3))
    a[:100] *= 1e-6  # denormal in half precision
    a[100:200] *= 1e5
    halves = [x.half() for x in (a, a + 0.1 * b, a + 0.1 * c)]
    for name, value in zip("abc", halves, strict=True):
        shelf.add(name, change={BIG: value})
    out, _ = merged(shelf, counter, **recipe)
    x, y, z = (half.double() for half in halves)
    if "method" in recipe:
        reference = x + WEIGHT * (y - z)
    elif "models" in recipe:
        reference = (1 - WEIGHT - OTHER) * x + WEIGHT * y + OTHER * z
    else:
        reference = (1 - WEIGHT) * x + WEIGHT * y
    distance = ulps(out[BIG], reference.half())
    assert int(distance.max()) <= 1
    assert int((distance > 0).sum()) <= 300  # 0.1 %; half-precision arithmetic is off in a quarter of all


def test_float32_output_is_accumulated_in_float64(shelf, counter) -> None:
    a, b = (torch.randn(1000, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    shelf.add("a", dtype=torch.float32, change={BIG: a})
    shelf.add("b", dtype=torch.float32, change={BIG: b})
    out, _ = merged(shelf, counter, alpha=WEIGHT)
    assert torch.equal(out[BIG], (a.double() * (1.0 - WEIGHT) + b.double() * WEIGHT).float())


def test_untouched_blocks_are_as_bytes(shelf, counter) -> None:
    odd = torch.tensor([float("nan"), float("inf"), -0.0, 6e-8]).half()
    shelf.add("a", seed=1, change={f"{UNET}input_blocks.5.odd": odd})
    shelf.add("b", seed=2, change={f"{UNET}input_blocks.5.odd": odd})
    merged(shelf, counter, alpha={"OUT00": 0.5})
    before, after = read_header(shelf.path("a")), read_header(shelf.path("out"))
    old, new = shelf.path("a").read_bytes(), shelf.path("out").read_bytes()
    different = {
        key
        for key, entry in before.tensors.items()
        if old[entry.start :][: entry.size_bytes] != new[after.tensors[key].start :][: entry.size_bytes]
    }
    assert different == {OUT00, f"{UNET}output_blocks.0.1.transformer_blocks.0.attn2.to_k.weight"}


def test_zero_size_marks_survive(shelf, counter) -> None:
    shelf.add("a", architecture="sdxl", change={"v_pred": torch.empty(0), "ztsnr": torch.empty(0)})
    shelf.add("b", architecture="sdxl", change={"v_pred": torch.empty(0), "ztsnr": torch.empty(0)})
    out, _ = merged(shelf, counter)
    assert out["v_pred"].shape == (0,)
    assert "ztsnr" in out


@pytest.mark.parametrize(("where", "blamed"), [("b", "'b' has NaN"), ("a", "'a' has NaN")])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_tensor_with_nan_is_given_up_for_as(shelf, counter, where: str, blamed: str, value: float) -> None:
    bad = torch.ones(600_000).half()
    bad[-1] = value
    for name in "ab":
        shelf.add(
            name, fill=1.0 if name == "a" else 3.0, change={BIG: bad if name == where else torch.ones(600_000).half() * 2}
        )
    out, result = merged(shelf, counter)
    assert list(result.replaced) == [BIG]
    assert blamed in result.replaced[BIG]
    expected = load_file(shelf.path("a"))[BIG]
    assert torch.equal(out[BIG].view(torch.int16), expected.view(torch.int16))
    assert filled(out[IN00], 2.0)


def test_values_that_do_not_fit_are_given_up_for_as(shelf, counter) -> None:
    shelf.add("a", fill=60000.0)
    shelf.add("b", fill=-60000.0)
    out, result = merged(shelf, counter, alpha={"IN05": -1})
    assert result.replaced == {IN05: "mixed values are too large for F16"}
    assert filled(out[IN05], 60000.0)


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
    whole = stream._Evaluator.compute
    monkeypatch.setattr(stream._Evaluator, "compute", lambda self, step: (computed.append(step), whole(self, step))[1])
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
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write

class Slow:
    cancelled = False
    def begin(self, total, text=""): print("begun", flush=True)
    def advance(self, steps=1, text=""): time.sleep(0.01)

folder = Path(sys.argv[1])
merge = plan(Recipe.from_value("models: [a, b]\\nalpha: 0.5"), lambda name: folder / f"{name}.safetensors")
write(merge, folder / "out.safetensors", Slow())
print("done", flush=True)
"""


def test_a_kill_at_any_moment_leaves_the_old_state(shelf) -> None:
    shelf.add("a", seed=1)
    shelf.add("b", seed=2)
    sources = {name: shelf.path(name).read_bytes() for name in "ab"}
    root = Path(__file__).resolve().parents[2]
    moments = random.Random(7)
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", _WRITER, str(shelf.folder)], stdout=subprocess.PIPE, cwd=root)
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"begun"
        time.sleep(moments.uniform(0.0, 0.25))
        child.kill()
        child.wait()
        child.stdout.close()
        assert not shelf.path("out").exists()
        assert {name: shelf.path(name).read_bytes() for name in "ab"} == sources


def test_the_fused_path_is_only_taken_where_it_rounds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream.fused_lerp.cache_clear()
    assert not stream.fused_lerp("F32")
    real = torch.lerp
    monkeypatch.setattr(torch, "lerp", lambda a, b, w: (1 - w) * a + w * b)
    assert not stream.fused_lerp("F16")
    stream.fused_lerp.cache_clear()

    def missing(*_: object) -> torch.Tensor:
        raise RuntimeError("\"lerp_kernel_scalar\" not implemented for 'Half'")

    monkeypatch.setattr(torch, "lerp", missing)
    assert not stream.fused_lerp("F16")
    stream.fused_lerp.cache_clear()
    monkeypatch.setattr(torch, "lerp", real)
