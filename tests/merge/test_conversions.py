"""Recipes of one model, dtypes of single parts, eight-bit numbers, inpainting models, values that do not fit."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import MergeResult, write

UNET = "model.diffusion_model."
IN00, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}output_blocks.0.0.weight"
TEXT = "cond_stage_model.transformer.text_model.layers.0.weight"
VAE = "first_stage_model.decoder.conv_in.weight"
IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"


def merged(shelf, counter, **recipe: object) -> tuple[dict[str, torch.Tensor], MergeResult]:
    path = shelf.path("out")
    path.unlink(missing_ok=True)
    result = write(plan(Recipe.from_value(recipe), shelf.path), path, counter())
    return load_file(path), result


def test_a_recipe_of_one_model_changes_only_the_dtype(shelf, counter) -> None:
    made = shelf.add("a", seed=1, dtype=torch.float32)
    out, result = merged(shelf, counter, models=["a"], options={"dtype": "fp16"})
    assert all(torch.equal(out[key], made[key].half() if made[key].is_floating_point() else made[key]) for key in made)
    assert (result.changed_keys, result.replaced) == (0, {})


def test_each_part_has_its_dtype(shelf, counter) -> None:
    shelf.add("a", seed=1, dtype=torch.float32, change={"alphas_cumprod": torch.ones(3)})
    dtypes = {"all": "fp16", "unet": "fp8_e4m3fn", "text_encoders": "bf16", "vae": "fp32"}
    out, _ = merged(shelf, counter, models=["a"], options={"dtype": dtypes})
    assert [out[key].dtype for key in (IN00, TEXT, VAE, IDS, "alphas_cumprod")] == [
        torch.float8_e4m3fn,
        torch.bfloat16,
        torch.float32,
        torch.int64,
        torch.float16,
    ]
    out, _ = merged(shelf, counter, models=["a"], options={"dtype": "fp8_e5m2"})
    assert (out[IN00].dtype, out["alphas_cumprod"].dtype) == (torch.float8_e5m2, torch.float32)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("written", ["keep", "fp16"])
def test_eight_bit_models_are_mixed_as_what_they_stand_for(shelf, counter, dtype: torch.dtype, written: str) -> None:
    a, b = (0.1 * torch.randn(5, 4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    shelf.add("a", change={OUT00: a.to(dtype)})
    shelf.add("b", change={OUT00: b.to(dtype)})
    out, _ = merged(shelf, counter, models=["a", "b"], alpha=0.3, options={"dtype": written})
    exact = 0.7 * a.to(dtype).double() + 0.3 * b.to(dtype).double()
    expected = exact.to(torch.float32).to(dtype if written == "keep" else torch.float16)
    assert out[OUT00].dtype == expected.dtype
    assert torch.equal(out[OUT00].float(), expected.float())


@pytest.mark.parametrize(
    ("value", "source", "name", "largest"),
    [
        (1e6, torch.bfloat16, "fp16", 65504.0),
        (-1e6, torch.float32, "fp16", -65504.0),
    ],
)
def test_values_that_do_not_fit_are_cut_and_listed(
    shelf, counter, value: float, source: torch.dtype, name: str, largest: float
) -> None:
    tensor = torch.full((5, 4), 0.5, dtype=source)
    tensor[2, 1] = value
    shelf.add("a", change={OUT00: tensor})
    out, result = merged(shelf, counter, models=["a"], options={"dtype": name})
    assert float(out[OUT00][2, 1]) == largest
    assert float(out[OUT00][0, 0]) == 0.5
    assert list(result.replaced) == [OUT00]
    assert "were cut to its largest" in result.replaced[OUT00]


def test_nan_in_the_only_model_is_listed(shelf, counter) -> None:
    shelf.add("a", change={OUT00: torch.full((5, 4), float("nan"))})
    out, result = merged(shelf, counter, models=["a"], options={"dtype": "fp16"})
    assert bool(out[OUT00].isnan().all())
    assert result.replaced == {OUT00: "'a' has NaN or infinite values there"}


def test_mixed_values_that_do_not_fit_leave_as_tensor(shelf, counter) -> None:
    shelf.add("a", change={OUT00: torch.full((5, 4), 5e4).half()})
    shelf.add("b", change={OUT00: torch.full((5, 4), -5e4).half()})
    out, result = merged(shelf, counter, models=["a", "b"], alpha=-0.5)
    assert bool((out[OUT00].double() == float(torch.tensor(5e4).half())).all())
    assert result.replaced[OUT00] == "mixed values are too large for F16"


@pytest.mark.parametrize(("name", "largest"), [("fp8_e4m3fn", 448.0), ("fp8_e5m2", 57344.0)])
@pytest.mark.parametrize("models", [["a"], ["a", "b"]])
def test_eight_bits_cut_what_they_cannot_hold(shelf, counter, name: str, largest: float, models: list[str]) -> None:
    tensor = torch.tensor([6.4e4, -6.4e4, 0.5, float("nan")]).repeat(5, 1).half()
    for model in "ab":
        shelf.add(model, change={OUT00: tensor[:, :3].repeat(1, 2)[:, :4].contiguous()})
    out, result = merged(shelf, counter, models=models, alpha=[0.5] * (len(models) - 1), options={"dtype": name})
    assert out[OUT00][0].tolist() == [largest, -largest, 0.5, largest]
    assert result.replaced == {}
    shelf.add("a", change={OUT00: tensor})
    out, result = merged(shelf, counter, models=["a"], options={"dtype": name})
    assert list(result.replaced) == [OUT00]
    assert bool(out[OUT00].float()[:, 3].isnan().all())


def test_inpainting_by_add_difference(shelf, counter) -> None:
    """The usual recipe: the inpainting model + (another − the plain model both come from)."""
    wide = torch.randn(4, 9, 3, 3, generator=torch.Generator().manual_seed(1))
    shelf.add("a", fill=1.0, change={IN00: wide.half()})
    shelf.add("b", fill=3.0)
    shelf.add("c", fill=2.5)
    recipe = {"models": ["a", "b"], "base": "c", "method": "add_difference", "alpha": 1}
    out, result = merged(shelf, counter, **recipe)
    assert torch.equal(out[IN00][:, :4], (wide.half().float()[:, :4] + 0.5).half())
    assert torch.equal(out[IN00][:, 4:], wide.half()[:, 4:])
    assert bool((out[OUT00] == 1.5).all())
    assert any("Not all models have A's 9 input channels; the first 4 are mixed" in note for note in result.notes)


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_a_plain_model_takes_only_the_inputs_it_has(shelf, counter, weight: float) -> None:
    wide = torch.randn(4, 9, 3, 3, generator=torch.Generator().manual_seed(1)).half()
    shelf.add("a", fill=1.0)
    shelf.add("b", fill=3.0, change={IN00: wide})
    out, _ = merged(shelf, counter, models=["a", "b"], alpha=weight)
    assert out[IN00].shape == (4, 4, 3, 3)
    assert torch.equal(out[IN00], torch.lerp(torch.ones(4, 4, 3, 3), wide[:, :4].float(), weight).half())


def test_a_first_layer_of_another_width_is_refused(shelf, counter) -> None:
    shelf.add("a")
    shelf.add("b", change={IN00: torch.ones(6, 9, 3, 3)})
    with pytest.raises(CheckpointError, match="4×4×3×3 in 'a' and 6×9×3×3 in 'b'"):
        merged(shelf, counter, models=["a", "b"], alpha=0.5)


def test_a_v_prediction_model_with_an_inpainting_and_a_plain_one(shelf, counter) -> None:
    """Of the three kinds A's keys, shapes and marks are the result's, and what cannot go well is warned of."""
    marks = {"v_pred": torch.empty(0), "ztsnr": torch.empty(0)}
    shelf.add("v", architecture="sdxl", fill=1.0, change=marks)
    shelf.add("inpaint", architecture="sdxl", fill=2.0, change={IN00: torch.full((4, 9, 3, 3), 2.0).half()})
    shelf.add("plain", architecture="sdxl", fill=4.0)
    out, result = merged(shelf, counter, models=["v", "inpaint", "plain"], alpha=[0.25, 0.25])
    assert out["v_pred"].shape == out["ztsnr"].shape == (0,)
    assert bool((out[IN00] == 0.5 * 1 + 0.25 * 2 + 0.25 * 4).all())
    assert sum("mixing v-prediction with other models gives noise" in note for note in result.notes) == 2
    out, _ = merged(shelf, counter, models=["plain", "v"], alpha=0.5)
    assert "v_pred" not in out
