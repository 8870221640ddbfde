"""SDXL's autoencoder with trainable tensors under their checkpoint names, for widths of any multiple of 32.

Used by the training scripts only; hosts bring their own. Source: Rombach et al. 2022 (latent diffusion), appendix G.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LATENTS = 4


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)


class _Residual(nn.Module):
    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(entering), nn.Conv2d(entering, leaving, 3, padding=1)
        self.norm2, self.conv2 = _norm(leaving), nn.Conv2d(leaving, leaving, 3, padding=1)
        if entering != leaving:
            self.nin_shortcut = nn.Conv2d(entering, leaving, 1)

    def forward(self, signal: Tensor) -> Tensor:  # (N, entering, H, W) -> (N, leaving, H, W)
        hidden = self.conv1(functional.silu(self.norm1(signal)))
        hidden = self.conv2(functional.silu(self.norm2(hidden)))
        shortcut: Tensor = self.nin_shortcut(signal) if hasattr(self, "nin_shortcut") else signal
        result: Tensor = shortcut + hidden
        return result


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _norm(width)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, signal: Tensor) -> Tensor:  # (N, C, H, W) -> the same
        normed = self.norm(signal)
        query, key, value = (part(normed).flatten(2).transpose(1, 2)[:, None] for part in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        result: Tensor = signal + self.proj_out(mixed[:, 0].transpose(1, 2).reshape(signal.shape))
        return result


class _Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = _Residual(width, width), _Attention(width), _Residual(width, width)

    def forward(self, signal: Tensor) -> Tensor:
        result: Tensor = self.block_2(self.attn_1(self.block_1(signal)))
        return result


class _Resampling(nn.Module):
    """``conv`` with stride 2, padded at the right and below, or after doubling."""

    def __init__(self, width: int, down: bool) -> None:
        super().__init__()
        self.down = down
        self.conv = nn.Conv2d(width, width, 3, stride=2 if down else 1, padding=0 if down else 1)

    def forward(self, signal: Tensor) -> Tensor:
        ready = functional.pad(signal, (0, 1, 0, 1)) if self.down else functional.interpolate(signal, scale_factor=2.0)
        result: Tensor = self.conv(ready)
        return result


class _Level(nn.Module):
    def __init__(self, entering: int, leaving: int, blocks: int, resampling: str) -> None:
        super().__init__()
        widths = [entering] + [leaving] * (blocks - 1)
        self.block = nn.ModuleList(_Residual(width, leaving) for width in widths)
        if resampling:
            self.add_module(resampling, _Resampling(leaving, resampling == "downsample"))
        self.resampling = resampling

    def forward(self, signal: Tensor) -> Tensor:
        for block in self.block:
            signal = block(signal)
        return self.get_submodule(self.resampling)(signal) if self.resampling else signal


class _Encoder(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        entering = [widths[0], *widths[:-1]]
        last = len(widths) - 1
        self.down = nn.ModuleList(
            _Level(entering[n], widths[n], 2, "downsample" if n < last else "") for n in range(len(widths))
        )
        self.mid = _Middle(widths[-1])
        self.norm_out, self.conv_out = _norm(widths[-1]), nn.Conv2d(widths[-1], 2 * LATENTS, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        hidden = self.conv_in(pictures)
        for level in self.down:
            hidden = level(hidden)
        result: Tensor = self.conv_out(functional.silu(self.norm_out(self.mid(hidden))))
        return result


class _Decoder(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(LATENTS, widths[-1], 3, padding=1)
        self.mid = _Middle(widths[-1])
        entering = [*widths[1:], widths[-1]]
        self.up = nn.ModuleList(_Level(entering[n], widths[n], 3, "upsample" if n else "") for n in range(len(widths)))
        self.norm_out, self.conv_out = _norm(widths[0]), nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        hidden = self.mid(self.conv_in(latents))
        for level in reversed(list(self.up)):
            hidden = level(hidden)
        result: Tensor = self.conv_out(functional.silu(self.norm_out(hidden)))
        return result


class Autoencoder(nn.Module):
    """Pictures (N, 3, 8h, 8w) from -1 to 1 ↔ latents (N, 4, h, w).

    ``state_dict`` has the names below ``first_stage_model.``.
    """

    def __init__(self, channels: int, multipliers: Sequence[int]) -> None:
        super().__init__()
        widths = [channels * multiplier for multiplier in multipliers]
        self.encoder, self.decoder = _Encoder(widths), _Decoder(widths)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * LATENTS, 2 * LATENTS, 1), nn.Conv2d(LATENTS, LATENTS, 1)

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latents, each (N, 4, h, w)."""
        mean, log_variance = self.quant_conv(self.encoder(pictures)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures, about -1 to 1."""
        result: Tensor = self.decoder(self.post_quant_conv(latents))
        return result

    @torch.no_grad()
    def level_latents(self, latents: Tensor, spread: float) -> None:
        """Fold a linear map into the 1×1 convolutions so that latents like ``latents`` (N, 4, h, w) are uncorrelated.

        Each channel then has mean 0 and standard deviation ``spread``; pictures decode as before.
        """
        flat = latents.transpose(0, 1).flatten(1).double()  # (4, N*h*w)
        mean = flat.mean(1)
        values, vectors = torch.linalg.eigh(torch.cov(flat))
        forwards = spread * vectors @ torch.diag(values.rsqrt()) @ vectors.T
        backwards = torch.linalg.inv(forwards)
        quant, post = self.quant_conv, self.post_quant_conv
        assert quant.bias is not None and post.bias is not None
        weight, bias = quant.weight[:LATENTS, :, 0, 0].double(), quant.bias[:LATENTS].double()
        quant.weight[:LATENTS, :, 0, 0] = (forwards @ weight).float()
        quant.bias[:LATENTS] = (forwards @ (bias - mean)).float()
        quant.bias[LATENTS:] += float(torch.linalg.slogdet(forwards).logabsdet) * 2 / LATENTS
        back = post.weight[:, :, 0, 0].double()
        post.bias += (back @ mean).float()
        post.weight[:, :, 0, 0] = (back @ backwards).float()
