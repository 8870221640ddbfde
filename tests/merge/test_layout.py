from __future__ import annotations

import pytest

from tag_atelier.errors import CheckpointError, RecipeError, UnknownName
from tag_atelier.merge.layout import LINE_LAYOUTS, architectures, get_line_layout, read_line, recognise

SD15, SDXL = architectures()["sd15"], architectures()["sdxl"]
UNET = "model.diffusion_model."


def test_blocks_in_order() -> None:
    assert SD15.blocks == (
        *("CLIP_L", "TIME"),
        *("IN00", "IN01", "IN02", "IN03", "IN04", "IN05", "IN06", "IN07", "IN08", "IN09", "IN10", "IN11", "M00"),
        *("OUT00", "OUT01", "OUT02", "OUT03", "OUT04", "OUT05", "OUT06", "OUT07", "OUT08", "OUT09", "OUT10", "OUT11"),
        *("OUT", "VAE"),
    )
    assert SDXL.blocks[:4] == ("CLIP_L", "CLIP_G", "TIME", "LABEL")
    assert (len(SD15.unet), len(SDXL.unet), len(SDXL.blocks)) == (25, 19, 25)
    assert SDXL.unet[8:10] == ("IN08", "M00")


@pytest.mark.parametrize(
    ("key", "block"),
    [
        ("cond_stage_model.transformer.text_model.final_layer_norm.bias", "CLIP_L"),
        (f"{UNET}time_embed.0.weight", "TIME"),
        (f"{UNET}input_blocks.1.0.in_layers.0.bias", "IN01"),
        (f"{UNET}input_blocks.11.0.in_layers.0.bias", "IN11"),
        (f"{UNET}middle_block.2.out_layers.3.bias", "M00"),
        (f"{UNET}output_blocks.1.0.in_layers.0.bias", "OUT01"),
        (f"{UNET}output_blocks.10.0.in_layers.0.bias", "OUT10"),
        (f"{UNET}out.2.bias", "OUT"),
        ("first_stage_model.decoder.conv_in.weight", "VAE"),
        ("alphas_cumprod", None),
        ("model_ema.decay", None),
    ],
)
def test_block_of_sd15(key: str, block: str | None) -> None:
    assert SD15.block_of(key) == block


@pytest.mark.parametrize(
    ("key", "block"),
    [
        ("conditioner.embedders.0.transformer.text_model.embeddings.position_ids", "CLIP_L"),
        ("conditioner.embedders.1.model.logit_scale", "CLIP_G"),
        (f"{UNET}label_emb.0.0.weight", "LABEL"),
        (f"{UNET}output_blocks.8.0.in_layers.0.bias", "OUT08"),
        (f"{UNET}output_blocks.9.0.in_layers.0.bias", None),
        ("v_pred", None),
    ],
)
def test_block_of_sdxl(key: str, block: str | None) -> None:
    assert SDXL.block_of(key) == block


def test_groups_and_ranges() -> None:
    assert SDXL.expand("BASE") == ("CLIP_L", "CLIP_G")
    assert SDXL.expand("IN07-OUT01") == ("IN07", "IN08", "M00", "OUT00", "OUT01")
    assert SDXL.expand("UNET") == SDXL.blocks[2:-1]
    assert SDXL.expand("ALL") == SDXL.blocks[:-1]
    assert SDXL.expand("VAE") == ("VAE",)
    with pytest.raises(UnknownName, match=r"Stable Diffusion XL 'IN09'.*IN08"):
        SDXL.expand("IN09")
    with pytest.raises(RecipeError, match="expected 'IN01-M00'"):
        SDXL.expand("M00-IN01")


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([f"{UNET}joint_blocks.0.x"], "a Stable Diffusion 3 checkpoint"),
        ([f"{UNET}input_blocks.11.0.w", "cond_stage_model.model.ln_final.bias"], "a Stable Diffusion 2 checkpoint"),
        ([f"{UNET}input_blocks.8.0.w", f"{UNET}label_emb.0.w", "conditioner.embedders.0.model.x"], "XL refiner"),
        (["lora_unet_down_blocks_0.alpha"], "a LoRA file"),
        ([f"{UNET}double_blocks.0.x"], "a Flux checkpoint"),
        (["decoder.conv_in.weight"], "a VAE"),
        ([f"{UNET}input_blocks.0.0.weight"], "another architecture"),
        (["x"], "unknown kind"),
        ([], "unknown kind"),
    ],
)
def test_other_architectures_are_refused_by_name(keys: list[str], found: str) -> None:
    with pytest.raises(CheckpointError, match=found):
        recognise(keys, "m.safetensors")


def test_the_two_architectures_are_recognised() -> None:
    assert recognise([f"{UNET}input_blocks.11.0.w", "cond_stage_model.transformer.x"], "m") is SD15
    assert recognise([f"{UNET}input_blocks.8.0.w", f"{UNET}label_emb.0.0.weight"], "m") is SDXL


# BASE 0.1, IN00 0.2, …, OUT08 0.9: what each tool does with the keys that have no number of their own.
LINE_20 = [0.1, 0.2, *[0.5] * 17, 0.9]


@pytest.mark.parametrize(
    ("layout", "time", "label", "out", "vae"),
    [
        ("supermerger", 0.2, 0.2, 0.9, 0.1),
        ("sd-mecha", 0.1, 0.1, 0.9, 0.0),
        ("model-mixer", 0.9, 0.9, 0.9, 0.0),
    ],
)
def test_a_line_of_20_keeps_its_meaning(layout: str, time: float, label: float, out: float, vae: float) -> None:
    weights = read_line(LINE_20, LINE_LAYOUTS[layout], SDXL)
    assert list(weights) == list(SDXL.blocks)
    assert (weights["CLIP_L"], weights["CLIP_G"]) == (0.1, 0.1)
    assert (weights["IN00"], weights["M00"], weights["OUT08"]) == (0.2, 0.5, 0.9)
    assert (weights["TIME"], weights["LABEL"], weights["OUT"], weights["VAE"]) == (time, label, out, vae)


@pytest.mark.parametrize(
    ("layout", "time", "vae"),
    [("supermerger", 0.2, 0.1), ("classic", 0.2, 0.1), ("sd-mecha", 0.1, 0.0), ("model-mixer", 0.9, 0.0)],
)
def test_a_line_of_26_keeps_its_meaning(layout: str, time: float, vae: float) -> None:
    weights = read_line([0.1, 0.2, *[0.5] * 23, 0.9], LINE_LAYOUTS[layout], SD15)
    assert (weights["CLIP_L"], weights["TIME"], weights["IN00"], weights["OUT11"]) == (0.1, time, 0.2, 0.9)
    assert (weights["OUT"], weights["VAE"]) == (0.9, vae)


def test_lines_without_base_and_with_vae() -> None:
    assert read_line([0.5] * 25, LINE_LAYOUTS["supermerger"], SD15)["CLIP_L"] == 0.0
    assert read_line([*LINE_20, 0.7], LINE_LAYOUTS["supermerger"], SDXL)["VAE"] == 0.7
    assert read_line([*LINE_20, 0.7], LINE_LAYOUTS["sd-mecha"], SDXL)["VAE"] == 0.7


def test_supermerger_reads_an_sd15_line_for_sdxl() -> None:
    # BASE 100, then 0…24 for IN00…OUT11: IN09-IN11 (9…11) and OUT09-OUT11 (22…24) fall away.
    weights = read_line([10.0, *map(float, range(25))], LINE_LAYOUTS["supermerger"], SDXL)
    assert weights["CLIP_G"] == 10.0
    assert (weights["IN08"], weights["M00"], weights["OUT00"], weights["OUT08"]) == (8.0, 12.0, 13.0, 21.0)


@pytest.mark.parametrize(("count", "layout"), [(20, "classic"), (26, "sd-mecha"), (18, "supermerger"), (27, "supermerger")])
def test_lines_without_meaning_for_sdxl_are_refused(count: int, layout: str) -> None:
    with pytest.raises(RecipeError, match=f"{count} block weights.*expected 20 for Stable Diffusion XL"):
        read_line([0.0] * count, LINE_LAYOUTS[layout], SDXL)


def test_unknown_layout() -> None:
    with pytest.raises(UnknownName, match="supermerger, classic, sd-mecha, model-mixer"):
        get_line_layout("mine")
