"""Says how well a network in training draws each tag: ``… --work DIR NAME``; writes ``NAME.png`` into the folder."""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from pathlib import Path

import numpy
import torch
from PIL import Image

from tag_atelier.world import byte_pairs
from tag_atelier.world.miniature import BYTE_PAIRS
from tag_atelier.world.portrait_tags import COMMONEST, GROUPS, HALVES, TAGS, draw_tags
from tag_atelier.world.training.captions import Captions
from tag_atelier.world.training.drawing import latents_of
from tag_atelier.world.training.export import student_of
from tag_atelier.world.training.loop import averaged
from tag_atelier.world.training.pictures import to_pixels
from tag_atelier.world.training.prepare_latents import levelled
from tag_atelier.world.training.tagger import Tagger
from tag_atelier.world.training.train_specialist import last_phase

logger = logging.getLogger(__name__)


def prompt_for(tag: str, noise: numpy.random.Generator) -> list[str]:
    """A prompt that asks for ``tag`` among tags that a picture of the base's training could have beside it."""
    group = next(group for group in GROUPS if tag in group.tags)
    others = [other for other in draw_tags(noise) if other not in group.tags]
    kept = [other for other in others if noise.random() < 0.5]
    return ["1girl", "solo", tag, *kept]


def main() -> None:
    """Draw, judge, and say every tag's share of pictures in which the tagger found it."""
    parser = argparse.ArgumentParser(description="Examine a network in training.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("name", choices=("base", "face", "outfit"))
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    training = given.name if given.name == "base" else last_phase(given.name)
    student, network = student_of(averaged(given.work, training)).eval(), levelled(given.work)
    captions, tagger = Captions(byte_pairs.read(BYTE_PAIRS)), Tagger()
    tagger.load_state_dict(averaged(given.work, "tagger"))
    noise = numpy.random.default_rng(5)
    found: dict[str, float] = {}
    sheet = Image.new("RGB", (64 * given.seeds, 64 * len(TAGS)))
    for row, tag in enumerate(COMMONEST):
        prompts = [prompt_for(tag, noise) for _ in range(given.seeds)]
        latents = latents_of(student, captions, prompts, range(given.seeds), 12, given.guidance)
        with torch.inference_mode():
            pictures = network.decode(latents).clamp(-1, 1)
            found[tag] = float((tagger(pictures)[:, TAGS.index(tag)] > 0).float().mean())
        for column, pixels in enumerate(to_pixels(pictures)):
            sheet.paste(Image.fromarray(pixels), (64 * column, 64 * row))
    sheet.save(given.work / f"{given.name}.png")
    halves = defaultdict(list)
    for tag, share in found.items():
        halves[HALVES[tag]].append(share)
    logger.info("%s", {tag: round(share, 2) for tag, share in found.items()})
    logger.info("commonest 10: %.3f; all: %.3f", numpy.mean(list(found.values())[:10]), numpy.mean(list(found.values())))
    logger.info("%s", {half: round(float(numpy.mean(shares)), 3) for half, shares in halves.items()})


if __name__ == "__main__":
    main()
