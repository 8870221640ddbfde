"""Blocks of each architecture, which key lies in which block, and what a pasted line of numbers means elsewhere.

Called by weights, elements, plan and the merge page. Loads without torch; the tables are presets/blocks/<architecture>.yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from tag_atelier.errors import CheckpointError, RecipeError, Said, UnknownName, say, say_all
from tag_atelier.settings import PRESETS_FOLDER

BLOCKS_FOLDER = PRESETS_FOLDER / "blocks"
_GROUPS = ("ALL", "UNET", "BASE")
_RANGES = "Ranges such as IN04-OUT02 stand for all blocks between."


@dataclass(frozen=True)
class Architecture:
    """One model family's blocks, in the order of the page: text encoders, TIME, LABEL, UNet, OUT, VAE."""

    id: str
    title: str
    prefixes: Mapping[str, str]
    """Block name → prefix of its keys; its order is the order of the blocks."""
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    """Prefixes that some key of the file must have, and that none may have."""

    @property
    def blocks(self) -> tuple[str, ...]:
        """All block names, CLIP_L first, VAE last."""
        return tuple(self.prefixes)

    @property
    def unet(self) -> tuple[str, ...]:
        """IN00 … M00 … OUTnn: the 25 or 19 blocks that classic block weights speak of."""
        return tuple(name for name in self.prefixes if name[-2:].isdigit())

    @property
    def text_encoders(self) -> tuple[str, ...]:
        """The blocks that BASE stands for."""
        return tuple(name for name in self.prefixes if name.startswith("CLIP"))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a weight may be given to, ranges aside."""
        return (*_GROUPS, *self.blocks)

    def block_of(self, key: str) -> str | None:
        """Block of the checkpoint key ``key``; None for keys of no block (schedule buffers, v_pred, EMA)."""
        return next((name for name, prefix in self.prefixes.items() if key.startswith(prefix)), None)

    def expand(self, name: str) -> tuple[str, ...]:
        """Blocks that a block name, a group (ALL, UNET, BASE) or a range such as IN04-OUT02 stands for.

        ALL is everything but the VAE: the VAE is only ever merged when it is named.

        Raises:
            UnknownName: this architecture has no such block.
        """
        first, dash, last = name.partition("-")
        if dash:
            start, end = self._position(first), self._position(last)
            if start > end:
                raise RecipeError(
                    "The block range '{name}' runs backwards; expected '{last}-{first}'.", name=name, last=last, first=first
                )
            return self.blocks[start : end + 1]
        if name in self.prefixes:
            return (name,)
        text_encoders, without_vae = self.text_encoders, tuple(block for block in self.blocks if block != "VAE")
        groups = {
            "ALL": without_vae,
            "BASE": text_encoders,
            "UNET": tuple(block for block in without_vae if block not in text_encoders),
        }
        return groups[name] if name in groups else (self.blocks[self._position(name)],)

    def _position(self, name: str) -> int:
        if name not in self.prefixes:
            raise UnknownName("block of {architecture}", name, self.names, _RANGES, architecture=self.title)
        return self.blocks.index(name)


@lru_cache(maxsize=1)
def architectures() -> Mapping[str, Architecture]:
    """All architectures that can be merged, by id."""
    found = [_read(path) for path in sorted(BLOCKS_FOLDER.glob("*.yaml")) if path.stem != "named_weights"]
    return {architecture.id: architecture for architecture in found}


def check_block(name: str) -> None:
    """Whether some architecture has the block, group or range ``name``; that another one lacks it is found by plan.

    Raises:
        UnknownName, RecipeError: none has it.
    """
    errors: list[UnknownName | RecipeError] = []
    for architecture in architectures().values():
        try:
            architecture.expand(name)
        except (UnknownName, RecipeError) as error:
            errors.append(error)
    if len(errors) < len(architectures()):
        return
    backwards = next((error for error in errors if isinstance(error, RecipeError)), None)
    known = dict.fromkeys(each for architecture in architectures().values() for each in architecture.names)
    raise backwards or UnknownName("block", name, tuple(known), _RANGES)


def _read(path: Path) -> Architecture:
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    prefixes: dict[str, str] = {}
    for name, block in table["blocks"].items():
        if "count" in block:
            prefixes.update({f"{name[:-1]}{i:02d}": f"{block['prefix']}{i}." for i in range(block["count"])})
        else:
            prefixes[name] = block["prefix"]
    recognise = table["recognise"]
    return Architecture(table["id"], table["title"], prefixes, tuple(recognise["has"]), tuple(recognise["lacks"]))


_STRANGERS: tuple[tuple[str, str], ...] = (
    ("lora_", say("a LoRA file")),
    ("model.diffusion_model.joint_blocks.", say("a Stable Diffusion 3 checkpoint")),
    ("model.diffusion_model.double_blocks.", say("a Flux checkpoint")),
    ("double_blocks.", say("a Flux checkpoint")),
    ("control_model.", say("a ControlNet")),
    ("cond_stage_model.model.", say("a Stable Diffusion 2 checkpoint")),
    ("conditioner.embedders.0.model.", say("a Stable Diffusion XL refiner")),
    ("down_blocks.", say("one part of a diffusers folder")),
    ("model.diffusion_model.", say("a checkpoint of another architecture")),
    ("decoder.", say("a VAE")),
)
"""What a file that cannot be merged most likely is, by the beginning of some key; the first that fits is named."""


def recognise(keys: Collection[str], file_name: str) -> Architecture:
    """Architecture of a checkpoint by its keys; the widths of its tensors do not matter.

    Raises:
        CheckpointError: it is none that can be merged; the sentence says what it looks like.
    """
    for architecture in architectures().values():
        if all(_any_starts(keys, prefix) for prefix in architecture.has) and not any(
            _any_starts(keys, prefix) for prefix in architecture.lacks
        ):
            return architecture
    looks = next((title for prefix, title in _STRANGERS if _any_starts(keys, prefix)), say("a file of an unknown kind"))
    titles = say_all([architecture.title for architecture in architectures().values()], " or ")
    raise CheckpointError(
        "'{name}' looks like {looks}; expected a {architectures} checkpoint, choose another file.",
        name=file_name,
        looks=looks,
        architectures=titles,
    )


def _any_starts(keys: Collection[str], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in keys)


@dataclass(frozen=True)
class LineLayout:
    """What a tool means by its line of numbers: where the keys outside IN, M and OUT go."""

    name: str
    title: str
    time: str
    """``IN00``, ``BASE`` or ``LAST`` (the last OUT block); TIME and LABEL go there."""
    out: str
    vae: str | None
    """``BASE`` where the tool merges the VAE with the text encoders, None where it keeps A's."""
    architectures: tuple[str, ...] = ("sd15", "sdxl")


LINE_LAYOUTS: Mapping[str, LineLayout] = {
    layout.name: layout
    for layout in (
        LineLayout("supermerger", "SuperMerger", "IN00", "LAST", "BASE"),
        LineLayout("classic", "Merge Block Weighted", "IN00", "LAST", "BASE", ("sd15",)),
        LineLayout("sd-mecha", "sd-mecha", "BASE", "LAST", None),
        LineLayout("model-mixer", "Model Mixer", "LAST", "LAST", None),
    )
}
"""Read in each tool's own code; the same numbers give different models in each of them."""

LINE_COUNTS = (19, 20, 21, 25, 26, 27)
"""Lengths that some tool gives a meaning to; `read_line` decides for a given one."""


def spoken_counts(architecture_id: str = "") -> Said:
    """How many numbers each layout expects, for a sentence; of one architecture where it is known."""
    told: dict[str, list[str]] = {}
    for layout in LINE_LAYOUTS.values():
        read = [architectures()[id] for id in layout.architectures if architecture_id in ("", id)]
        counts = say_all(
            [say("{count} for {architecture}", count=len(each.unet) + 1, architecture=each.title) for each in read], " or "
        )
        if counts:
            told.setdefault(counts, []).append(layout.name)
    each_layout = [
        say(
            "{counts} in the layouts {names}" if len(names) > 1 else "{counts} in the layout {names}",
            counts=c,
            names=", ".join(names),
        )
        for c, names in told.items()
    ]
    template = "{layouts} (BASE first; one less without it, one more with the VAE last)"
    return say(template, layouts=say_all(each_layout, "; "))


def get_line_layout(name: str) -> LineLayout:
    """Raises UnknownName for a layout that is not in ``LINE_LAYOUTS``."""
    if name not in LINE_LAYOUTS:
        raise UnknownName("line layout", name, tuple(LINE_LAYOUTS))
    return LINE_LAYOUTS[name]


def read_line(values: Sequence[float], layout: LineLayout, architecture: Architecture) -> dict[str, float]:
    """Weight of every block that the pasted ``values`` mean in the tool ``layout`` for ``architecture``.

    With n UNet blocks a line is n (no BASE), n + 1 (BASE first) or n + 2 numbers (VAE last).
    SuperMerger also reads SD1.5's 25 and 26 numbers for SDXL, leaving out IN09-IN11 and OUT09-OUT11.

    Raises:
        RecipeError: the tool gives a line of this length no meaning for this architecture.
    """
    unet = architecture.unet
    line = list(values)
    if layout.name == "supermerger" and architecture.id == "sdxl" and len(line) in (25, 26):
        base, blocks = line[:-25], line[-25:]
        line = base + blocks[:9] + blocks[12:22]
    if architecture.id not in layout.architectures or len(line) not in (len(unet), len(unet) + 1, len(unet) + 2):
        raise RecipeError(
            "{count} block weights were given in the layout '{name}' for {title}; expected {expected}.",
            count=len(values),
            name=layout.name,
            title=architecture.title,
            expected=spoken_counts(architecture.id),
        )
    vae = line.pop() if len(line) == len(unet) + 2 else None
    base_weight = line.pop(0) if len(line) == len(unet) + 1 else 0.0
    weights = dict(zip(unet, line, strict=True))
    places = {"BASE": base_weight, "IN00": line[0], "LAST": line[-1]}
    weights.update(dict.fromkeys(architecture.text_encoders, base_weight))
    weights.update({block: places[layout.time] for block in ("TIME", "LABEL") if block in architecture.prefixes})
    weights["OUT"] = places[layout.out]
    weights["VAE"] = vae if vae is not None else (base_weight if layout.vae else 0.0)
    return {block: weights[block] for block in architecture.blocks}
