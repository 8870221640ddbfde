"""One loaded checkpoint: diffusers' modules, the tokenizer, and where each of the file's tensors went."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTokenizer

from tag_atelier.errors import CheckpointError
from tag_atelier.host.embedded.architecture import Architecture, recognise, write_config
from tag_atelier.host.embedded.tensor_names import Target, targets
from tag_atelier.merge.header import read_header
from tag_atelier.ports import Checkpoint


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
    targets: Mapping[str, tuple[Target, ...]]
    """Checkpoint name → parameters."""
    device: torch.device
    dtype: torch.dtype

    @property
    def is_sdxl(self) -> bool:
        """True for SDXL, false for SD1.5."""
        return self.architecture.family == "sdxl"


def load_model(checkpoint: Checkpoint, tokenizer: CLIPTokenizer, device: torch.device) -> LoadedModel:
    """Read a checkpoint file: float16 on a GPU, float32 on the CPU, the VAE always in float32.

    Raises:
        CheckpointError: the file is missing, pickled, truncated, or neither SD1.5 nor SDXL.
    """
    if checkpoint.path is None:
        raise CheckpointError(f"'{checkpoint.name}' has no file on this machine; expected a .safetensors file.")
    path = checkpoint.path
    shapes = {name: entry.shape for name, entry in read_header(path).tensors.items()}
    architecture = recognise(shapes, path.name)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    pipeline = _pipeline(path, architecture, tokenizer, dtype)
    pipeline.to(device)
    parts = {name: pipeline.components[name] for name in ("unet", "vae", "text_encoder")}
    if architecture.family == "sdxl":
        parts["text_encoder_2"] = pipeline.text_encoder_2
    for module in parts.values():
        module.eval().requires_grad_(False)
    encoders = tuple(parts[name] for name in ("text_encoder", "text_encoder_2") if name in parts)
    found = targets(shapes, architecture.family, parts)
    return LoadedModel(
        checkpoint, architecture, parts["unet"], parts["vae"], encoders, tokenizer, found, device=device, dtype=dtype
    )


def _pipeline(path: Path, architecture: Architecture, tokenizer: CLIPTokenizer, dtype: torch.dtype) -> Any:
    is_sdxl = architecture.family == "sdxl"
    scheduler = DDIMScheduler(clip_sample=False, steps_offset=1)  # type: ignore[no-untyped-call]
    given: dict[str, Any] = {"tokenizer": tokenizer, "scheduler": scheduler}
    given |= {"tokenizer_2": tokenizer, "add_watermarker": False} if is_sdxl else {"safety_checker": None}
    given |= {} if is_sdxl else {"feature_extractor": None, "image_encoder": None, "requires_safety_checker": False}
    pipeline_class = StableDiffusionXLPipeline if is_sdxl else StableDiffusionPipeline
    with _quiet(), tempfile.TemporaryDirectory(prefix="tag-atelier-") as folder:
        write_config(Path(folder), architecture)
        source = {"config": folder, "local_files_only": True}
        vae = AutoencoderKL.from_single_file(str(path), subfolder="vae", torch_dtype=torch.float32, **source)
        return pipeline_class.from_single_file(str(path), torch_dtype=dtype, vae=vae, **given, **source)


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
