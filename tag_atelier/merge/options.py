"""What a recipe says about its result beside the mix: dtypes, parts from other files, networks baked in, pruning, format.

Read by recipe, carried out by plan and output. Loads without torch and opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tag_atelier.errors import RecipeError
from tag_atelier.merge.weights import BlockWeights, read_weights

DTYPES: Mapping[str, str | None] = {
    "keep": None,
    "fp16": "F16",
    "bf16": "BF16",
    "fp32": "F32",
    "fp8_e4m3fn": "F8_E4M3",
    "fp8_e5m2": "F8_E5M2",
}
"""What ``options.dtype`` may be → dtype name in the file; keep: every tensor as it is in A."""

COMPONENTS = ("unet", "text_encoders", "vae")
"""Parts of a checkpoint that may have a dtype of their own."""

FORMATS = ("safetensors", "diffusers", "lora")
"""One file; a folder as diffusers reads it; a LoRA of what the recipe changes in A."""

NAMES = ("dtype", "vae", "adjust", "text_encoders", "prune", "ema", "format", "rank", "conv_rank")
"""Everything that may stand under ``options``."""

_TEXT_ENCODERS = ("CLIP_L", "CLIP_G")
_LARGEST_RANK = 1024
_DEFAULT_RANK = 32


@dataclass(frozen=True)
class LoraUse:
    """One network that is baked into the result."""

    name: str
    weights: BlockWeights
    """Its strength in every block."""

    def as_value(self) -> dict[str, object]:
        """The plain mapping that ``read_loras`` reads back."""
        return {"lora": self.name, "weight": self.weights.as_value()}


@dataclass(frozen=True)
class Options:
    """The options that are not the mix itself; all off by default."""

    dtypes: tuple[tuple[str, str], ...] = ()
    """Component → dtype, where it differs from the recipe's."""
    text_encoders: tuple[tuple[str, str], ...] = ()
    """CLIP_L or CLIP_G → the letter of a model, or a file's name, that it is taken whole from."""
    prune: bool = False
    """Leave out what no block holds, but for the marks and the noise schedule."""
    ema: bool = False
    """Take a model's averaged weights for its UNet where it has them."""
    format: str = "safetensors"
    rank: int = 0
    """Of the written LoRA; 0 for other formats."""
    conv_rank: int = 0
    """Of its convolutions; 0 leaves them out."""
    loras: tuple[LoraUse, ...] = ()

    def dtype_of(self, component: str, otherwise: str) -> str | None:
        """dtype name in the file for ``component``, None for as in A; ``otherwise`` is the recipe's."""
        return DTYPES[dict(self.dtypes).get(component, otherwise)]

    def as_dict(self, dtype: str) -> dict[str, object]:
        """What stands under ``options`` of the canonical form; ``dtype`` is the recipe's."""
        switches = {name: True for name in ("prune", "ema") if getattr(self, name)}
        target = {"format": self.format} if self.format != "safetensors" else {}
        ranks = {"rank": self.rank, "conv_rank": self.conv_rank} if self.format == "lora" else {}
        return {
            "dtype": {"all": dtype, **dict(self.dtypes)} if self.dtypes else dtype,
            **({"text_encoders": dict(self.text_encoders)} if self.text_encoders else {}),
            **switches,
            **target,
            **ranks,
        }


def read_options(options: Mapping[Any, Any], loras: object, find: Any) -> tuple[str, Options]:
    """The recipe's dtype and its other options; ``find(name, where)`` gives a model's letter, or the name of a file.

    Raises:
        RecipeError: a value that the option cannot have.
        UnknownName: a letter that no model has.
    """
    dtype, dtypes = _read_dtypes(options.get("dtype", "keep"))
    target = str(options.get("format", "safetensors"))
    if target not in FORMATS:
        raise RecipeError(
            "The format '{target}' cannot be written; expected one of: {known}.", target=target, known=", ".join(FORMATS)
        )
    if target != "lora" and ("rank" in options or "conv_rank" in options):
        raise RecipeError("'rank' and 'conv_rank' are only for 'format: lora'; leave them out or add it.")
    is_lora = target == "lora"
    return dtype, Options(
        dtypes=dtypes,
        text_encoders=_read_text_encoders(options.get("text_encoders"), find),
        prune=_read_switch(options, "prune"),
        ema=_read_switch(options, "ema"),
        format=target,
        rank=_read_rank(options.get("rank", _DEFAULT_RANK), "rank", 1) if is_lora else 0,
        conv_rank=_read_rank(options.get("conv_rank", 0), "conv_rank", 0) if is_lora else 0,
        loras=read_loras(loras),
    )


def _read_dtypes(value: object) -> tuple[str, tuple[tuple[str, str], ...]]:
    table = value if isinstance(value, Mapping) else {"all": value}
    for component, dtype in table.items():
        if component not in ("all", *COMPONENTS):
            raise RecipeError(
                "'dtype' has '{component}'; expected only: all, {known}.", component=component, known=", ".join(COMPONENTS)
            )
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise RecipeError(
                "The dtype '{dtype}' cannot be written; expected one of: {known}.", dtype=dtype, known=", ".join(DTYPES)
            )
    everywhere = str(table.get("all", "keep"))
    others = ((component, str(table[component])) for component in COMPONENTS if component in table)
    return everywhere, tuple((component, dtype) for component, dtype in others if dtype != everywhere)


def _read_text_encoders(value: object, find: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    table = dict(value) if isinstance(value, Mapping) else dict.fromkeys(_TEXT_ENCODERS, value)
    table = {str(block).upper(): name for block, name in table.items()}
    unknown = next((block for block in table if block not in _TEXT_ENCODERS), None)
    if unknown is not None:
        raise RecipeError(
            "'text_encoders' has '{unknown}'; expected CLIP_L and CLIP_G, or one model's letter or name for both.",
            unknown=unknown,
        )
    where = "'options.text_encoders'"
    return tuple((block, find(str(table[block]), where)) for block in _TEXT_ENCODERS if table.get(block) is not None)


def _read_switch(options: Mapping[Any, Any], name: str) -> bool:
    value = options.get(name, False)
    if not isinstance(value, bool):
        raise RecipeError("'options.{name}' is {value!r}; expected true or false.", name=name, value=value)
    return value


def _read_rank(value: object, name: str, least: int) -> int:
    if type(value) is not int or not least <= value <= _LARGEST_RANK:
        raise RecipeError(
            "'{name}' is {value!r}; expected a whole number from {least} to {most}.",
            name=name,
            value=value,
            least=least,
            most=_LARGEST_RANK,
        )
    return value


def read_loras(value: object) -> tuple[LoraUse, ...]:
    """Networks from a list of names, or of mappings of ``lora`` and ``weight`` (1 when left out).

    >>> read_loras([{"lora": "detail", "weight": {"IN04": 0.5}}])[0].weights.blocks
    (('IN04', 0.5),)

    Raises:
        RecipeError: another form.
        UnknownName: a weight names an unknown block or preset.
    """
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise RecipeError("'loras' is {value!r}; expected a list such as [{{lora: detail, weight: 0.5}}].", value=value)
    return tuple(_read_lora(entry) for entry in value)


def _read_lora(entry: object) -> LoraUse:
    table = dict(entry) if isinstance(entry, Mapping) else {"lora": entry}
    unknown = next((str(name) for name in table if name not in ("lora", "weight")), None)
    if unknown is not None:
        raise RecipeError("A LoRA has an unknown field '{unknown}'; expected only: lora, weight.", unknown=unknown)
    name = table.get("lora")
    if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
        raise RecipeError("A LoRA is {name!r}; expected a file's name, in quotes where YAML reads it otherwise.", name=name)
    weight = table.get("weight")
    return LoraUse(str(name).strip(), read_weights(1.0 if weight is None else weight))
