"""The UNet as a picture with one slider per block, and the weights' curve, as plain HTML. Used by ``merge_tab``.

26 gradio sliders would cost more than the rest of the page. ``javascript/tag_atelier_blocks.js`` writes a moved slider into
the text of the blocks that differ.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.layout import Architecture, architectures
from tag_atelier.ui.merge_weights import Mixed, resolved
from tag_atelier.ui.words import Words

_WIDTH, _HEIGHT = 600, 72


def architecture_choices() -> list[str]:
    """Ids of all architectures that can be merged, the widest used first."""
    return sorted(architectures(), reverse=True)


def block_editor(row: Mixed, architecture_id: str, words: Words, layout: str = "", text_id: str = "") -> str:
    """The blocks at the weights of ``row``; a sentence where its weights do not fit ``architecture_id``.

    ``text_id`` is the element of the text that a moved slider is written into.
    """
    architecture = architectures()[architecture_id]
    try:
        weights = resolved(row, architecture_id, layout)
    except (RecipeError, UnknownName) as error:
        return f'<div class="tag-atelier-quiet">{html.escape(words.said(error.said))}</div>'
    return (
        f'<div data-tag-atelier-blocks="{html.escape(text_id)}">'
        + curve(weights, words)
        + _picture(architecture, weights, words)
        + "</div>"
    )


def curve(weights: Mapping[str, float], words: Words) -> str:
    """The weights over the blocks from the text encoders to the VAE as a small drawing."""
    low, high = min(0.0, *weights.values()), max(1.0, *weights.values())
    step = _WIDTH / len(weights)

    def height(weight: float) -> float:
        return round(_HEIGHT - 4 - (_HEIGHT - 8) * (weight - low) / (high - low), 1)

    bars = "".join(
        f'<rect x="{i * step + 1:.1f}" y="{min(height(weight), height(0)):.1f}" width="{step - 2:.1f}" '
        f'height="{abs(height(weight) - height(0)):.1f}"><title>{html.escape(block)} {weight:g}</title></rect>'
        for i, (block, weight) in enumerate(weights.items())
    )
    points = " ".join(f"{(i + 0.5) * step:.1f},{height(weight)}" for i, weight in enumerate(weights.values()))
    title = words.escaped("Weight of each block, from the text encoders to the VAE")
    return (
        f'<svg class="tag-atelier-curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img">'
        f'<title>{title}</title><line x1="0" x2="{_WIDTH}" y1="{height(0)}" y2="{height(0)}"/>{bars}'
        f'<polyline points="{points}"/></svg>'
    )


def _picture(architecture: Architecture, weights: Mapping[str, float], words: Words) -> str:
    """Input blocks run down on the left, output blocks up on the right, the middle below; a row is joined by its skip."""
    inputs = [block for block in architecture.unet if block.startswith("IN")]
    outputs = [block for block in reversed(architecture.unet) if block.startswith("OUT")]
    middle = [block for block in architecture.unet if block.startswith("M")]
    before = [block for block in architecture.blocks if block not in architecture.unet and block not in ("OUT", "VAE")]
    rows = "".join(
        f'<div class="tag-atelier-unet-row">{_slider(left, weights)}<i></i>{_slider(right, weights)}</div>'
        for left, right in zip(inputs, outputs, strict=True)
    )
    return (
        '<div class="tag-atelier-unet">'
        f'<div class="tag-atelier-unet-row tag-atelier-unet-ends">{_stack(before, weights)}<i></i>'
        f"{_stack(['OUT', 'VAE'], weights)}</div>"
        f'<div class="tag-atelier-unet-row tag-atelier-unet-head"><b>{words.escaped("Input blocks")} ↓</b><i></i>'
        f"<b>{words.escaped('Output blocks')} ↑</b></div>{rows}"
        f'<div class="tag-atelier-unet-middle">{_stack(middle, weights)}</div></div>'
    )


def _stack(blocks: Sequence[str], weights: Mapping[str, float]) -> str:
    return "<div>" + "".join(_slider(block, weights) for block in blocks) + "</div>"


def _slider(block: str, weights: Mapping[str, float]) -> str:
    weight, name = weights[block], html.escape(block)
    share = min(100, max(0, round(100 * weight)))
    return (
        f'<label class="tag-atelier-block" style="--share:{share}%"><span>{name}</span><input type="range" min="0" max="1" '
        f'step="0.01" value="{weight:g}" data-block="{name}" aria-label="{name}"><output>{weight:.2f}</output></label>'
    )
