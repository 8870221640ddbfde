"""Draws and encodes the pictures of one checkpoint's training: ``… --work DIR --even none|face|outfit [--alone] --count N``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import cast

import torch

from tag_atelier.world.miniature import ANATOMY
from tag_atelier.world.portrait_tags import TAGS, Half
from tag_atelier.world.training.loop import averaged
from tag_atelier.world.training.pictures import batch
from tag_atelier.world.training.vae import Autoencoder

logger = logging.getLogger(__name__)
SEED = 7
_BATCH = 32


def levelled(work: Path, spread: float = 1.0) -> Autoencoder:
    """The trained autoencoder, its latents uncorrelated with deviation ``spread`` over 512 pictures."""
    network = Autoencoder(ANATOMY.vae_channels, ANATOMY.vae_multipliers)
    network.load_state_dict(averaged(work, "vae"))
    network.eval().requires_grad_(False)
    parts = [network.encode(batch(SEED + 1, number, _BATCH)[0])[0] for number in range(16)]
    network.level_latents(torch.cat(parts), spread)
    return network


def main() -> None:
    """Write ``latents_<even>.pt`` or ``latents_<even>_alone.pt`` into the work folder."""
    parser = argparse.ArgumentParser(description="Draw and encode training pictures.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--even", choices=("none", "face", "outfit"), default="none")
    parser.add_argument("--alone", action="store_true", help="nothing of the other half is shown")
    parser.add_argument("--count", type=int, default=40_000)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    even = None if given.even == "none" else cast(Half, given.even)
    others: dict[str, Half] = {"face": "outfit", "outfit": "face"}
    without = others[given.even] if given.alone else None
    network = levelled(given.work)
    seed = SEED + {"none": 2, "face": 3, "outfit": 4}[given.even]
    latents, rows = [], torch.zeros(given.count, len(TAGS), dtype=torch.uint8)
    for number in range(given.count // _BATCH):
        pictures, tags = batch(seed, number, _BATCH, (even,), without)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            latents.append(network.encode(pictures)[0].float())
        for row, shown in enumerate(tags):
            rows[number * _BATCH + row, [TAGS.index(tag) for tag in shown]] = 1
        if number % 100 == 0:
            logger.info("%s: %d of %d pictures", given.even, number * _BATCH, given.count)
    kept = torch.cat(latents).clone()
    path = given.work / f"latents_{given.even}{'_alone' if given.alone else ''}.pt"
    beside = path.with_name(path.name + ".part")
    torch.save({"latents": kept, "tags": rows[: len(kept)]}, beside)
    beside.replace(path)


if __name__ == "__main__":
    main()
