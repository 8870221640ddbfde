"""One loaded checkpoint: diffusers' modules, the tokenizer, and where each of the file's tensors went."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import safe_open
from transformers import CLIPTokenizer

from tag_atelier.errors import CheckpointError
from tag_atelier.host.embedded.architecture import Architecture, recognise, write_config
from tag_atelier.host.embedded.tensor_names import Target, targets
from tag_atelier.merge.header import read_header
from tag_atelier.ports import Checkpoint
from tag_atelier.world.anatomy import Shape


@dataclass(frozen=True)
class Plan:
    """A checkpoint file that was found fit to be loaded."""

    checkpoint: Checkpoint
    path: Path
    shapes: Mapping[str, Shape]
    architecture: Architecture


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint ready to draw."""

    checkpoint: Checkpoint
    architecture: Architecture
    unet: Any
    vae: Any
    text_encoders: tuple[Any, ...]
    """CLIP-L, and for SDXL OpenCLIP bigG behind it."""
    tokenizer: CLIPTokenizer
    shapes: Mapping[str, Shape]
    """Of every tensor in the file."""
    targets: Mapping[str, tuple[Target, ...]]
    """Checkpoint name → parameters."""
    device: torch.device
    dtype: torch.dtype
    originals: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    """Checkpoint name → parameters as they were before a live merge; empty when nothing is changed."""

    @property
    def is_sdxl(self) -> bool:
        """True for SDXL, false for SD1.5."""
        return self.architecture.family == "sdxl"


def inspect(checkpoint: Checkpoint) -> Plan:
    """What ``load_model`` will do, from the file's header alone.

    Raises:
        CheckpointError: the file is missing, pickled, truncated, or neither SD1.5 nor SDXL.
    """
    if checkpoint.path is None:
        raise CheckpointError("'{name}' has no file on this machine; expected a .safetensors file.", name=checkpoint.name)
    shapes = {name: entry.shape for name, entry in read_header(checkpoint.path).tensors.items()}
    return Plan(checkpoint, checkpoint.path, shapes, recognise(shapes, checkpoint.path.name))


def load_model(plan: Plan, tokenizer: CLIPTokenizer, device: torch.device) -> LoadedModel:
    """Read a checkpoint file: float16 on a GPU, float32 on the CPU, the VAE always in float32."""
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    pipeline = _pipeline(plan, tokenizer, dtype)
    pipeline.to(device)
    architecture = plan.architecture
    parts = {name: pipeline.components[name] for name in ("unet", "vae", "text_encoder")}
    if architecture.family == "sdxl":
        parts["text_encoder_2"] = pipeline.text_encoder_2
    for module in parts.values():
        module.eval().requires_grad_(False)
    encoders = tuple(parts[name] for name in ("text_encoder", "text_encoder_2") if name in parts)
    found = targets(plan.shapes, architecture.family, parts)
    return LoadedModel(
        plan.checkpoint,
        architecture,
        unet=parts["unet"],
        vae=parts["vae"],
        text_encoders=encoders,
        tokenizer=tokenizer,
        shapes=plan.shapes,
        targets=found,
        device=device,
        dtype=dtype,
    )


def _pipeline(plan: Plan, tokenizer: CLIPTokenizer, dtype: torch.dtype) -> Any:
    is_sdxl, path = plan.architecture.family == "sdxl", str(plan.path)
    scheduler = DDIMScheduler(clip_sample=False, steps_offset=1)  # type: ignore[no-untyped-call]
    given: dict[str, Any] = {"tokenizer": tokenizer, "scheduler": scheduler}
    given |= {"tokenizer_2": tokenizer, "add_watermarker": False} if is_sdxl else {"safety_checker": None}
    given |= {} if is_sdxl else {"feature_extractor": None, "image_encoder": None, "requires_safety_checker": False}
    pipeline_class = StableDiffusionXLPipeline if is_sdxl else StableDiffusionPipeline
    with _quiet(), tempfile.TemporaryDirectory(prefix="tag-atelier-") as folder:
        write_config(Path(folder), plan.architecture)
        source = {"config": folder, "local_files_only": True}
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in plan.shapes if name.startswith("first_stage_model.")}
        vae = AutoencoderKL.from_single_file(tensors, subfolder="vae", torch_dtype=torch.float32, **source)
        return pipeline_class.from_single_file(path, torch_dtype=dtype, vae=vae, **given, **source)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without diffusers' bars and its word about position ids, which it does not need."""
    level = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(level)
        diffusers_logging.enable_progress_bar()
