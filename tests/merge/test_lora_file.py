"""Extraction: what a recipe changes, as a LoRA; baked into A again it gives the recipe's result."""

from __future__ import annotations

import hashlib

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tag_atelier.errors import Cancelled, RecipeError
from tag_atelier.merge.lora_file import factors
from tag_atelier.merge.output import write_result
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import MergeResult

UNET = "model.diffusion_model."
LINEAR = f"{UNET}input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight"
CONV = f"{UNET}input_blocks.4.0.in_layers.2.weight"
POINT = f"{UNET}input_blocks.4.0.skip_connection.weight"
JOINED = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"
SHAPES = {LINEAR: (24, 16), CONV: (8, 6, 3, 3), POINT: (8, 6, 1, 1), JOINED: (36, 12)}


def low_rank(shape: tuple[int, ...], rank: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    columns = torch.Size(shape[1:]).numel()
    return (torch.randn(shape[0], rank, generator=generator) @ torch.randn(rank, columns, generator=generator)).view(shape)


def models(shelf, rank: int = 2) -> dict[str, torch.Tensor]:
    """``a``, and ``b`` that differs from it by a matrix of low rank in each of ``SHAPES``; returns the differences."""
    changes = {key: 0.1 * low_rank(shape, rank, seed) for seed, (key, shape) in enumerate(SHAPES.items(), start=20)}
    changes[JOINED] = torch.cat([0.1 * low_rank((12, 12), rank, seed) for seed in (30, 31, 32)])
    first = {key: low_rank(shape, 6, seed) for seed, (key, shape) in enumerate(SHAPES.items())}
    common = {"architecture": "sdxl", "dtype": torch.float32, "seed": 5}
    shelf.add("a", change=first, **common)
    shelf.add("b", change={key: first[key] + changes[key] for key in first}, **common)
    return changes


def extracted(shelf, counter, **recipe: object) -> tuple[dict[str, torch.Tensor], MergeResult]:
    options = {"format": "lora", **recipe.pop("options", {})}  # type: ignore[dict-item]
    path = shelf.path("lora")
    path.unlink(missing_ok=True)
    merge = plan(Recipe.from_value({"models": ["a", "b"], "alpha": 1, **recipe, "options": options}), shelf.path)
    result = write_result(merge, path, counter())
    return load_file(path), result


def product(tensors: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    up, down = tensors[f"{name}.lora_up.weight"].float(), tensors[f"{name}.lora_down.weight"].float()
    scale = float(tensors[f"{name}.alpha"]) / down.shape[0]
    return scale * up.flatten(1) @ down.flatten(1)


Q = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
K = "lora_te2_text_model_encoder_layers_0_self_attn_k_proj"


def test_a_difference_of_low_rank_is_found_exactly(shelf, counter) -> None:
    changes = models(shelf)
    out, result = extracted(shelf, counter, options={"rank": 2, "conv_rank": 2, "dtype": "fp32"})
    assert torch.allclose(product(out, Q), changes[LINEAR], atol=2e-6)
    assert torch.allclose(product(out, K), changes[JOINED][12:24], atol=2e-6)
    conv = out["lora_unet_input_blocks_4_0_in_layers_2.lora_down.weight"]
    assert conv.shape == (2, 6, 3, 3)
    assert torch.allclose(product(out, "lora_unet_input_blocks_4_0_in_layers_2"), changes[CONV].flatten(1), atol=2e-6)
    assert out["lora_unet_input_blocks_4_0_skip_connection.lora_up.weight"].shape == (8, 2, 1, 1)
    assert result.sha256 == hashlib.sha256(shelf.path("lora").read_bytes()).hexdigest()
    with safe_open(shelf.path("lora"), "pt") as file:
        metadata = file.metadata()
    assert (metadata["ss_network_dim"], metadata["ss_base_model_version"]) == ("2", "sdxl_base_v1-0")


def test_baked_into_a_again_it_gives_b(shelf, counter) -> None:
    models(shelf)
    extracted(shelf, counter, options={"rank": 4, "conv_rank": 4})
    recipe = {"models": ["a"], "loras": ["lora"]}
    write_result(plan(Recipe.from_value(recipe), shelf.path), shelf.path("again"), counter())
    again, wanted = load_file(shelf.path("again")), load_file(shelf.path("b"))
    assert all(torch.allclose(again[key], wanted[key], atol=3e-3) for key in SHAPES)
    assert not torch.allclose(again[LINEAR], load_file(shelf.path("a"))[LINEAR], atol=3e-3)


def test_several_networks_in_one(shelf, counter) -> None:
    models(shelf)
    total = torch.zeros(24, 16)
    for i, strength in enumerate((0.5, -2.0)):
        generator = torch.Generator().manual_seed(40 + i)
        up, down = torch.randn(24, 3, generator=generator), torch.randn(3, 16, generator=generator)
        save_file({f"{Q}.lora_up.weight": up, f"{Q}.lora_down.weight": down}, shelf.path(f"net{i}"))
        total += strength * up @ down
    loras = [{"lora": "net0", "weight": 0.5}, {"lora": "net1", "weight": {"IN04": -2}}]
    out, _ = extracted(shelf, counter, models=["a"], alpha=[], loras=loras, options={"rank": 6, "dtype": "fp32"})
    assert set(out) == {f"{Q}.lora_up.weight", f"{Q}.lora_down.weight", f"{Q}.alpha"}
    assert torch.allclose(product(out, Q), total, atol=1e-4)


def test_weights_of_blocks_choose_the_layers(shelf, counter) -> None:
    changes = models(shelf)
    out, result = extracted(shelf, counter, alpha={"CLIP_G": 0.5}, options={"rank": 2})
    assert {key.partition(".")[0] for key in out} == {K.replace("_k_", f"_{part}_") for part in "qkv"}
    assert torch.allclose(product(out, K), 0.5 * changes[JOINED][12:24], atol=1e-3)
    assert all(tensor.dtype == torch.float16 for tensor in out.values())
    assert any("cannot be held by the LoRA" in note for note in result.notes)


def test_the_largest_part_of_a_full_rank_difference(shelf, counter) -> None:
    change = models(shelf, rank=16)[LINEAR]
    out, _ = extracted(shelf, counter, options={"rank": 5, "dtype": "fp32"})
    u, s, v = torch.linalg.svd(change, full_matrices=False)
    best = (u[:, :5] * s[:5]) @ v[:5]
    assert torch.allclose(product(out, Q), best, atol=1e-4)
    assert out[f"{Q}.lora_up.weight"].norm() == pytest.approx(float(out[f"{Q}.lora_down.weight"].norm()), rel=1e-3)


def test_large_matrices_are_nearly_as_good_as_exact_ones_and_the_same_at_every_run() -> None:
    generator = torch.Generator().manual_seed(3)
    change = torch.randn(700, 600, generator=generator) * torch.linspace(2, 0.1, 600)
    up, down = factors(change, 20, "layer")
    again = factors(change, 20, "layer")
    assert torch.equal(up, again[0])
    assert torch.equal(down, again[1])
    left = torch.linalg.svdvals(change)[20:].square().sum().sqrt()
    assert float((change - up @ down).norm() / left) < 1.01


def test_the_same_bytes_whatever_the_threads(shelf, counter) -> None:
    """Of a matrix that is large enough to be decomposed by several."""
    generator = torch.Generator().manual_seed(6)
    for name in "ab":
        shelf.add(name, architecture="sdxl", change={LINEAR: torch.randn(700, 600, generator=generator)})
    found, threads = [], torch.get_num_threads()
    for count in (1, 3):
        torch.set_num_threads(count)
        try:
            found.append(extracted(shelf, counter, alpha={"IN04": 1}, options={"rank": 8})[1].sha256)
            assert torch.get_num_threads() == count
        finally:
            torch.set_num_threads(threads)
    assert found[0] == found[1]


def test_nothing_to_extract_cancel_and_a_taken_name(shelf, counter) -> None:
    models(shelf)
    with pytest.raises(RecipeError, match="changes no layer that a LoRA can hold"):
        extracted(shelf, counter, alpha=0)
    merge = plan(Recipe.from_value({"models": ["a", "b"], "alpha": 1, "options": {"format": "lora"}}), shelf.path)
    with pytest.raises(Cancelled):
        write_result(merge, shelf.path("lora"), counter(stop_after=0))
    with pytest.raises(RecipeError, match="'b.safetensors' exists already"):
        write_result(merge, shelf.path("b"), counter())
    with pytest.raises(RecipeError, match="does not end in .safetensors"):
        write_result(merge, shelf.folder / "x.pt", counter())
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.safetensors", "b.safetensors"]
