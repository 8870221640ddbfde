"""Every method through the streamed merge: numbers no file should have, threads, readers, and what the survey finds."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.errors import Cancelled
from tag_atelier.merge import stream
from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import results, write

UNET = "model.diffusion_model."
OUT00, BIG = f"{UNET}output_blocks.0.0.weight", f"{UNET}input_blocks.5.0.big"
NEW = [name for name in METHODS if name != "smooth_add"]


def planned(shelf, method: str, **more: object) -> MergePlan:
    count = max(3, METHODS[method].models[0]) if METHODS[method].models[1] != 2 else 2
    names = ["a", "b", "c"][:count]
    alpha = [0.35, 0.3][: count - 1]
    base = {"base": "d"} if METHODS[method].base else {}
    return plan(Recipe.from_value({"models": names, "method": method, "alpha": alpha, **base, **more}), shelf.path)


def trained(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    base, more = (torch.randn(shape, generator=torch.Generator().manual_seed(each)) for each in (99, seed))
    return (0.05 * (base + 0.2 * more * (seed > 0))).half()


@pytest.mark.parametrize("method", METHODS)
def test_denormal_huge_and_nan_values(shelf, counter, method: str) -> None:
    for seed, name in ((1, "a"), (2, "b"), (3, "c"), (0, "d")):
        odd = {
            f"{UNET}input_blocks.5.{kind}": trained(seed, (4, 5)) * factor for kind, factor in (("small", 1e-6), ("large", 1e5))
        }
        nan = trained(seed, (4, 5))
        nan[1, 2] = float("nan") if name in "bd" else 1.0
        shelf.add(name, seed=7, change={**odd, f"{UNET}input_blocks.5.nan": nan})
    result = write(planned(shelf, method), shelf.path("out"), counter())
    out, a = load_file(shelf.path("out")), load_file(shelf.path("a"))
    assert all(bool(torch.isfinite(tensor).all()) for tensor in out.values())
    if method != "tensor_swap":  # its rows may be those without
        assert "has NaN" in result.replaced[f"{UNET}input_blocks.5.nan"]
        assert torch.equal(out[f"{UNET}input_blocks.5.nan"], a[f"{UNET}input_blocks.5.nan"])
    assert not torch.equal(out[f"{UNET}input_blocks.5.large"], a[f"{UNET}input_blocks.5.large"])


@pytest.mark.parametrize("method", NEW)
def test_same_bytes_for_any_threads_and_any_cut(shelf, counter, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    for seed, name in ((1, "a"), (2, "b"), (3, "c"), (0, "d")):
        shelf.add(name, seed=seed, change={BIG: trained(seed, (251, 300))})
    found = set()
    threads = torch.get_num_threads()
    for workers, intra in ((1, 1), (2, 3), (5, 2)):
        monkeypatch.setattr(stream, "WORKERS", workers)
        torch.set_num_threads(intra)
        try:
            shelf.path("out").unlink(missing_ok=True)
            found.add(write(planned(shelf, method), shelf.path("out"), counter()).sha256)
        finally:
            torch.set_num_threads(threads)
    assert len(found) == 1


@pytest.mark.parametrize("method", ["dare", "della"])
def test_masks_do_not_depend_on_what_else_is_merged(shelf, counter, method: str) -> None:
    for seed, name in ((1, "a"), (2, "b"), (3, "c"), (0, "d")):
        shelf.add(name, seed=seed, change={BIG: trained(seed, (1_100_001,))})

    def big(alpha: object) -> bytes:
        merge = planned(shelf, method, alpha=alpha)
        return next(bytes(each.data) for each in results(merge, merge.steps, counter()) if each.step.key == BIG)

    # What c adds is the same beside b, without b, and when only its block is merged.
    assert big([0, 0.2]) == big([0, {"IN05": 0.2}])
    both, c = (torch.frombuffer(bytearray(big(alpha)), dtype=torch.float16).float() for alpha in ([1e-6, 0.2], [0, 0.2]))
    assert torch.allclose(both, c, atol=5e-4)


def test_cosine_knows_the_range_of_the_whole_model(shelf, counter) -> None:
    shelf.add("a", seed=1, change={BIG: trained(1, (64, 300))})
    shelf.add("b", seed=1, change={BIG: trained(2, (64, 300))})
    out = write(planned(shelf, "cosine_a", alpha={"IN05": 0.2}), shelf.path("out"), counter())
    a, b = (load_file(shelf.path(name))[BIG].double() for name in "ab")
    s = torch.cosine_similarity(a, b, dim=0)
    every = torch.cat([s, torch.ones(5, dtype=torch.float64)]).sort().values  # IN05's other tensor has five equal columns
    low, high = every[len(every) // 100], every[-1 - len(every) // 100]
    k = (((s + s.mean()) / 2 - low) / (high - low) - 0.2).clamp(0, 1)
    got = load_file(shelf.path("out"))[BIG].double()
    assert torch.allclose(got, b + k * (a - b), atol=1e-4)
    assert out.replaced == {}


def test_the_survey_can_be_stopped(shelf, counter) -> None:
    shelf.add("a", seed=1)
    shelf.add("b", seed=2)
    with pytest.raises(Cancelled):
        write(planned(shelf, "cosine_b"), shelf.path("out"), counter(stop_after=0))
    assert not shelf.path("out").exists()


def test_extract_sees_both_models_even_when_one_is_not_added(shelf, counter) -> None:
    shelf.add("a", fill=0.0)
    shelf.add("b", fill=2.0)
    shelf.add("c", fill=-2.0)
    write(planned(shelf, "extract", alpha=[{"OUT00": 1}, 0], beta=1), shelf.path("out"), counter())
    out = load_file(shelf.path("out"))
    assert bool((out[OUT00] == 2.0).all())
    shelf.path("out").unlink()
    shelf.add("c", fill=2.0)
    write(planned(shelf, "extract", alpha=[{"OUT00": 1}, 0], beta=1), shelf.path("out"), counter())
    assert bool((load_file(shelf.path("out"))[OUT00] == 0.0).all())
