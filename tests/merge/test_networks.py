"""Networks baked into a merge: every kind against its formula written out with numpy, names, strengths, bad files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tag_atelier.errors import CheckpointError
from tag_atelier.merge import lora_formulas
from tag_atelier.merge.header import Header, TensorEntry
from tag_atelier.merge.networks import network_names, read_layers
from tag_atelier.merge.plan import MergePlan, plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write

UNET = "model.diffusion_model."
LINEAR = f"{UNET}input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight"
CONV = f"{UNET}input_blocks.4.0.in_layers.2.weight"
JOINED = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"
NORM = f"{UNET}input_blocks.4.0.out_layers.0.weight"
OUT, IN, RANK = 6, 4, 2

Arrays = dict[str, np.ndarray]


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def base(shelf) -> dict[str, torch.Tensor]:
    change = {
        LINEAR: torch.from_numpy(random(1, OUT, IN)),
        CONV: torch.from_numpy(random(2, OUT, IN, 3, 3)),
        JOINED: torch.from_numpy(random(3, 12, 4)),
        NORM: torch.from_numpy(random(4, OUT)),
        NORM.replace("weight", "bias"): torch.from_numpy(random(5, OUT)),
    }
    return shelf.add("a", architecture="sdxl", seed=9, dtype=torch.float32, change=change)


def planned(shelf, loras: object, **recipe: object) -> MergePlan:
    return plan(Recipe.from_value({"models": ["a"], "loras": loras, **recipe}), shelf.path)


def baked(shelf, counter, tensors: Mapping[str, np.ndarray], weight: object = 1.0) -> dict[str, np.ndarray]:
    save_file({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in tensors.items()}, shelf.path("net"))
    path = shelf.path("out")
    path.unlink(missing_ok=True)
    write(planned(shelf, [{"lora": "net", "weight": weight}]), path, counter())
    return {key: value.numpy() for key, value in load_file(path).items() if value.dtype == torch.float32}


def kron(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Kronecker's product, element by element; further axes are b's."""
    result = np.zeros((a.shape[0] * b.shape[0], a.shape[1] * b.shape[1], *b.shape[2:]), np.float64)
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            result[i, j] = a[i // b.shape[0], j // b.shape[1]] * b[i % b.shape[0], j % b.shape[1]]
    return result


def tucker(core: np.ndarray, out: np.ndarray, entering: np.ndarray) -> np.ndarray:
    """core (r, s, h, w), out (r, o), entering (s, i) → (o, i, h, w)."""
    return np.tensordot(np.tensordot(out, core, (0, 0)), entering, (1, 0)).transpose(0, 3, 1, 2)


def lora() -> tuple[str, Arrays, np.ndarray]:
    up, down = random(10, OUT, RANK), random(11, RANK, IN)
    tensors = {"lora_up.weight": up, "lora_down.weight": down, "alpha": np.float32(1.0)}
    return LINEAR, tensors, (up @ down) * (1.0 / RANK)


def locon() -> tuple[str, Arrays, np.ndarray]:
    up, down = random(12, OUT, RANK, 1, 1), random(13, RANK, IN, 3, 3)
    change = np.zeros((OUT, IN, 3, 3))
    for rank in range(RANK):
        change += up[:, rank, 0, 0][:, None, None, None] * down[rank][None]
    return CONV, {"lora_up.weight": up, "lora_down.weight": down}, change


def locon_tucker() -> tuple[str, Arrays, np.ndarray]:
    up, down, mid = random(14, OUT, RANK, 1, 1), random(15, 3, IN, 1, 1), random(16, RANK, 3, 3, 3)
    tensors = {"lora_up.weight": up, "lora_down.weight": down, "lora_mid.weight": mid, "alpha": np.float32(6.0)}
    return CONV, tensors, tucker(mid, up[:, :, 0, 0].T, down[:, :, 0, 0]) * 2.0


def loha() -> tuple[str, Arrays, np.ndarray]:
    a, b, c, d = random(17, OUT, RANK), random(18, RANK, IN), random(19, OUT, RANK), random(20, RANK, IN)
    tensors = {"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "alpha": np.float32(4.0)}
    return LINEAR, tensors, (a @ b) * (c @ d) * 2.0


def loha_tucker() -> tuple[str, Arrays, np.ndarray]:
    a, b, c, d = random(21, RANK, OUT), random(22, RANK, IN), random(23, RANK, OUT), random(24, RANK, IN)
    t, u = random(25, RANK, RANK, 3, 3), random(26, RANK, RANK, 3, 3)
    tensors = {"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "hada_t1": t, "hada_t2": u}
    return CONV, tensors, tucker(t, a, b) * tucker(u, c, d)


def lokr() -> tuple[str, Arrays, np.ndarray]:
    w1, a, b = random(27, 3, 2), random(28, 2, RANK), random(29, RANK, 2)
    return LINEAR, {"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": np.float32(1.0)}, kron(w1, a @ b) / RANK


def lokr_conv() -> tuple[str, Arrays, np.ndarray]:
    w1, w2 = random(30, 2, 2), random(31, 3, 2, 3, 3)
    return CONV, {"lokr_w1": w1, "lokr_w2": w2, "alpha": np.float32(1.0)}, kron(w1, w2)


def dora(by_row: bool = False) -> tuple[str, Arrays, np.ndarray]:
    key, tensors, change = lora()
    weight = random(1, OUT, IN).astype(np.float64)
    mixed = weight + change
    magnitude = random(32, OUT, 1) if by_row else random(32, 1, IN)
    length = np.sqrt((mixed**2).sum(axis=1 if by_row else 0, keepdims=True))
    return key, {**tensors, "dora_scale": magnitude}, mixed / length * magnitude - weight


def dora_by_row() -> tuple[str, Arrays, np.ndarray]:
    return dora(by_row=True)


def full() -> tuple[str, Arrays, np.ndarray]:
    diff = random(33, OUT, IN)
    return LINEAR, {"diff": diff}, diff


def ia3() -> tuple[str, Arrays, np.ndarray]:
    factors = random(34, IN)
    return LINEAR, {"weight": factors, "on_input": np.array(True)}, random(1, OUT, IN) * factors[None]


def glora() -> tuple[str, Arrays, np.ndarray]:
    a1, a2, b1, b2 = random(35, RANK, IN), random(36, IN, RANK), random(37, RANK, IN), random(38, OUT, RANK)
    change = b2 @ b1 + random(1, OUT, IN) @ a2 @ a1
    return LINEAR, {"a1.weight": a1, "a2.weight": a2, "b1.weight": b1, "b2.weight": b2, "alpha": np.float32(2)}, change


def cayley(raw: np.ndarray) -> np.ndarray:
    skew = (raw - raw.transpose(0, 2, 1)).astype(np.float64)
    one = np.eye(raw.shape[-1])
    return np.stack([(one + q) @ np.linalg.inv(one - q) for q in skew])


def oft() -> tuple[str, Arrays, np.ndarray]:
    raw, weight = 0.3 * random(39, 3, 2, 2), random(1, OUT, IN).astype(np.float64)
    turned = np.concatenate([block.T @ weight[2 * i : 2 * i + 2] for i, block in enumerate(cayley(raw))])
    return LINEAR, {"oft_blocks": raw}, turned - weight


def oft_limited() -> tuple[str, Arrays, np.ndarray]:
    raw, weight = 0.3 * random(39, 3, 2, 2), random(1, OUT, IN).astype(np.float64)
    skew = raw - raw.transpose(0, 2, 1)
    limit = 0.01 * OUT
    shrunk = raw * (limit / np.sqrt((skew**2).sum()))
    turned = np.concatenate([block.T @ weight[2 * i : 2 * i + 2] for i, block in enumerate(cayley(shrunk))])
    return LINEAR, {"oft_blocks": raw, "alpha": np.float32(0.01)}, turned - weight


def oft_diagonal() -> tuple[str, Arrays, np.ndarray]:
    raw, weight, rescale = random(40, 3, 2, 2), random(1, OUT, IN), random(41, OUT, 1)
    turned = np.concatenate([block.T @ weight[2 * i : 2 * i + 2] for i, block in enumerate(raw)])
    return LINEAR, {"oft_diag": raw, "rescale": rescale}, turned * rescale - weight


CASES = [lora, locon, locon_tucker, loha, loha_tucker, lokr, lokr_conv, dora, dora_by_row, full, ia3, glora, oft, oft_limited]


@pytest.mark.parametrize("kind", [*CASES, oft_diagonal], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("strength", [1.0, -0.35])
def test_every_kind_is_its_formula(shelf, counter, kind, strength: float) -> None:
    made = base(shelf)
    key, tensors, change = kind()
    name = "lora_unet_" + key.removeprefix(UNET).removesuffix(".weight").replace(".", "_")
    out = baked(shelf, counter, {f"{name}.{last}": np.asarray(value) for last, value in tensors.items()}, strength)
    expected = made[key].numpy().astype(np.float64) + strength * change.reshape(made[key].shape)
    np.testing.assert_allclose(out[key], expected.astype(np.float32), rtol=2e-6, atol=2e-6)
    others = [other for other in made if other != key and made[other].dtype == torch.float32]
    assert all(np.array_equal(out[other], made[other].numpy()) for other in others)


def test_butterflies_turn_rows_that_lie_far_apart(shelf, counter) -> None:
    """BOFT of two levels on 4 rows: with each R a swap of two rows, row order is a permutation one can write out."""
    key = f"{UNET}input_blocks.4.1.proj_in.weight"
    weight = torch.from_numpy(random(42, 4, 3))
    shelf.add("a", architecture="sdxl", dtype=torch.float32, change={key: weight})
    raw = np.zeros((2, 2, 2, 2), np.float32)
    raw[0, :, 0, 1] = 1e6  # (1 + Q)/(1 − Q) of a huge Q is −1, of 0 it is 1
    out = baked(shelf, counter, {"lora_unet_input_blocks_4_1_proj_in.oft_blocks": raw})
    np.testing.assert_allclose(out[key], -weight.numpy(), rtol=1e-4, atol=1e-4)
    raw[1, 0, 0, 1] = 1e6
    out = baked(shelf, counter, {"lora_unet_input_blocks_4_1_proj_in.oft_blocks": raw})
    np.testing.assert_allclose(out[key], weight.numpy() * np.array([[1], [-1], [1], [-1]]), rtol=1e-4, atol=1e-4)


def test_a_third_of_a_joined_matrix(shelf, counter) -> None:
    made = base(shelf)
    up, down = random(50, 4, 1), random(51, 1, 4)
    name = "lora_te2_text_model_encoder_layers_0_self_attn_k_proj"
    out = baked(shelf, counter, {f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down}, {"CLIP_G": 0.5})
    expected = made[JOINED].numpy().copy()
    expected[4:8] += 0.5 * (up @ down)
    np.testing.assert_allclose(out[JOINED], expected, rtol=1e-6)


def test_a_norm_changes_the_weight_and_the_bias(shelf, counter) -> None:
    made = base(shelf)
    name, scale, shift = "lora_unet_input_blocks_4_0_out_layers_0", random(52, OUT), random(53, OUT)
    out = baked(shelf, counter, {f"{name}.w_norm": scale, f"{name}.b_norm": shift}, 0.5)
    np.testing.assert_allclose(out[NORM], made[NORM].numpy() + 0.5 * scale, rtol=1e-6)
    bias = NORM.replace("weight", "bias")
    np.testing.assert_allclose(out[bias], made[bias].numpy() + 0.5 * shift, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q",
    ],
)
@pytest.mark.parametrize("last", [("lora_up.weight", "lora_down.weight"), ("lora_B.weight", "lora_A.weight")])
def test_all_ways_to_name_a_layer(shelf, counter, name: str, last: tuple[str, str]) -> None:
    made = base(shelf)
    up, down = random(54, OUT, 1), random(55, 1, IN)
    out = baked(shelf, counter, {f"{name}.{last[0]}": up, f"{name}.{last[1]}": down})
    np.testing.assert_allclose(out[LINEAR], made[LINEAR].numpy() + up @ down, rtol=1e-6)


def test_names_of_kohyas_trainer() -> None:
    assert network_names(LINEAR, "sdxl") == [("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "whole")]
    assert network_names(LINEAR, "sd15")[0][0].startswith("lora_unet_down_blocks_1_attentions_0_")
    joined = [(name.rpartition("_layers_0_")[2], part) for name, part in network_names(JOINED, "sdxl")]
    assert joined == [("self_attn_q_proj", "query"), ("self_attn_k_proj", "key"), ("self_attn_v_proj", "value")]
    clip = "transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    assert network_names(f"cond_stage_model.{clip}", "sd15")[0][0] == "lora_te_text_model_encoder_layers_0_mlp_fc1"
    assert network_names(f"conditioner.embedders.0.{clip}", "sdxl")[0][0] == "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    assert network_names(f"{UNET}out.2.bias", "sdxl") == []


def test_several_networks_on_a_mix_are_rounded_once(shelf, counter) -> None:
    made = base(shelf)
    shelf.add("b", architecture="sdxl", seed=3, dtype=torch.float32, change={LINEAR: torch.from_numpy(random(56, OUT, IN))})
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    changes = []
    for i in range(2):
        up, down = random(60 + i, OUT, 1), random(70 + i, 1, IN)
        save_file(
            {f"{name}.lora_up.weight": torch.from_numpy(up), f"{name}.lora_down.weight": torch.from_numpy(down)},
            shelf.path(f"net{i}"),
        )
        changes.append(up.astype(np.float64) @ down)
    recipe = {
        "models": ["a", "b"],
        "alpha": {"IN04": 0.25},
        "loras": [{"lora": "net0", "weight": {"IN04": 0.5}}, {"lora": "net1", "weight": {"UNET": -1, "IN04": 2}}],
        "options": {"dtype": "fp16"},
    }
    merge = plan(Recipe.from_value(recipe), shelf.path)
    write(merge, shelf.path("out"), counter())
    mixed = 0.75 * made[LINEAR].double().numpy() + 0.25 * random(56, OUT, IN) + 0.5 * changes[0] + 2 * changes[1]
    got = load_file(shelf.path("out"))[LINEAR]
    assert np.array_equal(got.numpy(), mixed.astype(np.float16))
    assert [(source.letter, source.name) for source in merge.networks] == [("lora1", "net0"), ("lora2", "net1")]
    assert [model["letter"] for model in merge.as_dict()["models"]] == ["a", "b", "lora1", "lora2"]  # type: ignore[attr-defined]


def test_an_inpainting_models_further_inputs_stay(shelf, counter) -> None:
    key = f"{UNET}input_blocks.0.0.weight"
    weight = torch.from_numpy(random(57, 4, 9, 3, 3))
    shelf.add("a", architecture="sdxl", dtype=torch.float32, change={key: weight})
    up, down = random(58, 4, 2, 1, 1), random(59, 2, 4, 3, 3)
    out = baked(shelf, counter, {"lora_unet_conv_in.lora_up.weight": up, "lora_unet_conv_in.lora_down.weight": down})
    change = np.tensordot(up[:, :, 0, 0], down, (1, 0))
    np.testing.assert_allclose(out[key][:, :4], weight[:, :4].numpy() + change, rtol=1e-5, atol=1e-6)
    assert np.array_equal(out[key][:, 4:], weight[:, 4:].numpy())


def test_nan_in_a_network_leaves_as_tensor_and_is_listed(shelf, counter) -> None:
    made = base(shelf)
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    save_file({f"{name}.diff": torch.full((OUT, IN), float("nan"))}, shelf.path("net"))
    result = write(planned(shelf, ["net"]), shelf.path("out"), counter())
    assert result.replaced == {LINEAR: "'net' has NaN or infinite values there"}
    assert torch.equal(load_file(shelf.path("out"))[LINEAR], made[LINEAR])


def test_layers_that_the_model_lacks_are_said(shelf) -> None:
    base(shelf)
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    tensors = {f"{name}.diff": torch.ones(OUT, IN), "lora_unet_nowhere.diff": torch.ones(1), "bundle_emb.x.y": torch.ones(1)}
    save_file(tensors, shelf.path("net"))
    notes = planned(shelf, ["net"]).notes
    assert "1 layers of 'net.safetensors', such as 'lora_unet_nowhere', are not in the first model" in notes[0]
    assert "carries embeddings" in notes[1]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*CASES, oft_diagonal]),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["drop", "turn", "grow", "flatten", "number", "none"])), max_size=3),
    st.sampled_from(["dora_scale", "rescale", "alpha", "bias", "hada_t1", "lokr_t2", "lora_mid.weight"]),
    st.sampled_from([None, (), (1,), (OUT,), (OUT, 1), (1, IN), (2, 2, 3, 3)]),
)
def test_networks_of_any_shapes_are_taken_or_refused(kind, changes, extra: str, of: tuple[int, ...] | None) -> None:
    key, tensors, _ = kind()
    shapes = {last: np.asarray(value).shape for last, value in tensors.items()}
    if of is not None:
        shapes[extra] = of
    for place, change in changes:
        last = list(shapes)[place % len(shapes)]
        shape = shapes[last]
        altered = {
            "turn": shape[::-1],
            "grow": (*shape[:-1], 7),
            "flatten": (int(np.prod(shape)),),
            "number": (),
            "none": (0, *shape),
        }
        if change == "drop" and len(shapes) > 1:
            del shapes[last]
        else:
            shapes[last] = altered.get(change, shape)
    name = "lora_unet_" + key.removeprefix(UNET).removesuffix(".weight").replace(".", "_")
    entries = {f"{name}.{last}": TensorEntry("F32", shape, 0, 0) for last, shape in shapes.items()}
    wanted = (OUT, IN) if key == LINEAR else (OUT, IN, 3, 3)
    try:
        layers, _ = read_layers(Header(Path("net.safetensors"), entries, 0, 0), {key: TensorEntry("F32", wanted, 0, 0)}, "sdxl")
    except CheckpointError:
        return
    values = {last: torch.ones(shape) for last, shape in shapes.items()}
    assert lora_formulas.changed(torch.ones(wanted), layers[0], values, 0.5).shape == wanted


@pytest.mark.parametrize(
    ("tensors", "found"),
    [
        ({"x": torch.ones(1)}, "holds no network that is known"),
        ({"lora_unet_nowhere.diff": torch.ones(1)}, "changes nothing here: none of its 1 layers, such as 'lora_unet_nowhere'"),
        ({"Q.diff": torch.ones(OUT, IN + 1)}, "does not fit.*diff 6×5 and the first model's tensor 6×4"),
        ({"Q.lora_up.weight": torch.ones(OUT, 2), "Q.lora_down.weight": torch.ones(3, IN)}, "does not fit"),
        ({"Q.lora_up.weight": torch.ones(OUT), "Q.lora_down.weight": torch.ones(IN)}, "does not fit"),
        ({"Q.lora_up.weight": torch.ones(OUT, 0), "Q.lora_down.weight": torch.ones(0, IN)}, "does not fit"),
        ({"Q.oft_blocks": torch.ones(4, 2, 2)}, "does not fit"),
        ({"Q.alpha": torch.ones(1)}, "does not fit"),
        (
            {
                "Q.hada_w1_a": torch.ones(2),
                "Q.hada_w1_b": torch.ones(2),
                "Q.hada_w2_a": torch.ones(2),
                "Q.hada_w2_b": torch.ones(2),
            },
            "fit",
        ),
    ],
)
def test_bad_networks_are_refused_before_anything_is_read(shelf, tensors: dict[str, torch.Tensor], found: str) -> None:
    base(shelf)
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    save_file({key.replace("Q.", f"{name}."): value for key, value in tensors.items()}, shelf.path("net"))
    with pytest.raises(CheckpointError, match=found):
        planned(shelf, ["net"])
