"""What the values of menus mean, for the script that shows them in the reader's language. The values stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tag_atelier.prompt.lanes import SLOT_NAMES

MENU_WORDS: Mapping[str, str] = {
    "none": "none",
    "auto": "chosen automatically",
    "keep": "number format of model A",
    "own": "as the YAML says",
    "automatic": "by the checkpoint",
    "default": "the family's own",
    "first": "of the first model",
    "searched": "searched too",
    "eight": "eight parts of the UNet",
    "eleven": "eleven groups of blocks",
    "blocks": "each block alone",
    "model": "the model as a whole",
    "tag": "what is varied: tag",
    "checkpoint": "what is varied: checkpoint",
    "seed": "what is varied: seed",
    "steps": "what is varied: steps",
    "cfg_scale": "what is varied: CFG scale",
    "sampler": "what is varied: sampler",
    "scheduler": "what is varied: scheduler",
    "width": "what is varied: width",
    "height": "what is varied: height",
    "network": "what is varied: network",
}
"""Value → a phrase that nothing else on a WebUI's page says, for its translation would be put there too."""


def menu_table() -> str:
    """JSON object of ``words`` and ``slots``: value → English phrase, whose translation the script has."""
    return json.dumps({"words": dict(MENU_WORDS), "slots": dict(SLOT_NAMES)})
