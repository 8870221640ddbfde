"""Where the tensors of a model lie that keeps its networks in parts, as reForge and Forge do, under the checkpoint's names."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from tag_atelier.host.webui.weights import targets

PROJECTION = "conditioner.embedders.1.model.text_projection"


def holding(**tensors: torch.Tensor) -> SimpleNamespace:
    """A network that lists these tensors; two underscores stand for a dot."""
    return SimpleNamespace(state_dict=lambda: {name.replace("__", "."): tensor for name, tensor in tensors.items()})


def model(**text_encoder: torch.Tensor) -> SimpleNamespace:
    unet = SimpleNamespace(model=SimpleNamespace(diffusion_model=holding(out__2__bias=torch.zeros(4))))
    vae = SimpleNamespace(first_stage_model=holding(quant_conv__bias=torch.ones(8)))
    clip = SimpleNamespace(cond_stage_model=holding(**text_encoder))
    return SimpleNamespace(is_sdxl=True, forge_objects=SimpleNamespace(unet=unet, vae=vae, clip=clip))


def test_unet_vae_and_first_text_encoder_have_the_file_s_names() -> None:
    wrapped = torch.full((3, 2), 5.0)
    found = targets(model(clip_l__transformer__text_model__embeddings__token_embedding__wrapped__weight=wrapped))
    token = "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight"
    assert sorted(found) == [token, "first_stage_model.quant_conv.bias", "model.diffusion_model.out.2.bias"]
    assert found[token][0].tensor is wrapped


def test_the_second_text_encoder_s_fused_tensors_are_three_live_ones() -> None:
    rows = {letter: torch.zeros(2, 2) for letter in "qkv"}
    layer = "clip_g__transformer__text_model__encoder__layers__31__self_attn__{}_proj__weight"
    found = targets(model(**{layer.format(letter): tensor for letter, tensor in rows.items()}))
    places = found["conditioner.embedders.1.model.transformer.resblocks.31.attn.in_proj_weight"]
    fused = torch.arange(12.0).reshape(6, 2)
    assert {id(place.tensor): place.part(fused).tolist() for place in places} == {
        id(rows["q"]): [[0, 1], [2, 3]],
        id(rows["k"]): [[4, 5], [6, 7]],
        id(rows["v"]): [[8, 9], [10, 11]],
    }


def test_the_projection_lies_in_one_of_two_places_and_the_other_stands_for_none() -> None:
    used, none = torch.tensor([[0.5, 2.0], [3.0, 4.0]]), torch.eye(2)
    (reforge,) = targets(model(clip_g__text_projection=used, clip_g__transformer__text_projection__weight=none))[PROJECTION]
    assert reforge.tensor is used and reforge.part(used) is used
    (forge,) = targets(model(clip_g__text_projection=none, clip_g__transformer__text_projection__weight=used))[PROJECTION]
    assert forge.tensor is used and forge.part(used).tolist() == [[0.5, 3.0], [2.0, 4.0]]


def test_the_second_text_encoder_s_scale_is_one_number() -> None:
    scale = torch.tensor(4.6)
    assert targets(model(clip_g__logit_scale=scale))["conditioner.embedders.1.model.logit_scale"][0].tensor is scale
