"""The tiny LoRA files: kohya's names, and shapes that fit the tiny checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_atelier.merge.header import read_header
from tag_atelier.world import tiny_lora


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny_lora.make(tmp_path_factory.mktemp("lora"))


@pytest.mark.parametrize(
    ("name", "layers", "layer", "shape"),
    [
        ("tiny-lora-sd15", 232, "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", (64, 64)),
        ("tiny-lora-sd15", 232, "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_2", (128, 512)),
        ("tiny-lora-sd15", 232, "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn1_to_out_0", (32, 32)),
        ("tiny-lora-sd15", 232, "lora_te_text_model_encoder_layers_11_mlp_fc1", (256, 64)),
        ("tiny-lora-sdxl", 964, "lora_unet_input_blocks_8_1_transformer_blocks_9_attn2_to_v", (128, 160)),
        ("tiny-lora-sdxl", 964, "lora_te2_text_model_encoder_layers_31_self_attn_q_proj", (96, 96)),
    ],
)
def test_layers(loras: dict[str, Path], name: str, layers: int, layer: str, shape: tuple[int, int]) -> None:
    tensors = read_header(loras[name]).tensors
    assert len(tensors) == 3 * layers
    assert tensors[f"{layer}.lora_up.weight"].shape == (shape[0], tiny_lora.RANK)
    assert tensors[f"{layer}.lora_down.weight"].shape == (tiny_lora.RANK, shape[1])
    assert tensors[f"{layer}.alpha"].shape == ()
