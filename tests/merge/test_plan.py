from __future__ import annotations

import time
import tracemalloc
from math import prod
from pathlib import Path

import pytest
import torch

from tag_atelier.errors import CheckpointError, RecipeError, UnknownName
from tag_atelier.merge.header import read_header, render_header
from tag_atelier.merge.plan import MergePlan, Step, plan
from tag_atelier.merge.recipe import Recipe
from tests.merge.conftest import planned, shapes_of

UNET = "model.diffusion_model."
IN00, OUT00 = f"{UNET}input_blocks.0.0.weight", f"{UNET}output_blocks.0.0.weight"
ATTENTION = f"{UNET}output_blocks.0.1.transformer_blocks.0.attn2.to_k.weight"
VAE = "first_stage_model.decoder.conv_in.weight"


def step_of(merge: MergePlan, key: str) -> Step:
    return next(step for step in merge.steps if step.key == key)


def test_steps_of_a_block_merge(shelf) -> None:
    made = shelf.add("a")
    shelf.add("b", seed=1)
    merge = planned(shelf, alpha={"IN00": 0.25, "OUT00": 1})
    assert {step.key for step in merge.steps} == set(made)
    assert step_of(merge, IN00) == Step(IN00, "IN00", "F16", (4, 4, 3, 3), (0, 1), (0.25,), {})
    assert step_of(merge, OUT00) == Step(OUT00, "OUT00", "F16", (5, 4), (1,))
    assert {step.block for step in merge.steps if step.changed} == {"IN00", "OUT00"}
    # A whole (int64 ids included), plus B's IN00; of OUT00 only B's
    assert merge.write_bytes == sum(tensor.nbytes for tensor in made.values())
    assert merge.read_bytes == merge.write_bytes + (144 + 4) * 2


def test_the_widest_numbers_come_first_so_that_all_are_aligned(shelf) -> None:
    # In A's file the float32 key comes before the int32 one; as float16 it must come after it.
    shelf.add("a", change={"alphas_cumprod": torch.ones(3), "steps": torch.ones(1, dtype=torch.int32)})
    shelf.add("b")
    before = list(read_header(shelf.path("a")).tensors)
    assert before.index("alphas_cumprod") < before.index("steps")
    widths = [{"I64": 8, "I32": 4, "F16": 2}[step.dtype] for step in planned(shelf, options={"dtype": "fp16"}).steps]
    assert widths == sorted(widths, reverse=True)
    assert set(widths) == {8, 4, 2}


def test_keys_of_no_block_and_whole_numbers_are_copied(shelf) -> None:
    ids = "cond_stage_model.transformer.text_model.embeddings.position_ids"
    shelf.add("a", change={"alphas_cumprod": torch.ones(3)})
    shelf.add("b", change={"alphas_cumprod": torch.zeros(3), ids: torch.zeros(1, 7, dtype=torch.int64)})
    merge = planned(shelf, options={"dtype": "fp16"})
    assert (step_of(merge, ids).sources, step_of(merge, ids).dtype) == ((0,), "I64")
    assert step_of(merge, "alphas_cumprod").sources == (0,)
    assert step_of(merge, "alphas_cumprod").dtype == "F16"


def test_the_vae_is_as_unless_it_is_named(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    assert step_of(planned(shelf), VAE).sources == (0,)
    assert step_of(planned(shelf, alpha={"VAE": 0.5}), VAE).weights == (0.5,)
    assert step_of(planned(shelf, options={"vae": "b"}), VAE).sources == (1,)
    line = planned(shelf, alpha=[0.5] * 26, layout="supermerger")
    assert step_of(line, VAE).weights == (0.5,)
    assert any("VAE is merged too" in note for note in line.notes)
    assert step_of(planned(shelf, alpha=[0.5] * 26, layout="supermerger", options={"vae": "a"}), VAE).sources == (0,)


def test_elements_win_over_blocks_and_the_last_one_wins(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    merge = planned(shelf, elements="OUT00:attn2:0.2,:to_k:0.3")
    assert step_of(merge, ATTENTION).weights == (0.3,)
    assert step_of(merge, OUT00).weights == (0.5,)


def test_models_of_weight_zero_are_not_read(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    shelf.add("c")
    merge = planned(shelf, models=["a", "b", "c"], alpha=[{"IN00": 0.5}, {"OUT00": 0.5, "IN00": 0.1}])
    assert (step_of(merge, IN00).sources, step_of(merge, IN00).weights) == ((0, 1, 2), (0.5, 0.1))
    assert (step_of(merge, OUT00).sources, step_of(merge, OUT00).weights) == ((0, 2), (0.5,))


def test_add_difference_reads_the_base_only_where_it_adds(shelf) -> None:
    for name in "abc":
        shelf.add(name)
    merge = planned(shelf, models=["a", "b", "c"], method="add_difference", alpha={"IN00": 1})
    assert [source.letter for source in merge.sources] == ["a", "b", "base"]
    assert step_of(merge, IN00).sources == (0, 1)
    assert merge.read_bytes == merge.write_bytes + 2 * (144 + 4) * 2


def test_keys_of_only_one_model(shelf) -> None:
    shelf.add("a", change={f"{UNET}input_blocks.3.0.extra": torch.ones(2)})
    shelf.add("b", change={"something": torch.ones(2), IN00: None})
    merge = planned(shelf)
    assert step_of(merge, IN00).sources == (0,)
    assert {letter: set(keys) for letter, keys in merge.missing.items()} == {"b": {IN00, f"{UNET}input_blocks.3.0.extra"}}
    assert merge.extra == {"b": 1}
    assert "something" not in {step.key for step in merge.steps}
    assert any("'b' lacks 2 tensors" in note for note in merge.notes)
    assert any("1 tensors of 'b' that A does not have" in note for note in merge.notes)


def test_a_tensor_of_whole_numbers_in_b_is_not_mixed(shelf) -> None:
    shelf.add("a")
    shelf.add("b", change={IN00: torch.ones(4, 4, 3, 3, dtype=torch.int64)})
    merge = planned(shelf)
    assert step_of(merge, IN00).sources == (0,)
    assert merge.missing == {"b": (IN00,)}


def test_what_the_base_lacks_stays_as(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    shelf.add("c", change={IN00: None})
    merge = planned(shelf, models=["a", "b", "c"], method="add_difference")
    assert step_of(merge, IN00).sources == (0,)
    assert step_of(merge, OUT00).sources == (0, 1)
    assert merge.missing == {"base": (IN00,)}


def test_ema_is_left_out(shelf) -> None:
    shelf.add("a", change={"model_ema.decay": torch.ones(1), "model_ema.x": torch.ones(1)})
    shelf.add("b")
    merge = planned(shelf)
    assert not any(step.key.startswith("model_ema.") for step in merge.steps)
    assert merge.notes == ("2 EMA tensors of 'a' are left out; they are only used in training.",)


def test_prediction_marks_are_kept_and_mixing_is_warned_of(shelf) -> None:
    shelf.add("a", architecture="sdxl", change={"v_pred": torch.empty(0), "ztsnr": torch.empty(0)})
    shelf.add("b", architecture="sdxl")
    merge = planned(shelf)
    assert (step_of(merge, "v_pred").shape, step_of(merge, "ztsnr").sources) == ((0,), (0,))
    assert "'a' is marked v_pred + ztsnr and 'b' eps" in merge.warnings[0]
    assert "yaml" in merge.warnings[1]


def test_all_weights_zero_is_said(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    assert "No tensor changes" in planned(shelf, alpha=0).warnings[0]


def test_architectures_cannot_be_mixed(shelf) -> None:
    shelf.add("a", architecture="sd15")
    shelf.add("b", architecture="sdxl")
    with pytest.raises(CheckpointError, match=r"'a' is Stable Diffusion 1.5 but 'b' is Stable Diffusion XL"):
        planned(shelf)


def test_architectures_are_told_apart_from_the_headers_alone(shelf) -> None:
    for name, architecture in (("a", "sd15"), ("b", "sdxl")):
        shapes = {**shapes_of(architecture), f"{UNET}input_blocks.5.0.big": (1 << 13, 1 << 14)}
        header = render_header([(key, "F16", shape) for key, shape in shapes.items()], {})
        with shelf.path(name).open("wb") as file:
            file.write(header)
            file.truncate(len(header) + sum(2 * prod(shape) for shape in shapes.values()))
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(CheckpointError, match="only checkpoints of one architecture"):
        planned(shelf)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (time.process_time() - started < 1, taken < 4 << 20) == (True, True)


def test_shapes_must_be_equal_where_they_are_mixed(shelf) -> None:
    shelf.add("a", change={OUT00: torch.ones(4, 9)})
    shelf.add("b")
    with pytest.raises(CheckpointError, match=r"'a' and 5×4 in 'b'.*1 such tensors.*one kind"):
        planned(shelf)
    assert step_of(planned(shelf, alpha={"IN00": 1}), OUT00).sources == (0,)


def test_a_scalar_in_one_model_is_not_broadcast(shelf) -> None:
    shelf.add("a")
    shelf.add("b", change={OUT00: torch.tensor(1.0)})
    with pytest.raises(CheckpointError, match="5×4 in 'a' and a number in 'b'"):
        planned(shelf)


def test_weights_that_do_not_fit_the_architecture(shelf) -> None:
    shelf.add("a", architecture="sdxl")
    shelf.add("b", architecture="sdxl")
    with pytest.raises(UnknownName, match="block of Stable Diffusion XL 'IN11'"):
        planned(shelf, alpha={"IN11": 1})
    with pytest.raises(RecipeError, match="in the layout 'classic'"):
        planned(shelf, alpha=[0.5] * 20, layout="classic")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"alpha": {"IN00": 1.5}}, "A weight is 1.5; 'tensor_swap' expects a number from 0 to 1"),
        ({"elements": ":attn2:-1"}, "A weight is -1"),
        ({"beta": {"IN00": 2}}, "'beta' is 2; 'tensor_swap' expects a number from 0 to 1"),
    ],
)
def test_weights_and_parameters_out_of_the_methods_range(shelf, change: dict[str, object], found: str) -> None:
    shelf.add("a")
    shelf.add("b")
    with pytest.raises(RecipeError, match=found):
        planned(shelf, method="tensor_swap", **change)


def test_a_parameter_may_differ_from_block_to_block(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    merge = planned(shelf, method="tensor_swap", parameters={"beta": {"ALL": 0.25, "IN00": 0.5}})
    assert step_of(merge, IN00).parameters == {"beta": 0.5}
    assert step_of(merge, OUT00).parameters == {"beta": 0.25}
    assert Recipe.from_value(merge.recipe.to_yaml()) == merge.recipe


def test_missing_model_and_other_files(shelf, tmp_path: Path) -> None:
    shelf.add("a")

    def nowhere(name: str) -> Path:
        raise UnknownName("checkpoint", name)

    with pytest.raises(UnknownName, match="checkpoint 'a'"):
        plan(Recipe.from_value({"models": ["a", "b"], "alpha": 1}), nowhere)
    (tmp_path / "b.ckpt").write_bytes(b"PK\x03\x04pickle...")
    with pytest.raises(CheckpointError, match=r"'b.ckpt' cannot be read as a checkpoint"):
        plan(
            Recipe.from_value({"models": ["a", "b.ckpt"], "alpha": 1}),
            lambda name: tmp_path / (name if "." in name else f"{name}.safetensors"),
        )


def test_known_hashes_are_kept(shelf) -> None:
    shelf.add("a")
    shelf.add("b")
    merge = plan(Recipe.from_value({"models": ["a", "b"], "alpha": 1}), shelf.path, {"a": "0" * 64}.get)
    assert [source.sha256 for source in merge.sources] == ["0" * 64, None]


def test_the_summary_is_plain_and_complete(shelf) -> None:
    import json

    shelf.add("a")
    shelf.add("b")
    shelf.add("b", change={f"{UNET}output_blocks.0.0.weight": None})
    merge = planned(shelf, alpha={"OUT00": 0.25})
    summary = json.loads(json.dumps(merge.as_dict()))
    assert summary["architecture"] == "sd15"
    assert [model["letter"] for model in summary["models"]] == ["a", "b"]
    block = next(block for block in summary["blocks"] if block["block"] == "OUT00")
    assert block == {"block": "OUT00", "weights": {"b": 0.25}, "keys": 2, "changed_keys": 1, "size_bytes": 58}
    assert summary["differences"] == {"missing": {"b": {"count": 1, "examples": [OUT00]}}, "extra": {}}
    assert (summary["changed_keys"], summary["keys"]) == (1, len(merge.steps))
    assert summary["digest"] == merge.recipe.digest
