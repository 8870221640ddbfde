"""Which names a person may give to a file that we write. Used by merges and their saved recipes."""

from __future__ import annotations

import re

from tag_atelier.errors import RecipeError

_FILE_NAME = re.compile(r"[^\x00-\x1f<>:\"/\\|?*.\ud800-\udfff][^\x00-\x1f<>:\"/\\|?*\ud800-\udfff]{0,120}")
"""A name that every file system takes, without a folder in it."""
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever follows the dot."""
_LONGEST_NAME = 200
"""Bytes in UTF-8; most file systems take 255, and what is written beside the file has a longer name."""


def plain_name(name: str) -> str:
    """``name`` when every file system takes it. Raises RecipeError when it holds a folder, or is none."""
    if not _FILE_NAME.fullmatch(name) or name.endswith((" ", ".")) or len(name.encode()) > _LONGEST_NAME:
        sentence = "'{name}' is no file name; expected a short one of letters, digits, spaces, '-', '_' and no folder."
        raise RecipeError(sentence, name=name)
    if _DEVICE.fullmatch(name):
        raise RecipeError("'{name}' is a device's name on Windows; choose another one.", name=name)
    return name
