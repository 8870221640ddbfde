"""SDXL's UNet with trainable tensors under their checkpoint names, for any widths and depths of an anatomy.

Used by the training scripts only; hosts bring their own. Source: Podell et al. 2023 (SDXL), section 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tag_atelier.world.anatomy import UNetAnatomy, head_count, skip_widths
from tag_atelier.world.training.attention import mixed


def sinus_features(numbers: Tensor, width: int) -> Tensor:
    """(N,) → (N, width): cosines, then sines. Source: Vaswani et al. 2017, section 3.5, with CompVis' order."""
    half = width // 2
    angles = numbers.float()[:, None] * torch.exp(-math.log(10_000) * torch.arange(half) / half)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _zeroed(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class _Residual(nn.Module):
    def __init__(self, entering: int, leaving: int, time: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(32, entering), nn.SiLU(), nn.Conv2d(entering, leaving, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, leaving))
        last = _zeroed(nn.Conv2d(leaving, leaving, 3, padding=1))
        self.out_layers = nn.Sequential(nn.GroupNorm(32, leaving), nn.SiLU(), nn.Identity(), last)
        self.skip_connection = nn.Identity() if entering == leaving else nn.Conv2d(entering, leaving, 1)

    def forward(self, signal: Tensor, embedding: Tensor) -> Tensor:  # (N, entering, H, W), (N, time)
        hidden = self.in_layers(signal) + self.emb_layers(embedding)[:, :, None, None]
        result: Tensor = self.skip_connection(signal) + self.out_layers(hidden)
        return result


class _Attention(nn.Module):
    def __init__(self, width: int, source: int) -> None:
        super().__init__()
        self.heads = head_count(width)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k, self.to_v = nn.Linear(source, width, bias=False), nn.Linear(source, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, signal: Tensor, source: Tensor) -> Tensor:  # (N, P, width), (N, S, source) -> (N, P, width)
        result: Tensor = self.to_out(mixed(self.to_q(signal), self.to_k(source), self.to_v(source), self.heads))
        return result


class _Gated(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, signal: Tensor) -> Tensor:
        value, gate = self.proj(signal).chunk(2, dim=-1)
        result: Tensor = value * functional.gelu(gate)
        return result


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(_Gated(width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, signal: Tensor) -> Tensor:
        result: Tensor = self.net(signal)
        return result


class _Block(nn.Module):
    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.attn1, self.attn2, self.ff = _Attention(width, width), _Attention(width, context), _FeedForward(width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, signal: Tensor, context: Tensor) -> Tensor:
        normed = self.norm1(signal)
        signal = signal + self.attn1(normed, normed)
        signal = signal + self.attn2(self.norm2(signal), context)
        result: Tensor = signal + self.ff(self.norm3(signal))
        return result


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int, context: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(width, width), _zeroed(nn.Linear(width, width))
        self.transformer_blocks = nn.ModuleList(_Block(width, context) for _ in range(depth))

    def forward(self, signal: Tensor, context: Tensor) -> Tensor:  # (N, width, H, W), (N, 77, context)
        hidden = self.proj_in(self.norm(signal).flatten(2).transpose(1, 2))
        for block in self.transformer_blocks:
            hidden = block(hidden, context)
        result: Tensor = signal + self.proj_out(hidden).transpose(1, 2).reshape(signal.shape)
        return result


class _Down(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, signal: Tensor) -> Tensor:
        result: Tensor = self.op(signal)
        return result


class _Up(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, signal: Tensor) -> Tensor:
        result: Tensor = self.conv(functional.interpolate(signal, scale_factor=2.0))
        return result


class UNet(nn.Module):
    """``state_dict`` has the names below ``model.diffusion_model.``."""

    def __init__(self, anatomy: UNetAnatomy) -> None:
        super().__init__()
        self.anatomy = anatomy
        width, time = anatomy.channels, 4 * anatomy.channels
        self.time_embed = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.label_emb = nn.Sequential(nn.Sequential(nn.Linear(anatomy.vector, time), nn.SiLU(), nn.Linear(time, time)))
        self.input_blocks, widest = self._way_down(time)
        self.middle_block = nn.ModuleList(
            [
                _Residual(widest, widest, time),
                _Transformer(widest, anatomy.middle_depth, anatomy.context),
                _Residual(widest, widest, time),
            ]
        )
        self.output_blocks = self._way_up(widest, time)
        self.out = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), _zeroed(nn.Conv2d(width, 4, 3, padding=1)))

    def _way_down(self, time: int) -> tuple[nn.ModuleList, int]:
        anatomy = self.anatomy
        width = anatomy.channels
        blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(4, width, 3, padding=1)])])
        for level, (multiplier, depth) in enumerate(zip(anatomy.multipliers, anatomy.depths, strict=True)):
            for _ in range(anatomy.residual_blocks):
                leaving = anatomy.channels * multiplier
                blocks.append(self._step(_Residual(width, leaving, time), leaving, depth))
                width = leaving
            if level < len(anatomy.multipliers) - 1:
                blocks.append(nn.ModuleList([_Down(width)]))
        return blocks, width

    def _way_up(self, width: int, time: int) -> nn.ModuleList:
        anatomy, skips, blocks = self.anatomy, skip_widths(self.anatomy), nn.ModuleList()
        for level in reversed(range(len(anatomy.multipliers))):
            leaving = anatomy.channels * anatomy.multipliers[level]
            for number in range(anatomy.residual_blocks + 1):
                parts = self._step(_Residual(width + skips.pop(), leaving, time), leaving, anatomy.depths[level])
                width = leaving
                if level and number == anatomy.residual_blocks:
                    parts.append(_Up(width))
                blocks.append(parts)
        return blocks

    def _step(self, residual: nn.Module, width: int, depth: int) -> nn.ModuleList:
        return nn.ModuleList([residual, *([_Transformer(width, depth, self.anatomy.context)] if depth else [])])

    def forward(self, latents: Tensor, steps: Tensor, context: Tensor, vector: Tensor) -> Tensor:
        """What the noisy latents (N, 4, h, w) of training steps (N,) are predicted to hold, the same shape.

        ``context`` (N, 77, context width) and ``vector`` (N, vector width) are the encoded prompt.
        """
        embedding = self.time_embed(sinus_features(steps, self.anatomy.channels)) + self.label_emb(vector)
        kept, hidden = [], latents
        for block in self.input_blocks:
            hidden = self._through(block, hidden, embedding, context)
            kept.append(hidden)
        hidden = self._through(self.middle_block, hidden, embedding, context)
        for block in self.output_blocks:
            hidden = self._through(block, torch.cat([hidden, kept.pop()], dim=1), embedding, context)
        result: Tensor = self.out(hidden)
        return result

    @staticmethod
    def _through(block: nn.Module, hidden: Tensor, embedding: Tensor, context: Tensor) -> Tensor:
        for part in block.children():
            if isinstance(part, _Residual):
                hidden = part(hidden, embedding)
            elif isinstance(part, _Transformer):
                hidden = part(hidden, context)
            else:
                hidden = part(hidden)
        return hidden
