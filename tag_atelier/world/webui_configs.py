"""What lets WebUI 1.10.1 build a model of unusual widths: the ``.yaml`` beside a checkpoint and the folders it names.

Used by ``tiny_checkpoints``. The values besides widths are SD1.5's and SDXL's own.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tag_atelier.world.anatomy import POSITIONS, SIZE_EMBEDDING, VOCABULARY_SIZE, Anatomy, head_count
from tag_atelier.world.clip_vocabulary import END_ID, START_ID

OPEN_CLIP_NAME = "tag-atelier-tiny-bigG"


def _target(path: str, /, **parameters: object) -> dict[str, object]:
    return {"target": path, "params": parameters} if parameters else {"target": path}


def _vae(package: str, anatomy: Anatomy, **more: object) -> dict[str, object]:
    shape = {"double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "dropout": 0.0}
    depth = {"ch": anatomy.vae_channels, "ch_mult": [*anatomy.vae_multipliers], "num_res_blocks": 2, "attn_resolutions": []}
    return _target(package, embed_dim=4, ddconfig={**shape, **depth, **more}, lossconfig=_target("torch.nn.Identity"))


def sd15_yaml(anatomy: Anatomy, clip_folder: Path) -> str:
    """LDM configuration of a narrow SD1.5; ``clip_folder`` holds the narrow CLIP-L's config.json and tokenizer."""
    unet = _target(
        "ldm.modules.diffusionmodules.openaimodel.UNetModel",
        image_size=32,
        in_channels=4,
        out_channels=4,
        model_channels=anatomy.unet.channels,
        attention_resolutions=[4, 2, 1],
        num_res_blocks=2,
        channel_mult=list(anatomy.unet.multipliers),
        num_heads=8,
        use_spatial_transformer=True,
        transformer_depth=1,
        context_dim=anatomy.unet.context,
        use_checkpoint=False,
        legacy=False,
    )
    text = _target("ldm.modules.encoders.modules.FrozenCLIPEmbedder", version=str(clip_folder))
    model = _target(
        "ldm.models.diffusion.ddpm.LatentDiffusion",
        linear_start=0.00085,
        linear_end=0.012,
        num_timesteps_cond=1,
        log_every_t=200,
        timesteps=1000,
        first_stage_key="jpg",
        cond_stage_key="txt",
        image_size=64,
        channels=4,
        scale_factor=0.18215,
        cond_stage_trainable=False,
        conditioning_key="crossattn",
        use_ema=False,
        unet_config=unet,
        first_stage_config=_vae("ldm.models.autoencoder.AutoencoderKL", anatomy),
        cond_stage_config=text,
    )
    return yaml.safe_dump({"model": model}, sort_keys=False, allow_unicode=True)


def sdxl_yaml(anatomy: Anatomy, clip_folder: Path, open_clip_folder: Path, predicts_v: bool = False) -> str:
    """sgm configuration of a narrow SDXL that predicts noise, or v.

    open_clip knows architectures by name only. The engine builds its (here unused) training sampler just before the
    text encoders, so that place calls ``open_clip.add_model_config`` and the narrow tower is known without a change to
    the WebUI. Source: sgm/models/diffusion.py, DiffusionEngine.__init__, at the commit WebUI 1.10.1 pins.
    """
    encoders, vae = "sgm.modules.encoders.modules", "sgm.models.autoencoder.AutoencoderKLInferenceWrapper"
    clip = {"version": str(clip_folder), "layer": "hidden", "layer_idx": anatomy.clip_layers - 1}
    tower = {"arch": OPEN_CLIP_NAME, "version": "none", "freeze": True, "layer": "penultimate", "legacy": False}
    emb_models = [
        {"is_trainable": False, "input_key": "txt", **_target(f"{encoders}.FrozenCLIPEmbedder", **clip)},
        {
            "is_trainable": False,
            "input_key": "txt",
            **_target(f"{encoders}.FrozenOpenCLIPEmbedder2", **tower, always_return_pooled=True),
        },
    ]
    for size in ("original_size_as_tuple", "crop_coords_top_left", "target_size_as_tuple"):
        numbers = _target(f"{encoders}.ConcatTimestepEmbedderND", outdim=SIZE_EMBEDDING)
        emb_models.append({"is_trainable": False, "input_key": size, **numbers})
    model = _target(
        "sgm.models.diffusion.DiffusionEngine",
        scale_factor=0.13025,
        disable_first_stage_autocast=True,
        denoiser_config=_denoiser("V" if predicts_v else "Eps"),
        network_config=_sdxl_unet(anatomy),
        sampler_config=_target("open_clip.add_model_config", path=str(open_clip_folder)),
        conditioner_config=_target("sgm.modules.GeneralConditioner", emb_models=emb_models),
        first_stage_config=_vae(vae, anatomy, attn_type="vanilla"),
    )
    return yaml.safe_dump({"model": model}, sort_keys=False, allow_unicode=True)


def _sdxl_unet(anatomy: Anatomy) -> dict[str, object]:
    return _target(
        "sgm.modules.diffusionmodules.openaimodel.UNetModel",
        adm_in_channels=anatomy.unet.vector,
        num_classes="sequential",
        use_checkpoint=False,
        in_channels=4,
        out_channels=4,
        model_channels=anatomy.unet.channels,
        attention_resolutions=[4, 2],
        num_res_blocks=2,
        channel_mult=list(anatomy.unet.multipliers),
        num_head_channels=64,
        use_spatial_transformer=True,
        use_linear_in_transformer=True,
        transformer_depth=[1, *anatomy.unet.depths[1:]],
        context_dim=anatomy.unet.context,
        spatial_transformer_attn_type="softmax",
        legacy=False,
    )


def _denoiser(prediction: str) -> dict[str, object]:
    modules = "sgm.modules.diffusionmodules"
    return _target(
        f"{modules}.denoiser.DiscreteDenoiser",
        num_idx=1000,
        weighting_config=_target(f"{modules}.denoiser_weighting.{prediction}Weighting"),
        scaling_config=_target(f"{modules}.denoiser_scaling.{prediction}Scaling"),
        discretization_config=_target(f"{modules}.discretizer.LegacyDDPMDiscretization"),
    )


def clip_config(width: int, layers: int, activation: str = "quick_gelu") -> str:
    """transformers' config.json of a text encoder of ``width``: CLIP-L, or with ``activation`` "gelu" SDXL's second one."""
    config = {
        "model_type": "clip_text_model",
        "hidden_act": activation,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "projection_dim": width,
        "num_hidden_layers": layers,
        "num_attention_heads": head_count(width),
        "max_position_embeddings": POSITIONS,
        "vocab_size": VOCABULARY_SIZE,
        "bos_token_id": START_ID,
        "eos_token_id": END_ID,
        "pad_token_id": END_ID,
        "layer_norm_eps": 1e-05,
    }
    return json.dumps(config, indent=2)


def open_clip_config(width: int, layers: int) -> str:
    """open_clip's model configuration; the vision tower is as small as open_clip takes it and is never kept."""
    text = {"context_length": POSITIONS, "vocab_size": VOCABULARY_SIZE, "width": width, "heads": head_count(width)}
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 32, "patch_size": 32}
    return json.dumps({"embed_dim": width, "vision_cfg": vision, "text_cfg": {**text, "layers": layers}}, indent=2)
