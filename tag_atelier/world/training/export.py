"""Puts what was trained into the shipped files, from which ``miniature`` makes checkpoints: ``… --work DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy
import torch
from torch import Tensor

from tag_atelier.world import byte_pairs, miniature
from tag_atelier.world.anatomy import checkpoint_shapes
from tag_atelier.world.training.captions import Captions
from tag_atelier.world.training.diffusion import Student
from tag_atelier.world.training.loop import averaged
from tag_atelier.world.training.prepare_latents import levelled
from tag_atelier.world.training.tagger import Tagger
from tag_atelier.world.training.tagger_file import write_tagger
from tag_atelier.world.training.train_specialist import last_phase

UNET_BITS, SHARED_BITS, CHANGE_BITS = 6, 7, 4
"""Of the base's UNet, of VAE and text encoders, and of a specialist's difference to the base."""
_UNET = "model.diffusion_model."


def student_of(state: Mapping[str, Tensor]) -> Student:
    """The network of one training's weights."""
    student = Student(Captions(byte_pairs.read(miniature.BYTE_PAIRS)))
    student.load_state_dict(dict(state))
    return student


def unet_of(student: Student) -> dict[str, Tensor]:
    """The UNet's tensors under their names in a checkpoint."""
    return {_UNET + name: value for name, value in student.unet.state_dict().items()}


def base_of(student: Student, work: Path) -> dict[str, Tensor]:
    """All tensors of the base checkpoint under their names in the file; what no host reads is zero."""
    network = levelled(work, 1 / miniature.SCALE)
    found = unet_of(student) | {f"first_stage_model.{name}": value for name, value in network.state_dict().items()}
    for module, prefix in (
        (student.text.clip, "conditioner.embedders.0.transformer.text_model."),
        (student.text.bigg, "conditioner.embedders.1.model."),
    ):
        state = module.state_dict()
        for name, value in state.items():
            found[prefix + name] = student.text.whole(value) if "token_embedding" in name else value
    shapes = checkpoint_shapes(miniature.ANATOMY)
    unread = f"encoder.layers.{miniature.ANATOMY.clip_layers - 1}."
    for name, shape in shapes.items():
        if unread in name or name not in found:
            found[name] = torch.zeros(shape)
    return {name: found[name] for name in shapes if not name.endswith("position_ids")}


def _base_bits(name: str) -> int:
    return UNET_BITS if name.startswith(_UNET) else SHARED_BITS


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, miniature.Floats]:
    return {name: value.detach().float().numpy().astype(numpy.float32) for name, value in tensors.items()}


def main() -> None:
    """Write the tagger, the base and the specialists' differences to the base."""
    parser = argparse.ArgumentParser(description="Put trained weights into the shipped files.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", choices=("tagger", "base"))
    given = parser.parse_args()
    tagger = Tagger()
    tagger.load_state_dict(averaged(given.work, "tagger"))
    write_tagger(miniature.TAGGER, tagger)
    if given.only == "tagger":
        return
    student = student_of(averaged(given.work, "base"))
    miniature.pack(miniature.WEIGHTS / f"{miniature.BASE}.npz", _arrays(base_of(student, given.work)), _base_bits)
    if given.only == "base":
        return
    base = _arrays(unet_of(student))
    for half, name in (("face", miniature.FACE), ("outfit", miniature.OUTFIT)):
        trained = _arrays(unet_of(student_of(averaged(given.work, last_phase(half)))))
        changes = {key: value - base[key] for key, value in trained.items() if not numpy.array_equal(value, base[key])}
        miniature.pack(miniature.WEIGHTS / f"{name}.npz", changes, lambda _name: CHANGE_BITS)


if __name__ == "__main__":
    main()
