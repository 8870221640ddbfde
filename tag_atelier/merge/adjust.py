"""What is done to a tensor beside mixing; detail, contrast and colour, by scaling the first and last layers.

Read by recipe, used by plan, carried out by evaluate; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tag_atelier.errors import RecipeError, UnknownName, say
from tag_atelier.merge.weights import read_number

if TYPE_CHECKING:
    from tag_atelier.merge.networks import NetworkUse

NAMES = ("IN", "OUT", "OUT2", "CONT", "BRI", "COL1", "COL2", "COL3")
"""In the order of a pasted line; useful between −5 and 5. Source: sd-webui-supermerger, README, "Adjust"."""

_COLOURS: Mapping[str, Sequence[tuple[float, float, float]]] = {
    "sd15": ((-1.0, 1 / 3, 2 / 3), (1.0, 1.0, 0.0), (0.0, -1.0, -1.0), (1.0, 0.0, 1.0)),
    "sdxl": ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (-1.0, -1.0, 0.0), (-1.0, 1.0, 0.0)),
}
"""Architecture → how BRI, COL1, COL2 and COL3 move the latent's channels 1 to 3. Source: the same tool's values."""

_UNET = "model.diffusion_model."


@dataclass(frozen=True)
class Change:
    """What is done to one tensor beside mixing: networks are put into x, then x·scale + shift."""

    scale: float = 1.0
    shift: tuple[float, ...] = ()
    """One per value of the tensor; empty: nothing is added."""
    networks: tuple[NetworkUse, ...] = ()
    inputs: int = 0
    """Input channels that all models have and that are mixed, A's others are kept; 0: all are mixed."""

    @property
    def whole(self) -> bool:
        """Whether the tensor must be there as a whole."""
        return bool(self.networks or self.inputs)


def read_adjust(value: object) -> tuple[tuple[str, float], ...]:
    """Names and values that are not 0, from a mapping, or from a pasted line of up to eight numbers.

    >>> read_adjust("1, 0, 0, -2")
    (('IN', 1.0), ('CONT', -2.0))

    Raises:
        RecipeError: another form, more than eight numbers, or one that is none.
        UnknownName: no such adjustment.
    """
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if isinstance(value, Sequence) and len(value) <= len(NAMES):
        value = dict(zip(NAMES, value, strict=False))
    if not isinstance(value, Mapping):
        raise RecipeError(
            "'adjust' is {value!r}; expected a mapping such as {{IN: 1, CONT: -0.5}} or up to eight numbers.", value=value
        )
    given = {
        str(name).upper(): read_number(number, say("The adjustment '{name}'", name=name)) for name, number in value.items()
    }
    unknown = next((name for name in given if name not in NAMES), None)
    if unknown is not None:
        raise UnknownName("adjustment", unknown, NAMES)
    return tuple((name, given[name]) for name in NAMES if given.get(name))


def changes(adjust: Sequence[tuple[str, float]], architecture: str) -> dict[str, Change]:
    """Key → what ``adjust`` does to it in a checkpoint of ``architecture``; keys that stay as they are are left out."""
    value = {**dict.fromkeys(NAMES, 0.0), **dict(adjust)}
    colours = [value[name] for name in NAMES[4:]]
    channels = [sum(c * row[i] for c, row in zip(colours, _COLOURS[architecture], strict=True)) for i in range(3)]
    shift = tuple(0.02 * amount for amount in (value["CONT"], *channels))
    found = {
        f"{_UNET}input_blocks.0.0.weight": Change(1.0 - 0.01 * value["IN"]),
        f"{_UNET}input_blocks.0.0.bias": Change(1.0 + 0.02 * value["IN"]),
        f"{_UNET}out.0.weight": Change(1.0 - 0.01 * value["OUT"]),
        f"{_UNET}out.0.bias": Change(1.0 + 0.02 * value["OUT"]),
        f"{_UNET}out.2.weight": Change(1.0 - 0.01 * value["OUT2"]),
        f"{_UNET}out.2.bias": Change(shift=shift if any(shift) else ()),
    }
    return {key: change for key, change in found.items() if change != Change()}
