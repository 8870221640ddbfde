"""One slider per block as plain HTML: 26 gradio sliders would cost more than the rest of the page. Used by ``merge_tab``.

``javascript/tag_atelier_blocks.js`` writes a moved slider into the text of the blocks that differ.
"""

from __future__ import annotations

import html

from tag_atelier.errors import RecipeError, UnknownName
from tag_atelier.merge.layout import Architecture, architectures
from tag_atelier.ui.merge_form import MergeForm, resolved
from tag_atelier.ui.words import Words


def architecture_choices() -> list[str]:
    """Ids of all architectures that can be merged, the widest used first."""
    return sorted(architectures(), reverse=True)


def block_editor(form: MergeForm, architecture_id: str, words: Words) -> str:
    """The sliders at the weights of ``form``; a sentence where its weights do not fit ``architecture_id``."""
    architecture = architectures()[architecture_id]
    try:
        weights = resolved(form, architecture_id)
    except (RecipeError, UnknownName) as error:
        return f'<div class="tag-atelier-quiet">{words.escaped(str(error))}</div>'
    groups = "".join(
        f'<div class="tag-atelier-blocks-group"><h4>{words.escaped(title)}</h4>'
        + "".join(_slider(block, weights[block]) for block in blocks)
        + "</div>"
        for title, blocks in _groups(architecture)
    )
    return f'<div class="tag-atelier-blocks" data-tag-atelier-blocks>{groups}</div>'


def _groups(architecture: Architecture) -> list[tuple[str, list[str]]]:
    inputs = [block for block in architecture.unet if block.startswith("IN")]
    outputs = [block for block in architecture.unet if block.startswith("OUT")]
    middle = [block for block in architecture.unet if block.startswith("M")]
    others = [block for block in architecture.blocks if block not in architecture.unet]
    return [("Input blocks", inputs), ("Output blocks", outputs), ("Middle and others", middle + others)]


def _slider(block: str, weight: float) -> str:
    name, share = html.escape(block), min(100, max(0, round(100 * weight)))
    return (
        f'<label class="tag-atelier-block"><span>{name}</span><input type="range" min="0" max="1" step="0.01" '
        f'value="{weight:g}" data-block="{name}" style="--share:{share}%"><output>{weight:.2f}</output></label>'
    )
