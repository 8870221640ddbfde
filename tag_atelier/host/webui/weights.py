"""Where the loaded model keeps the tensor of each checkpoint key: on A1111 under its own names, on Forge and reForge in parts.

Looked up anew each time: low-VRAM modes, LoRA and model switches replace the parameter objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tag_atelier.host.webui.features import has_parts
from tag_atelier.ports import Values


@dataclass(frozen=True)
class Target:
    """One tensor of the loaded model and how it is cut from the checkpoint's."""

    tensor: Any
    """The live parameter, changed in place."""
    convert: Callable[[Any], Any] | None = None
    """Cuts it from the checkpoint's tensor, where it is not that tensor itself."""

    def part(self, tensor: Any) -> Any:
        """What of the checkpoint's ``tensor`` belongs here."""
        return tensor if self.convert is None else self.convert(tensor)

    def takes(self, values: Values) -> bool:
        """Whether ``values`` can be computed straight into it."""
        tensor = self.tensor
        alike = self.convert is None and tensor.dtype == values.dtype and tuple(tensor.shape) == tuple(values.shape)
        return bool(alike and tensor.is_contiguous() and not tensor.is_meta)


Targets = Mapping[str, list[Target]]


def targets(model: Any) -> Targets:
    """Checkpoint key → live tensors. On Forge and reForge one open_clip tensor is three live ones."""
    return _forge_targets(model) if has_parts(model) else _webui_targets(model)


def is_text_encoder(key: str) -> bool:
    """Whether conditionings depend on this checkpoint key."""
    return key.startswith(("cond_stage_model.", "conditioner."))


def _webui_targets(model: Any) -> Targets:
    """The hijack inserts ``.wrapped``; SDXL lists its text encoders twice (modules/sd_hijack.py:206-240)."""
    found: dict[str, list[Target]] = {}
    for name, parameter in model.named_parameters():
        key = name.replace(".wrapped", "")
        if key.startswith("cond_stage_model.embedders."):
            key = "conditioner." + key[len("cond_stage_model.") :]
        found.setdefault(key, [Target(parameter.data)])
    return found


def _forge_targets(model: Any) -> Targets:
    parts = model.forge_objects
    found: dict[str, list[Target]] = {}
    for prefix, module in (
        ("model.diffusion_model.", parts.unet.model.diffusion_model),
        ("first_stage_model.", parts.vae.first_stage_model),
    ):
        for name, tensor in module.state_dict().items():
            found[prefix + name] = [Target(tensor)]
    sdxl = bool(getattr(model, "is_sdxl", False))
    for name, tensor in parts.clip.cond_stage_model.state_dict().items():
        for key, target in _forge_text_encoder(name, tensor, sdxl):
            found.setdefault(key, []).append(target)
    return found


def _forge_text_encoder(name: str, tensor: Any, sdxl: bool) -> Iterator[tuple[str, Target]]:
    """Checkpoint keys of one live text-encoder tensor (Forge backend/loader.py:449 does the reverse at load)."""
    name = name.replace(".wrapped", "")
    encoder, _, rest = name.partition(".transformer.")
    if encoder == "clip_l":
        prefix = "conditioner.embedders.0." if sdxl else "cond_stage_model."
        yield f"{prefix}transformer.{rest}", Target(tensor)
    elif name == "clip_g.logit_scale" or (name == "clip_g.text_projection" and not _is_identity(tensor)):
        # reForge keeps both as they are in the file, and none behind them where Forge has its projection
        yield f"conditioner.embedders.1.model.{name.removeprefix('clip_g.')}", Target(tensor)
    elif encoder == "clip_g":
        yield from _forge_open_clip(rest, tensor)


def _is_identity(tensor: Any) -> bool:
    """Whether it stands for no projection at all; its first row tells."""
    row = tensor[0].float()
    return bool(row[0] == 1) and not bool(row[1:].any())


_LAYER = re.compile(r"text_model\.encoder\.layers\.(\d+)\.(.+)")
_LAYER_PARTS = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_WHOLE = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
}


def _forge_open_clip(rest: str, tensor: Any) -> Iterator[tuple[str, Target]]:
    """open_clip fuses q, k, v in one tensor and keeps ``text_projection`` transposed."""
    prefix = "conditioner.embedders.1.model."
    if rest in _WHOLE:
        yield prefix + _WHOLE[rest], Target(tensor)
    elif rest == "text_projection.weight" and not _is_identity(tensor):
        yield prefix + "text_projection", Target(tensor, lambda source: source.t())
    layer = _LAYER.fullmatch(rest)
    if layer is None:
        return
    number, part = layer.groups()
    module, _, kind = part.rpartition(".")
    block = f"{prefix}transformer.resblocks.{number}."
    if module in _LAYER_PARTS:
        yield f"{block}{_LAYER_PARTS[module]}.{kind}", Target(tensor)
    elif module.startswith("self_attn.") and module[-6:-5] in "qkv":
        third = "qkv".index(module[-6])
        yield f"{block}attn.in_proj_{kind}", Target(tensor, lambda source: source.chunk(3)[third])
