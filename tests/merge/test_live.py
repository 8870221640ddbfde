from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.errors import Cancelled, CheckpointError, RecipeError
from tag_atelier.merge import live, stream
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.ports import Checkpoint, Values

UNET = "model.diffusion_model."
IN00, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}output_blocks.0.0.weight"
ATTENTION = f"{UNET}output_blocks.0.1.transformer_blocks.0.attn2.to_k.weight"


class Model:
    """A loaded model that keeps the port's promises."""

    def __init__(self, checkpoint: Checkpoint, tensors: dict[str, torch.Tensor]) -> None:
        self._checkpoint, self.tensors = checkpoint, tensors
        self.kept: dict[str, torch.Tensor] = {}
        self.written: list[str] = []
        self.version = 0

    def checkpoint(self) -> Checkpoint:
        return self._checkpoint

    def keys(self) -> list[str]:
        return list(self.tensors)

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        self.version += 1
        try:
            for key, tensor in tensors:
                self.kept.setdefault(key, self.tensors[key].clone())
                if isinstance(tensor, torch.Tensor):
                    self.tensors[key].copy_(tensor)
                else:
                    tensor.fill(self.tensors[key])
                self.written.append(key)
        except BaseException:
            self.restore()
            raise

    def restore(self, keys: Collection[str] | None = None) -> None:
        self.version += bool(self.kept)
        for key in [key for key in self.kept if keys is None or key in keys]:
            self.tensors[key].copy_(self.kept.pop(key))

    @property
    def dirty(self) -> bool:
        return bool(self.kept)


def same(model: Model, tensors: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, tensors[key]) for key, tensor in model.tensors.items())


def planned(shelf, **recipe: object) -> MergePlan:
    return plan(Recipe.from_value({"models": ["a", "b"], "alpha": {"OUT00": 0.25}, **recipe}), shelf.path)


@pytest.fixture
def model(shelf) -> Model:
    made = shelf.add("a", seed=1)
    shelf.add("b", seed=2)
    return Model(Checkpoint("a", "a [x]", shelf.path("a")), {key: tensor.clone() for key, tensor in made.items()})


def test_only_changed_blocks_are_touched_and_equal_the_file(shelf, counter, model: Model) -> None:
    progress = counter()
    result = live.apply(planned(shelf), model, progress)
    assert sorted(model.written) == sorted([OUT00, ATTENTION])
    assert (result.blocks, result.changed_keys, result.size_bytes) == (("OUT00",), 2, 58)
    assert progress.done == progress.total == 58
    stream.write(planned(shelf), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))
    model.restore()
    assert same(model, load_file(shelf.path("a")))


def test_a_second_merge_starts_from_a_again(shelf, counter, model: Model) -> None:
    live.apply(planned(shelf, alpha={"IN00": 0.5}), model, counter())
    live.apply(planned(shelf), model, counter())
    stream.write(planned(shelf), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))


def test_nothing_changes_nothing(shelf, counter, model: Model) -> None:
    result = live.apply(planned(shelf, alpha=0), model, counter())
    assert (model.written, result.changed_keys, model.dirty) == ([], 0, False)
    assert "No tensor changes" in result.as_dict()["notes"][0]


def test_another_model_is_loaded(shelf, counter, model: Model) -> None:
    model._checkpoint = Checkpoint("b", "b [x]", shelf.path("b"))
    with pytest.raises(RecipeError, match="'b' is loaded but the recipe starts from 'a'"):
        live.apply(planned(shelf), model, counter())
    assert model.written == []


def test_the_model_is_known_by_its_file_or_by_its_name(shelf, counter, model: Model) -> None:
    model._checkpoint = Checkpoint("renamed", "t", shelf.folder / "." / "a.safetensors")
    assert live.apply(planned(shelf), model, counter()).changed_keys == 2
    model._checkpoint = Checkpoint("a", "t")
    assert live.apply(planned(shelf), model, counter()).changed_keys == 2
    model._checkpoint = Checkpoint("else", "t")
    with pytest.raises(RecipeError, match="'else' is loaded"):
        live.apply(planned(shelf), model, counter())


def test_keys_that_the_model_does_not_have_are_reported(shelf, counter, model: Model) -> None:
    del model.tensors[ATTENTION]
    result = live.apply(planned(shelf), model, counter())
    assert result.unknown_keys == (ATTENTION,)
    assert model.written == [OUT00]


def test_cancel_restores(shelf, counter, model: Model) -> None:
    with pytest.raises(Cancelled):
        live.apply(planned(shelf, alpha=0.5), model, counter(stop_after=2))
    assert len(model.written) >= 2
    assert same(model, load_file(shelf.path("a")))


def test_an_error_on_the_way_restores(shelf, counter, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = stream.TensorReader.read_into, []

    def breaks_later(self: stream.TensorReader, target: memoryview, offset: int) -> None:
        calls.append(offset)
        if len(calls) > 20:
            raise CheckpointError("gone")
        whole(self, target, offset)

    monkeypatch.setattr(stream.TensorReader, "read_into", breaks_later)
    with pytest.raises(CheckpointError, match="gone"):
        live.apply(planned(shelf, alpha=0.5, method="sum_twice"), model, counter())
    assert model.written
    assert same(model, load_file(shelf.path("a")))


def test_a_changed_source_is_noticed_before_anything_is_touched(shelf, counter, model: Model) -> None:
    merge = planned(shelf)
    shelf.add("b", change={"more": torch.ones(2)})
    with pytest.raises(CheckpointError, match="changed since"):
        live.apply(merge, model, counter())
    assert not model.written


def test_nan_keeps_as_and_is_reported(shelf, counter, model: Model) -> None:
    shelf.add("b", seed=2, change={OUT00: torch.full((5, 4), float("nan")).half()})
    result = live.apply(planned(shelf), model, counter())
    assert list(result.replaced) == [OUT00]
    assert torch.equal(model.tensors[OUT00], load_file(shelf.path("a"))[OUT00])


def test_only_what_differs_is_done_again(shelf, counter, model: Model) -> None:
    merger = live.LiveMerger(model)
    merger.apply(planned(shelf, alpha={"IN00": 0.5, "OUT00": 0.25}), counter())
    model.written.clear()
    progress = counter()
    result = merger.apply(planned(shelf, alpha={"IN00": 0.5, "OUT00": 0.3}), progress)
    assert sorted(model.written) == sorted([OUT00, ATTENTION])
    assert (result.changed_keys, result.size_bytes, result.blocks) == (4, 58, ("IN00", "OUT00"))
    stream.write(planned(shelf, alpha={"IN00": 0.5, "OUT00": 0.3}), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))
    model.written.clear()
    merger.apply(planned(shelf, alpha={"OUT00": 0.3}), counter())
    assert model.written == [] and torch.equal(model.tensors[IN00], load_file(shelf.path("a"))[IN00])
    merger.apply(planned(shelf, alpha=0), counter())
    assert not model.dirty and same(model, load_file(shelf.path("a")))


def test_what_somebody_else_did_to_the_model_is_noticed(shelf, counter, model: Model) -> None:
    merger = live.LiveMerger(model)
    merger.apply(planned(shelf), counter())
    model.restore()
    merger.apply(planned(shelf), counter())
    stream.write(planned(shelf), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))
    live.apply(planned(shelf, alpha={"IN00": 0.5}), model, counter())
    merger.apply(planned(shelf), counter())
    assert same(model, load_file(shelf.path("out")))


@pytest.mark.parametrize("method", ["weighted_sum", "sum_twice", "cosine_a", "slerp"])
def test_every_way_of_computing_gives_what_the_file_holds(shelf, counter, model: Model, method: str) -> None:
    merger = live.LiveMerger(model)
    for name, alpha in (("one", 0.3), ("two", {"ALL": 0.3, "IN00": 0.8}), ("three", {"OUT00": 1.0, "M00": 0.1})):
        merge = planned(shelf, alpha=alpha, method=method)
        merger.apply(merge, counter())
        stream.write(merge, shelf.path(f"{method}-{name}"), counter())
        assert same(model, load_file(shelf.path(f"{method}-{name}")))
    merger.restore()
    assert same(model, load_file(shelf.path("a")))


def test_a_source_replaced_between_two_merges_is_read_anew(shelf, counter, model: Model) -> None:
    merger = live.LiveMerger(model)
    merger.apply(planned(shelf), counter())
    shelf.add("b", seed=7, change={"more": torch.ones(2)})
    merger.apply(planned(shelf), counter())
    stream.write(planned(shelf), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))


@pytest.mark.parametrize("large", [60000.0, float("inf")])
def test_results_that_may_not_be_finite_are_looked_at(shelf, counter, model: Model, large: float) -> None:
    shelf.add("b", seed=2, change={OUT00: torch.full((5, 4), large).half()})
    merge = planned(shelf, alpha={"OUT00": 2.0})
    result = live.apply(merge, model, counter())
    assert list(result.replaced) == [OUT00]
    assert torch.equal(model.tensors[OUT00], load_file(shelf.path("a"))[OUT00])


def test_a_file_whose_tensors_lie_on_odd_bytes(shelf, counter, model: Model) -> None:
    whole = shelf.path("b").read_bytes()
    length = int.from_bytes(whole[:8], "little")
    shelf.path("b").write_bytes((length + 1).to_bytes(8, "little") + whole[8 : 8 + length] + b" " + whole[8 + length :])
    live.apply(planned(shelf), model, counter())
    stream.write(planned(shelf), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))


def test_an_earlier_step_is_merged_live_too(shelf, counter, model: Model) -> None:
    recipe = {"steps": [{"name": "s", "models": ["a", "b"], "alpha": {"IN00": 0.5}}], "models": ["s", "b"]}
    live.apply(planned(shelf, **recipe), model, counter())
    stream.write(planned(shelf, **recipe), shelf.path("out"), counter())
    assert same(model, load_file(shelf.path("out")))
    assert not torch.equal(model.tensors[IN00], load_file(shelf.path("a"))[IN00])
