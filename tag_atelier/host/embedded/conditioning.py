"""Turns prompts into what the UNet is conditioned on. Every prompt is encoded alone, whatever its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tag_atelier.host.embedded.attention import read_prompt
from tag_atelier.host.embedded.chunks import Chunk, split
from tag_atelier.host.embedded.model import LoadedModel
from tag_atelier.world.clip_vocabulary import END_ID

_SDXL_HIDDEN = -2
"""SDXL reads both encoders one layer before their last."""


@dataclass(frozen=True)
class Conditioning:
    """One encoded prompt."""

    sequence: torch.Tensor
    """(77 × chunks, context width), the model's dtype."""
    pooled: torch.Tensor | None
    """(pooled width,), SDXL only."""
    weight: float = 1.0
    """What ``cfg_scale`` is multiplied by: a trailing ``:number`` of the prompt."""

    @property
    def chunks(self) -> int:
        """Number of 75-token chunks."""
        return self.sequence.shape[0] // 77


@torch.inference_mode()
def encode(model: LoadedModel, prompt: str, negative: bool = False, clip_skip: int = 1) -> Conditioning:
    """The conditioning of one prompt. An empty negative prompt is all zeros in SDXL, as in the WebUI.

    ``clip_skip`` counts SD1.5's layers from the last; SDXL has its own fixed layers.

    Raises:
        PromptError: networks, AND, schedules, or a weight that is no number.
    """
    text, weight = read_prompt(prompt, negative)
    chunks = split(text, model.tokenizer)
    if not model.is_sdxl:
        sequence = torch.cat([_sd15_chunk(model, chunk, clip_skip) for chunk in chunks])
        return Conditioning(sequence.to(model.dtype), None, weight)
    encoded = [_sdxl_chunk(model, chunk) for chunk in chunks]
    sequence, pooled = torch.cat([one for one, _ in encoded]), encoded[0][1]
    if negative and not prompt:
        sequence, pooled = torch.zeros_like(sequence), torch.zeros_like(pooled)
    return Conditioning(sequence.to(model.dtype), pooled.to(model.dtype), weight)


def _run(encoder: Any, ids: list[int], model: LoadedModel) -> Any:
    return encoder(torch.tensor([ids], device=model.device), output_hidden_states=True)


def _sd15_chunk(model: LoadedModel, chunk: Chunk, clip_skip: int) -> torch.Tensor:
    encoder = model.text_encoders[0]
    result = _run(encoder, chunk.ids, model)
    hidden = result.last_hidden_state
    if clip_skip > 1:
        hidden = encoder.text_model.final_layer_norm(result.hidden_states[-clip_skip])
    return _emphasise(hidden, chunk)


def _sdxl_chunk(model: LoadedModel, chunk: Chunk) -> tuple[torch.Tensor, torch.Tensor]:
    """(77, both widths) and the pooled vector, which only the first chunk's is used of."""
    clip, bigg = model.text_encoders
    first = _run(clip, chunk.ids, model).hidden_states[_SDXL_HIDDEN]
    end = chunk.ids.index(END_ID)
    padded = chunk.ids[: end + 1] + [0] * (len(chunk.ids) - end - 1)  # OpenCLIP was trained with 0 behind the end
    second = _run(bigg, padded, model)
    both = [_emphasise(first, chunk), _emphasise(second.hidden_states[_SDXL_HIDDEN], chunk)]
    return torch.cat(both, dim=-1), second.text_embeds[0]


def _emphasise(hidden: torch.Tensor, chunk: Chunk) -> torch.Tensor:
    """``hidden`` (1, 77, width) times the tokens' weights, its mean restored: (77, width), float32.

    Source: modules/sd_emphasis.py of WebUI 1.10.1, "Original".
    """
    hidden = hidden[0].float()
    weights = torch.tensor(chunk.weights, device=hidden.device)[:, None]
    weighted = hidden * weights
    return weighted * (hidden.mean() / weighted.mean())
