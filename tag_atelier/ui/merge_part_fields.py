"""The merge form's controls for networks, single tensors, parts from other files and formats. Used by ``merge_fields``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import partial
from typing import Any

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.merge.options import DTYPES, FORMATS
from tag_atelier.ui.choices import NOTHING
from tag_atelier.ui.ids import element_id
from tag_atelier.ui.merge_parts import DEFAULT_RANK, Parts
from tag_atelier.ui.words import Words

AUTO = "auto"
"""As it comes: the VAE is A's unless a weight names it, a number format is that of the whole."""
_NAMES = tuple(field.name for field in fields(Parts))
_LARGEST_RANK = 256
"""Of the sliders; a recipe's text takes more."""


@dataclass(frozen=True)
class PartFields:
    """The controls, in the order of ``Parts``, and a menu that writes into the first of them."""

    all: tuple[Any, ...]
    add_network: Any

    def named(self, *names: str) -> list[Any]:
        """The controls of these fields of ``Parts``."""
        return [self.all[_NAMES.index(name)] for name in names]


def network_names(atelier: Any) -> list[str]:
    """Nothing, and every network that there is."""
    return [NOTHING, *_names(atelier, "lora")]


def vae_names(atelier: Any, letters: Sequence[str]) -> list[str]:
    """Whose VAE can be taken: what the weights say, a model's, a file's."""
    return [AUTO, *letters, *_names(atelier, "vae")]


def _names(atelier: Any, kind: str) -> list[str]:
    try:
        return list(atelier.merges.part_names(kind))
    except (TagAtelierError, OSError):  # the page is drawn all the same
        return []


def build(atelier: Any, words: Words, letters: Sequence[str]) -> PartFields:
    """Build the controls, folded up, where the caller's gradio context stands; ``letters`` are the models'."""
    menu, text = partial(_menu, words), partial(_text, words)
    dtypes, donors = [AUTO, *DTYPES], [AUTO, *letters]
    with gr.Accordion(words.label("Networks, parts, formats"), open=False, elem_id=element_id("merge_parts")):
        networks = text("networks", "Networks that are baked in, one per line", "detail: 0.6\nstyle: 0, IN04-OUT05: 0.8", 2)
        add = menu("add_network", "Add a network", network_names(atelier))
        elements = text("elements", "Single tensors (blocks:elements:weight)", "OUT03-OUT06:attn2.to_k:0.2", 1)
        adjust = text("adjust", "Detail, contrast and colour", "IN: 1, CONT: -0.5", 1)
        with gr.Row():
            encoders = [menu("clip_l", "CLIP-L of", donors, True), menu("clip_g", "CLIP-G of", donors, True)]
        with gr.Row():
            own = [
                menu("unet_dtype", "UNet's number format", dtypes),
                menu("text_dtype", "Text encoders' number format", dtypes),
                menu("vae_dtype", "VAE's number format", dtypes),
            ]
        with gr.Row():
            kind = menu("format", "Written as", FORMATS)
            ranks = [
                _rank(words, "rank", "Rank of the LoRA", 1, DEFAULT_RANK),
                _rank(words, "conv_rank", "Rank of its convolutions (0: none)", 0, 0),
            ]
        with gr.Row():
            prune = gr.Checkbox(
                value=False, label=words.label("Leave out what no block holds"), elem_id=element_id("merge_prune")
            )
            ema = gr.Checkbox(value=False, label=words.label("Take averaged (EMA) weights"), elem_id=element_id("merge_ema"))
    return PartFields((networks, elements, adjust, *encoders, *own, kind, *ranks, prune, ema), add)


def _menu(words: Words, name: str, label: str, choices: Sequence[str], custom: bool = False) -> Any:
    """A menu that starts at its first choice; ``custom`` takes what is typed too."""
    return gr.Dropdown(
        list(choices),
        value=choices[0],
        label=words.label(label),
        allow_custom_value=custom,
        elem_id=element_id("merge", name),
    )


def _text(words: Words, name: str, label: str, placeholder: str, lines: int) -> Any:
    return gr.Textbox(
        label=words.label(label), placeholder=placeholder, lines=lines, max_lines=12, elem_id=element_id("merge", name)
    )


def _rank(words: Words, name: str, label: str, least: int, value: int) -> Any:
    """Hidden until a LoRA is to be written."""
    return gr.Slider(
        least,
        _LARGEST_RANK,
        value=value,
        step=1,
        label=words.label(label),
        visible=False,
        elem_id=element_id("merge", name),
    )


def read(values: Sequence[Any]) -> Parts:
    """The controls' values, in their order."""
    return Parts(*("" if value in (None, AUTO) else value for value in values))


def write(parts: Parts) -> list[Any]:
    """``parts`` as the controls show them."""
    menus = ("clip_l", "clip_g", "unet_dtype", "text_dtype", "vae_dtype")
    values = zip(_NAMES, astuple(parts), strict=True)
    return [AUTO if name in menus and not value else value for name, value in values]


RANKS = ("rank", "conv_rank")


def rank_updates(target: str) -> list[Any]:
    """For ``RANKS``: shown where a LoRA is written."""
    return [gr.update(visible=target == "lora")] * len(RANKS)


def with_network(name: str, text: str) -> str:
    """The networks' text with ``name`` on a line of its own, at weight 1."""
    lines = [line for line in (text or "").splitlines() if line.strip()]
    return "\n".join([*lines, f"{name}: 1"])
