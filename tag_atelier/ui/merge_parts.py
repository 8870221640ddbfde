"""What the merge form holds beside the mix, and the recipe's fields it stands for, both ways: networks, single tensors,
parts from other files, number formats, the kind of file. Used by ``merge_form``; knows no gradio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from tag_atelier.errors import RecipeError
from tag_atelier.merge.adjust import NAMES as ADJUSTMENTS
from tag_atelier.merge.elements import Element
from tag_atelier.merge.options import COMPONENTS
from tag_atelier.merge.recipe import Recipe
from tag_atelier.plain_values import Unreadable, read_yaml
from tag_atelier.ui.merge_weights import Mixed, read_blocks, row_of, spelled, weights_value

_TAG = re.compile(r"<lora:([^:<>]+)(?::([^:<>]+))?[^<>]*>")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
DEFAULT_RANK = 32


@dataclass(frozen=True)
class Parts:
    """What the controls below the mix hold; empty or as it comes where nothing is wanted."""

    networks: str = ""
    """A network per line: ``detail: 0.6`` or ``style: 0, IN04-OUT05: 0.8``; or the prompt's ``<lora:detail:0.6>``."""
    elements: str = ""
    """``Blocks:Elements:Ratio``, or a mapping in braces, per line."""
    adjust: str = ""
    """``IN: 1, CONT: -0.5``, or up to eight numbers."""
    clip_l: str = ""
    clip_g: str = ""
    """A model's letter or a file's name."""
    unet_dtype: str = ""
    text_dtype: str = ""
    vae_dtype: str = ""
    """Empty: as the whole."""
    format: str = "safetensors"
    rank: float = DEFAULT_RANK
    conv_rank: float = 0
    prune: bool = False
    ema: bool = False

    def fields(self, layout: str = "") -> dict[str, object]:
        """``loras`` and ``elements`` as a recipe writes them, those of them that are given. Raises RecipeError."""
        found = {"loras": list(_read_networks(self.networks, layout)), "elements": list(_read_elements(self.elements))}
        return {name: value for name, value in found.items() if value}

    def options(self, dtype: str) -> dict[str, object]:
        """What stands under ``options``; ``dtype`` is that of the whole. Raises RecipeError."""
        dtypes = dict(zip(COMPONENTS, (self.unet_dtype, self.text_dtype, self.vae_dtype), strict=True))
        own = {component: each for component, each in dtypes.items() if each}
        encoders = {block: name for block, name in (("CLIP_L", self.clip_l), ("CLIP_G", self.clip_g)) if name}
        given: dict[str, object] = {
            "text_encoders": encoders,
            "adjust": _read_adjust(self.adjust),
            "prune": self.prune,
            "ema": self.ema,
            "format": self.format if self.format != "safetensors" else "",
        }
        ranks = {"rank": int(self.rank), "conv_rank": int(self.conv_rank)} if self.format == "lora" else {}
        return {
            "dtype": {"all": dtype, **own} if own else dtype,
            **{name: value for name, value in given.items() if value},
            **ranks,
        }

    @staticmethod
    def of(recipe: Recipe) -> Parts:
        """The controls' values for ``recipe``."""
        options, encoders, dtypes = recipe.options, dict(recipe.options.text_encoders), dict(recipe.options.dtypes)
        return Parts(
            networks="\n".join(_network_line(row_of(use.name, use.weights)) for use in options.loras),
            elements="\n".join(map(_element_line, recipe.elements)),
            adjust=", ".join(f"{name}: {spelled(value)}" for name, value in recipe.adjust),
            clip_l=encoders.get("CLIP_L", ""),
            clip_g=encoders.get("CLIP_G", ""),
            unet_dtype=dtypes.get("unet", ""),
            text_dtype=dtypes.get("text_encoders", ""),
            vae_dtype=dtypes.get("vae", ""),
            format=options.format,
            rank=options.rank or DEFAULT_RANK,
            conv_rank=options.conv_rank,
            prune=options.prune,
            ema=options.ema,
        )


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _read_networks(text: str, layout: str) -> Iterator[Mapping[str, object]]:
    for line in _lines(text):
        tags = list(_TAG.finditer(line))
        if tags and not _TAG.sub("", line).strip(" ,"):
            yield from ({"lora": tag[1].strip(), "weight": (tag[2] or "1").strip()} for tag in tags)
        else:
            row = _read_network(line)
            yield {"lora": row.model, "weight": weights_value(row, layout)}


def _read_network(line: str) -> Mixed:
    """``NAME: NUMBER, PRESET, BLOCK: NUMBER …``, each of them only where it is wanted; several numbers are a pasted line."""
    name, _, rest = line.partition(":")
    pieces = [piece.strip() for piece in rest.split(",") if piece.strip()]
    numbers = [piece for piece in pieces if _NUMBER.fullmatch(piece)]
    blocks = [piece for piece in pieces if ":" in piece or "=" in piece]
    words = [piece for piece in pieces if piece not in numbers and piece not in blocks]
    if len(words) > 1 or (len(numbers) > 1 and (words or blocks)):
        raise RecipeError(
            "The network '{name}' has weights that cannot be read ('{rest}'); expected '0.6'.",
            name=name.strip(),
            rest=rest.strip(),
        )
    if len(numbers) > 1:
        return Mixed(name.strip(), blocks=", ".join(numbers))
    return Mixed(name.strip(), float(numbers[0]) if numbers else 1.0, "".join(words), ", ".join(blocks))


def _network_line(row: Mixed) -> str:
    is_line = row.blocks and ":" not in row.blocks
    parts = [row.blocks] if is_line else [spelled(row.weight), row.preset, row.blocks]
    return f"{row.model}: {', '.join(part for part in parts if part)}"


def _read_elements(text: str) -> Iterator[object]:
    for line in _lines(text):
        if not line.startswith("{"):
            yield from (piece.strip() for piece in line.split(",") if piece.strip())
            continue
        try:
            yield read_yaml(line)
        except Unreadable as error:
            raise RecipeError(
                "'{line}' cannot be read; expected for example {{keys: '*.ff.net.*', weight: 0.5}}.", line=line
            ) from error


def _element_line(element: Element) -> str:
    value = element.as_value()
    if {"keys", "regex", "model"} & set(value):
        return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000).strip()
    return f"{value['blocks']}:{value['elements']}:{spelled(element.weight)}"


def _read_adjust(text: str) -> object:
    named = ":" in text or "=" in text
    if named and not set(read_blocks(text)) <= set(ADJUSTMENTS):
        raise RecipeError(
            "'{text}' has an unknown adjustment; expected only: {known}.", text=text.strip(), known=", ".join(ADJUSTMENTS)
        )
    return read_blocks(text) if named else text.strip()
