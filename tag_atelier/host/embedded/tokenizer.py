"""Finds CLIP's tokenizer without a network. Used by ``model`` and for counting chunks."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from transformers import CLIPTokenizer
from transformers.utils import logging as transformers_logging

from tag_atelier.errors import HostError
from tag_atelier.world import miniature, tiny_checkpoints
from tag_atelier.world.clip_vocabulary import END_ID, START_ID, find_real_file, read_merges, write_tokenizer

logger = logging.getLogger(__name__)

FOLDER = "clip-tokenizer"
"""In the data folder: vocab.json and merges.txt of CLIP ViT-L/14, where a person put them or we found them."""
_HUB_NAME = "openai/clip-vit-large-patch14"


def find_tokenizer(checkpoint_folder: Path, data_folder: Path) -> CLIPTokenizer:
    """The tokenizer beside the checkpoints (worlds made by code), in the data folder, the hub's cache, or an open_clip.

    Raises:
        HostError: there is none; the sentence says where to put one.
    """
    worlds = [checkpoint_folder / world.SUPPORT_FOLDER / "clip-l" for world in (miniature, tiny_checkpoints)]
    for folder in (*worlds, data_folder / FOLDER):
        if (folder / "vocab.json").is_file():
            return _load(str(folder))
    try:
        return _load(_HUB_NAME)
    except OSError:
        logger.debug("No CLIP tokenizer in the hub's cache.")
    merges = find_real_file()
    if merges is not None:
        return _load(str(write_tokenizer(data_folder / FOLDER, read_merges(merges))))
    raise HostError(
        "CLIP's tokenizer is not on this machine; put vocab.json and merges.txt of {name} into '{folder}'.",
        name=_HUB_NAME,
        folder=data_folder / FOLDER,
    )


@lru_cache(maxsize=4)
def _load(source: str) -> CLIPTokenizer:
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        tokenizer = CLIPTokenizer.from_pretrained(source, local_files_only=True)
    finally:
        transformers_logging.set_verbosity(level)
    if (tokenizer.bos_token_id, tokenizer.eos_token_id) != (START_ID, END_ID):
        raise HostError(
            "'{source}' is not CLIP's tokenizer: its marks are not {start} and {end}.",
            source=source,
            start=START_ID,
            end=END_ID,
        )
    return tokenizer
