"""Which parameter of the loaded diffusers modules holds which tensor of the checkpoint file.

Used by ``model``. UNet and VAE names come from diffusers' own conversion, run on numbered stand-ins, so that they follow
the diffusers that is installed; text encoders are few rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

from tag_atelier.merge.key_names import THIRDS, Part, open_clip_names
from tag_atelier.world.anatomy import Shape

Converter = Callable[..., Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Target:
    """A parameter and the part of the checkpoint's tensor that it holds."""

    parameter: torch.nn.Parameter
    part: Part = "whole"

    def cut(self, tensor: torch.Tensor) -> torch.Tensor:
        """This parameter's part of ``tensor``: a third of OpenCLIP's joined q, k, v, or its transposed projection."""
        if self.part == "whole":
            return tensor
        if self.part == "transposed":
            return tensor.T
        return tensor.chunk(len(THIRDS))[THIRDS.index(self.part)]

    def fit(self, tensor: torch.Tensor) -> torch.Tensor:
        """``cut`` in the parameter's own shape: a 1×1 convolution of the file may be linear here."""
        part = self.cut(tensor)
        squeezed = part.ndim == 4 and part.shape[2:] == (1, 1) and self.parameter.ndim == 2
        return part[:, :, 0, 0] if squeezed else part


def targets(shapes: Mapping[str, Shape], family: str, parts: Mapping[str, torch.nn.Module]) -> dict[str, tuple[Target, ...]]:
    """Checkpoint name → parameters that hold it. Names without a parameter (schedules, position ids) are left out.

    ``parts``: the pipeline's modules: unet, vae, text_encoder and, for SDXL, text_encoder_2.
    """
    found: dict[str, tuple[Target, ...]] = {}
    converters: list[tuple[str, Converter]] = [("unet", convert_ldm_unet_checkpoint), ("vae", convert_ldm_vae_checkpoint)]
    for part, converter in converters:
        parameters = dict(parts[part].named_parameters())
        for name, key in _converted(shapes, converter, parts[part]):
            if name in parameters:
                found[key] = (Target(parameters[name]),)
    if family == "sdxl":
        found |= _clip_targets(shapes, "conditioner.embedders.0.transformer.", parts["text_encoder"])
        found |= _open_clip_targets(shapes, "conditioner.embedders.1.model.", parts["text_encoder_2"])
    else:
        found |= _clip_targets(shapes, "cond_stage_model.transformer.", parts["text_encoder"])
    return found


def _converted(shapes: Mapping[str, Shape], converter: Converter, module: Any) -> Iterable[tuple[str, str]]:
    """diffusers' name and checkpoint's name of each tensor, found by converting tensors that hold their own number."""
    keys = list(shapes)
    numbered = {
        key: torch.full((1,) * len(shapes[key]), number, dtype=torch.float64) if shapes[key] else torch.tensor(-1.0)
        for number, key in enumerate(keys)
    }
    for name, tensor in converter(numbered, config=module.config).items():
        yield name, keys[int(tensor.reshape(-1)[0])]


def _clip_targets(shapes: Mapping[str, Shape], prefix: str, module: torch.nn.Module) -> dict[str, tuple[Target, ...]]:
    parameters = dict(module.named_parameters())
    names = {key: key.removeprefix(prefix) for key in shapes if key.startswith(prefix)}
    return {key: (Target(parameters[name]),) for key, name in names.items() if name in parameters}


def _open_clip_targets(shapes: Mapping[str, Shape], prefix: str, module: torch.nn.Module) -> dict[str, tuple[Target, ...]]:
    parameters = dict(module.named_parameters())
    found = {}
    for key in shapes:
        if key.startswith(prefix):
            wanted = open_clip_names(key.removeprefix(prefix))
            if wanted:
                found[key] = tuple(Target(parameters[name], part) for part, name in wanted)
    return found
