"""Trains the miniature's autoencoder: ``python -m tag_atelier.world.training.train_vae --work DIR``."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tag_atelier.world.miniature import ANATOMY
from tag_atelier.world.training import loop
from tag_atelier.world.training.pictures import batch
from tag_atelier.world.training.vae import Autoencoder

RECIPE = loop.Recipe("vae", steps=6000, batch=8, rate=1.2e-3)
_DIVERGENCE = 5e-4
"""Weight of the latents' divergence from a standard normal distribution, beside errors of pixels from -1 to 1."""


def main() -> None:
    """Train, going on from the last state."""
    given = loop.arguments("Train the miniature's autoencoder.")
    recipe = replace(RECIPE, steps=given.steps or RECIPE.steps)
    torch.manual_seed(recipe.seed)
    network = Autoencoder(ANATOMY.vae_channels, ANATOMY.vae_multipliers)

    def loss_of(step: int) -> Tensor:
        pictures, _ = batch(recipe.seed, step, recipe.batch, (None, "face", "outfit", None))
        with torch.autocast("cpu", torch.bfloat16):
            mean, log_variance = network.encode(pictures)
            mean, log_variance = mean.float(), log_variance.float().clamp(-12, 4)
            shown = network.decode(mean + torch.randn_like(mean) * (0.5 * log_variance).exp()).float()
        error = shown - pictures
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return error.abs().mean() + error.square().mean() + _DIVERGENCE * min(1.0, step / 500) * divergence

    loop.train(recipe, network, loss_of, given.work)


if __name__ == "__main__":
    main()
