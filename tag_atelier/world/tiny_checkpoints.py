"""Seeded random checkpoints with real names, blocks and layer counts and narrow widths, for tests and the demo.

``tiny-sd15-a/-b``: 1143 tensors, 35 MB; ``tiny-sdxl-a/-b``: 2516 tensors, 85 MB; fp16 as most real files are. Beside
each stand a ``.yaml`` and the folders it names, so that WebUI 1.10.1 loads it. The weights know no words: images are
coloured noise that answers to prompt, seed and every block. Files already there are left as they are.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import numpy.typing

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.header import read_header
from tag_atelier.world import webui_configs
from tag_atelier.world.anatomy import POSITIONS, Anatomy, Shape, checkpoint_shapes, sd15, sdxl
from tag_atelier.world.clip_vocabulary import grown_merges, read_merges, write_tokenizer
from tag_atelier.world.files import Array, write_tensors, write_text

Floats = numpy.typing.NDArray[numpy.float32]

SD15 = sd15(channels=32, context=64, vae_channels=32)
SDXL = sdxl(channels=32, clip_width=64, bigg_width=96, vae_channels=32)

NAMES = ("tiny-sd15-a", "tiny-sd15-b", "tiny-sdxl-a", "tiny-sdxl-b")
SUPPORT_FOLDER = "tiny-world"
"""Beside the checkpoints: ``clip-l`` (config and tokenizer) and ``open-clip`` (one model configuration)."""

_EDITION = "1"
_DISTANCE = 0.3
"""b = a + this times each tensor's own spread of other noise."""
_RESIDUAL_ENDS = ("out_layers.3", "conv2", "ff.net.2", "mlp.fc2", "mlp.c_proj", "to_out.0", "out_proj", "proj_out")


def make(folder: Path, names: Sequence[str] = NAMES, bpe_file: Path | None = None) -> dict[str, Path]:
    """Write the checkpoints ``names`` into ``folder`` and return name → file.

    ``bpe_file``: the real CLIP's gzipped list of merges. WebUI cuts SDXL's two prompts with two tokenizers, of which
    one is always the real one; with the grown vocabulary their chunk counts differ from ~75 tokens on and it fails.

    Raises:
        CheckpointError: ``bpe_file`` is not that list.
    """
    merges = grown_merges() if bpe_file is None else read_merges(bpe_file)
    support = folder.resolve() / SUPPORT_FOLDER
    write_tokenizer(support / "clip-l", merges)
    write_text(support / "clip-l" / "config.json", webui_configs.clip_config(SD15.clip_width, SD15.clip_layers))
    write_text(
        support / "open-clip" / f"{webui_configs.OPEN_CLIP_NAME}.json",
        webui_configs.open_clip_config(SDXL.bigg_width, SDXL.bigg_layers),
    )
    return {name: _make_one(folder, name, support) for name in names}


def _make_one(folder: Path, name: str, support: Path) -> Path:
    family, variant = name.removeprefix("tiny-").rsplit("-", 1)
    path = folder / f"{name}.safetensors"
    if family == "sd15":
        config = webui_configs.sd15_yaml(SD15, support / "clip-l")
    else:
        config = webui_configs.sdxl_yaml(SDXL, support / "clip-l", support / "open-clip")
    write_text(folder / f"{name}.yaml", config)
    if not _is_ours(path, name):
        write_tensors(path, dict(tensors(family, variant)), {"format": "pt", "tiny_world": _mark(name)})
    return path


def _mark(name: str) -> str:
    return f"{name} {_EDITION}"


def _is_ours(path: Path, name: str) -> bool:
    try:
        return read_header(path).metadata.get("tiny_world") == _mark(name)
    except CheckpointError:
        return False


def tensors(family: str, variant: str, anatomy: Anatomy | None = None) -> Iterator[tuple[str, Array]]:
    """Every tensor of ``sd15`` or ``sdxl``, variant ``a`` or ``b``, under its name in the file; fp16, buffers as they are.

    ``anatomy``: other widths than the tiny ones, for a host that takes only real ones.
    """
    anatomy = anatomy or (SD15 if family == "sd15" else SDXL)
    for name, shape in checkpoint_shapes(anatomy).items():
        if name.endswith("position_ids"):
            yield name, numpy.arange(POSITIONS, dtype=numpy.int64)[None]
            continue
        values = _values(f"{family}/{name}", name, shape)
        if variant == "b":
            spread = float(values.std()) if values.size > 1 else 0.1
            values = values + numpy.float32(_DISTANCE * spread) * _noise(f"{family}/{name}/b", shape)
        yield name, numpy.asarray(values, dtype=numpy.float16)
    yield from (_sd15_schedule() if family == "sd15" else sdxl_schedule())


def _noise(tag: str, shape: Shape) -> Floats:
    seed = int.from_bytes(hashlib.sha256(f"{_EDITION}/{tag}".encode()).digest()[:8], "little")
    return numpy.random.Generator(numpy.random.PCG64(seed)).standard_normal(shape, dtype=numpy.float32)


def _values(tag: str, name: str, shape: Shape) -> Floats:
    """Weights that keep a signal's size through the depth of the network, in float32."""
    noise = _noise(tag, shape)
    if name.endswith("logit_scale"):
        return numpy.full(shape, 4.6, dtype=numpy.float32)
    if "embedding" in name and "time" not in name:
        return noise * numpy.float32(0.5 if "token" in name else 0.1)
    if len(shape) == 1:
        is_scale = name.endswith(".weight")
        return (1 + numpy.float32(0.05) * noise) if is_scale else numpy.float32(0.02) * noise
    gain = 1 / math.sqrt(math.prod(shape[1:]))
    layer = name.removesuffix(".weight")
    if layer.endswith(_RESIDUAL_ENDS):
        gain *= 0.4
    if layer.endswith(("attn2.to_q", "attn2.to_k")):
        gain *= 1.7
    if layer.endswith(("attn2.to_v", "attn2.to_out.0")):
        gain *= 2.0
    if layer.endswith("decoder.conv_out"):
        gain *= 0.35
    return noise * numpy.float32(gain)


def _betas() -> numpy.typing.NDArray[numpy.float64]:
    return numpy.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=numpy.float64) ** 2


def _sd15_schedule() -> Iterator[tuple[str, Array]]:
    """The twelve diffusion buffers of an SD1.5 file. Source: Ho et al. 2020 (DDPM), eq. 4, 6 and 7."""
    betas = _betas()
    alphas = 1 - betas
    kept = numpy.cumprod(alphas)
    before = numpy.append(1.0, kept[:-1])
    variance = betas * (1 - before) / (1 - kept)
    buffers = {
        "betas": betas,
        "alphas_cumprod": kept,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": numpy.sqrt(kept),
        "sqrt_one_minus_alphas_cumprod": numpy.sqrt(1 - kept),
        "log_one_minus_alphas_cumprod": numpy.log(1 - kept),
        "sqrt_recip_alphas_cumprod": numpy.sqrt(1 / kept),
        "sqrt_recipm1_alphas_cumprod": numpy.sqrt(1 / kept - 1),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": numpy.log(numpy.maximum(variance, 1e-20)),
        "posterior_mean_coef1": betas * numpy.sqrt(before) / (1 - kept),
        "posterior_mean_coef2": (1 - before) * numpy.sqrt(alphas) / (1 - kept),
    }
    for name, values in buffers.items():
        yield name, values.astype(numpy.float32)


def sdxl_schedule() -> Iterator[tuple[str, Array]]:
    """The one buffer of an SDXL file: the noise level of each of the 1000 steps, in rising order."""
    kept = numpy.cumprod(1 - _betas())
    yield "denoiser.sigmas", numpy.sqrt((1 - kept) / kept).astype(numpy.float32)
