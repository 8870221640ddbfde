"""The model as solvers see it: noisy latents in, clean latents out, with classifier-free guidance. Used by ``sampler``."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tag_atelier.host.embedded.conditioning import Conditioning
from tag_atelier.host.embedded.model import LoadedModel
from tag_atelier.host.embedded.noise_levels import step_of
from tag_atelier.ports import SamplingParameters


class Denoiser:
    """``(latents, sigma) → clean latents`` of one batch, all of one chunk count."""

    def __init__(
        self,
        model: LoadedModel,
        positive: Sequence[Conditioning],
        negative: Sequence[Conditioning],
        parameters: SamplingParameters,
    ) -> None:
        self._model = model
        self._positive, self._negative = _stack(positive), _stack(negative)
        scales = torch.tensor([parameters.cfg_scale * one.weight for one in positive], device=model.device)
        self._scales = scales[:, None, None, None]
        self._is_guided = bool((scales != 1).any())
        height, width = parameters.height, parameters.width
        self._sizes = torch.tensor([[height, width, 0, 0, height, width]], device=model.device, dtype=model.dtype)

    def __call__(self, latents: torch.Tensor, sigma: float) -> torch.Tensor:
        """Clean latents guided by ``cfg_scale``; without guidance the negative prompt is not computed."""
        if not self._is_guided:
            return self._clean(latents, sigma, *self._positive)
        if self._positive[0].shape == self._negative[0].shape:
            both = [
                None if one is None or other is None else torch.cat([one, other])
                for one, other in zip(self._positive, self._negative, strict=True)
            ]
            with_prompt, without = self._clean(torch.cat([latents, latents]), sigma, both[0], both[1]).chunk(2)
        else:
            with_prompt = self._clean(latents, sigma, *self._positive)
            without = self._clean(latents, sigma, *self._negative)
        return without + (with_prompt - without) * self._scales

    def _clean(
        self, latents: torch.Tensor, sigma: float, sequence: torch.Tensor | None, pooled: torch.Tensor | None
    ) -> torch.Tensor:
        """Source: Karras et al. 2022, table 1, preconditioning of VP (eps), and Salimans & Ho 2022 (v)."""
        model = self._model
        size: float = (sigma**2 + 1) ** 0.5
        count = len(latents)
        extra = None if pooled is None else {"text_embeds": pooled, "time_ids": self._sizes.expand(count, -1)}
        step = torch.full((count,), step_of(sigma), device=latents.device)
        scaled = (latents / size).to(model.dtype)
        predicted: torch.Tensor = model.unet(
            scaled, step, encoder_hidden_states=sequence, added_cond_kwargs=extra
        ).sample.float()
        if model.architecture.prediction == "v":
            return latents / size**2 - predicted * (sigma / size)
        return latents - predicted * sigma


def _stack(conditionings: Sequence[Conditioning]) -> tuple[torch.Tensor, torch.Tensor | None]:
    pooled = [one.pooled for one in conditionings if one.pooled is not None]
    return torch.stack([one.sequence for one in conditionings]), torch.stack(pooled) if pooled else None
