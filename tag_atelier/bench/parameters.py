"""Sampling parameters and axes of a benchmark plan, read from plain values. Used by ``bench.spec`` and ``bench.plan``."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tag_atelier.bench.fields import integer, number, only_known, text
from tag_atelier.errors import SpecError
from tag_atelier.ports import HiresParameters, SamplingParameters

NETWORK = "network"
"""The axis whose values are written behind the prompt, such as ``<lora:name:0.8>``; empty text: none."""
HIGHEST_CLIP_SKIP = 12
_MAXIMUM_VALUES = 100


@dataclass(frozen=True)
class Axis:
    """One thing that is varied: a sampling parameter's name or ``network``, and its values in order."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Setting:
    """One combination of the axes' values."""

    values: tuple[tuple[str, Any], ...]
    parameters: SamplingParameters
    network: str = ""

    @property
    def label(self) -> str:
        """What tells it apart from the other combinations, such as ``steps 28 · cfg_scale 5``; empty without axes."""
        return " · ".join(f"{name} {_shown(value)}" for name, value in self.values)


def settings_of(axes: Sequence[Axis], parameters: SamplingParameters) -> Iterator[Setting]:
    """Every combination of the axes' values, the last axis fastest; one without axes."""
    for chosen in itertools.product(*(axis.values for axis in axes)):
        values = tuple((axis.name, value) for axis, value in zip(axes, chosen, strict=True))
        changes = {name: value for name, value in values if name != NETWORK}
        yield Setting(values, dataclasses.replace(parameters, **changes), str(dict(values).get(NETWORK, "")))


def axes_of(value: object) -> tuple[Axis, ...]:
    """Axes from a mapping of names to lists of values.

    Raises:
        SpecError: an unknown name, no or repeated values, or a value out of the parameter's range.
    """
    known = [*(name for name in _READERS if name != "hires"), NETWORK]
    if not isinstance(value, Mapping):
        raise SpecError("'axes' is {value}; expected a mapping such as {{steps: [20, 28]}}.", value=repr(value))
    only_known(value, known, "'axes'")
    return tuple(_axis(str(name), listed) for name, listed in value.items())


def _axis(name: str, listed: object) -> Axis:
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) <= _MAXIMUM_VALUES:
        sentence = "'axes.{name}' is {value}; expected a list of 1 to {most} values."
        raise SpecError(sentence, name=name, value=repr(listed), most=_MAXIMUM_VALUES)
    read = _READERS.get(name, lambda item: text(item, f"axes.{NETWORK}", 0, 300))
    values = tuple(None if item is None and name in ("vae", "eta") else read(item) for item in listed)
    if len(set(values)) < len(values):
        raise SpecError("'axes.{name}' holds a value twice; expected each one once.", name=name)
    return Axis(name, values)


def _shown(value: object) -> str:
    return "none" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


def parameters_of(value: object) -> SamplingParameters:
    """Sampling parameters from a mapping; what it leaves out has its default. Raises SpecError."""
    if isinstance(value, SamplingParameters):
        return value
    if not isinstance(value, Mapping):
        sentence = "'parameters' is {value}; expected a mapping such as {{steps: 28, width: 1024}}."
        raise SpecError(sentence, value=repr(value))
    only_known(value, [entry.name for entry in dataclasses.fields(SamplingParameters)], "'parameters'")
    return SamplingParameters(**{key: _READERS[key](item) for key, item in value.items() if item is not None})


def _hires(value: object) -> HiresParameters:
    if not isinstance(value, Mapping):
        raise SpecError("'hires' is {value}; expected a mapping such as {{scale: 2, steps: 15}}.", value=repr(value))
    only_known(value, [entry.name for entry in dataclasses.fields(HiresParameters)], "'hires'")
    return HiresParameters(
        scale=number(value.get("scale", 2.0), "hires.scale", 1, 4),
        steps=integer(value.get("steps", 15), "hires.steps", 0, 1000),
        denoising=number(value.get("denoising", 0.6), "hires.denoising", 0, 1),
        upscaler=text(value.get("upscaler", "Latent"), "hires.upscaler", 1, 200),
    )


def _side(value: object, name: str) -> int:
    side = integer(value, name, 64, 8192)
    if side % 8:
        sentence = "'{name}' is {side}; expected a multiple of 8, for example {near}."
        raise SpecError(sentence, name=name, side=side, near=side // 8 * 8)
    return side


_READERS: dict[str, Any] = {
    "sampler": lambda item: text(item, "sampler", 1, 80),
    "scheduler": lambda item: text(item, "scheduler", 1, 80),
    "steps": lambda item: integer(item, "steps", 1, 1000),
    "cfg_scale": lambda item: number(item, "cfg_scale", 0, 100),
    "width": lambda item: _side(item, "width"),
    "height": lambda item: _side(item, "height"),
    "clip_skip": lambda item: integer(item, "clip_skip", 1, HIGHEST_CLIP_SKIP),
    "eta": lambda item: number(item, "eta", 0, 1),
    "vae": lambda item: text(item, "vae", 1, 300),
    "hires": _hires,
}
