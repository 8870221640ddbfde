"""Everything that a recipe reads, opened as far as the headers: models, base, donors of whole parts, networks.

Called by plan. Reads no tensor and does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.errors import CheckpointError
from tag_atelier.merge.composer import open_file
from tag_atelier.merge.header import Header
from tag_atelier.merge.layout import Architecture, recognise
from tag_atelier.merge.networks import Layer, read_layers
from tag_atelier.merge.recipe import LETTERS, Recipe
from tag_atelier.merge.sources import open_model, open_text_encoder, open_vae

if TYPE_CHECKING:
    from tag_atelier.merge.plan import MergePlan

FindPart = Callable[[str, str], Path]
"""Kind (``vae``, ``text_encoder`` or ``lora``) and name → the file. Raises UnknownName."""


@dataclass(frozen=True)
class Source:
    """One model of the recipe, its file opened as far as its header."""

    name: str
    letter: str
    """a, b, c …, ``base``, or the part that it gives: vae, clip_l, clip_g; networks are lora1, lora2 …"""
    header: Header
    sha256: str | None = None
    """Where the host knows it already; a merge does not hash its sources."""
    plan: MergePlan | None = None
    """What makes it, where it is the result of an earlier step and no file."""

    def check_unchanged(self) -> None:
        """Raises CheckpointError when its file, or one of those it is made of, has changed."""
        if self.plan is not None:
            self.plan.check_sources()
        else:
            self.header.check_unchanged()


@dataclass(frozen=True)
class Inputs:
    """What is read, and what it is for."""

    architecture: Architecture
    sources: tuple[Source, ...]
    """The models in order, then the base where there is one, then the donors that are no models."""
    donors: Mapping[str, int]
    """Block (VAE, CLIP_L, CLIP_G) → index of the source that it is taken from whole."""
    networks: tuple[Source, ...] = ()
    layers: tuple[tuple[Layer, ...], ...] = ()
    """Per network, what it changes."""
    notes: tuple[str, ...] = ()

    @property
    def mixed(self) -> int:
        """How many sources are models or the base."""
        return sum(len(source.letter) == 1 or source.letter == "base" for source in self.sources)


def open_inputs(
    recipe: Recipe,
    resolve: Callable[[str], Path],
    find_part: FindPart | None,
    known_hash: Callable[[str], str | None] | None,
    made: Mapping[str, Source],
) -> Inputs:
    """Everything the recipe names; ``made`` holds the results of earlier steps by their names.

    Raises:
        UnknownName: there is no such file.
        CheckpointError: a file cannot be read, or is not what the recipe takes it for.
    """

    def known(name: str) -> str | None:
        return known_hash(name) if known_hash else None

    def find(kind: str, name: str) -> Path:
        return find_part(kind, name) if find_part else resolve(name)

    sources = []
    for i, name in enumerate(recipe.inputs):
        letter, step = recipe.letter_of(i), made.get(name)
        if step is not None:
            sources.append(Source(name, letter, step.header, plan=step.plan))
        else:
            sources.append(Source(name, letter, open_model(resolve(name), recipe.options.ema), known(name)))
    architecture = _same_architecture(sources)
    wanted = {**dict(recipe.options.text_encoders), **({"VAE": recipe.vae} if recipe.vae else {})}
    donors: dict[str, int] = {}
    for block, name in wanted.items():
        if block not in architecture.blocks:
            continue
        if len(name) == 1:
            donors[block] = LETTERS.index(name)
            continue
        kind = "vae" if block == "VAE" else "text_encoder"
        path = find(kind, name)
        header = open_vae(path) if block == "VAE" else open_text_encoder(path, block, architecture.id)
        donors[block] = len(sources)
        sources.append(Source(name, block.lower(), header, known(name)))
    networks, layers, notes = [], [], [note for source in sources for note in source.header.notes]
    for number, use in enumerate(recipe.options.loras, start=1):
        header = open_file(find("lora", use.name))
        found, said = read_layers(header, sources[0].header.tensors, architecture.id)
        networks.append(Source(use.name, f"lora{number}", header, known(use.name)))
        layers.append(tuple(found))
        notes += [*header.notes, *said]
    return Inputs(architecture, tuple(sources), donors, tuple(networks), tuple(layers), tuple(notes))


def _same_architecture(sources: Sequence[Source]) -> Architecture:
    found = [recognise(source.header.tensors, source.header.path.name) for source in sources]
    for source, architecture in zip(sources, found, strict=True):
        if architecture.id != found[0].id:
            raise CheckpointError(
                "'{name}' is {architecture} but '{other}' is {other_architecture}; only checkpoints of one architecture "
                "can be merged.",
                name=sources[0].name,
                architecture=found[0].title,
                other=source.name,
                other_architecture=architecture.title,
            )
    return found[0]
