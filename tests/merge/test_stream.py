from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.merge import evaluate
from tag_atelier.merge.header import read_header
from tests.merge.conftest import merged

UNET = "model.diffusion_model."
IN00, IN05, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}input_blocks.5.0.weight", f"{UNET}output_blocks.0.0.weight"
TEXT = "cond_stage_model.transformer.text_model.layers.0.weight"
IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
VAE = "first_stage_model.decoder.conv_in.weight"
BIG = f"{UNET}input_blocks.5.0.big"


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
        monkeypatch.setattr(evaluate, "fused_lerp", lambda dtype: False)
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


def test_eight_bit_floats(shelf, counter) -> None:
    shelf.add("a", fill=1.0, dtype=torch.float8_e4m3fn)
    shelf.add("b", fill=2.0, dtype=torch.float16)
    out, result = merged(shelf, counter, alpha={"IN00": 0.5, "IN05": 10})
    assert out[IN00].dtype == torch.float8_e4m3fn
    assert filled(out[IN00].float(), 1.5)
    assert filled(out[IN05].float(), 11.0)
    assert not result.replaced


def test_the_fused_path_is_only_taken_where_it_rounds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate.fused_lerp.cache_clear()
    assert not evaluate.fused_lerp("F32")
    real = torch.lerp
    monkeypatch.setattr(torch, "lerp", lambda a, b, w: (1 - w) * a + w * b)
    assert not evaluate.fused_lerp("F16")
    evaluate.fused_lerp.cache_clear()

    def missing(*_: object) -> torch.Tensor:
        raise RuntimeError("\"lerp_kernel_scalar\" not implemented for 'Half'")

    monkeypatch.setattr(torch, "lerp", missing)
    assert not evaluate.fused_lerp("F16")
    evaluate.fused_lerp.cache_clear()
    monkeypatch.setattr(torch, "lerp", real)
