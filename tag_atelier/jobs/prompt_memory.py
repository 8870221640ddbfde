"""What the prompt page remembers for its user: corrected tags, favourites, history, pins and chips switched off.

One JSON file in the data folder, written beside and renamed; a file that cannot be read is kept aside, never overwritten,
and one that a newer version wrote is left where it is.
Called by ``jobs.prompt_page``, ``jobs.prompts`` and, for corrections, by whatever asks for the catalogue.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tag_atelier.errors import RequestError, say
from tag_atelier.jobs.kept_files import Form, NewerFile
from tag_atelier.language import found_again

FILE_NAME = "prompt-memory.json"
FORM = Form(1, {}, "version")
LONGEST_HISTORY = 200
MOST_OF_A_KIND = 5_000

_LOG = logging.getLogger(__name__)
_EMPTY: Mapping[str, object] = {FORM.key: FORM.schema, "corrections": {}, "favourites": [], "history": [], "boxes": {}}


class PromptMemory:
    """The file and what it holds; safe to share between threads."""

    def __init__(self, folder: Path | None) -> None:
        """``folder``: the user's data folder; None keeps everything in memory only."""
        self.path = folder / FILE_NAME if folder is not None else None
        self.problem = ""
        """One sentence when the file could not be read and was kept aside, or is a newer version's; empty otherwise."""
        self._lock = threading.RLock()
        self._read_at: int | None = None
        self._revision = 0
        self._newer: NewerFile | None = None
        self._value: dict[str, Any] = _copy(_EMPTY)

    def value(self) -> dict[str, Any]:
        """Everything, as plain values of the caller's own."""
        with self._lock:
            self._refresh()
            return _copy(self._value)

    @property
    def revision(self) -> int:
        """Rises with every change, by whomever it was made; for caches."""
        with self._lock:
            self._refresh()
            return self._revision

    def corrections(self) -> dict[str, dict[str, Any]]:
        """Canonical tag → ``{slot?, zh?, hidden?}``."""
        with self._lock:
            self._refresh()
            return _copy(self._value["corrections"])

    def box(self, name: str) -> dict[str, Any]:
        """``{"pins": […], "off": […]}`` of one text box."""
        with self._lock:
            self._refresh()
            return {"pins": [], "off": [], **_copy(self._value["boxes"].get(name, {}))}

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Let ``edit`` change the value, then store it.

        Raises:
            RequestError: it would hold more than ``MOST_OF_A_KIND`` of one kind.
            NewerFile: a newer version wrote what is stored.
            OSError: the file cannot be written; what was stored stays.
        """
        with self._lock:
            self._refresh()
            if self._newer is not None:
                raise self._newer
            value = _copy(self._value)
            edit(value)
            for kind in ("corrections", "favourites", "boxes"):
                if len(value[kind]) > MOST_OF_A_KIND:
                    sentence = "There are {count} {kind}; expected at most {most}, remove some first."
                    raise RequestError(sentence, count=len(value[kind]), kind=say(kind), most=MOST_OF_A_KIND)
            self._store(value)

    def change_box(self, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Let ``edit`` change the pins and switched-off chips of one text box, then store all."""

        def inside(value: dict[str, Any]) -> None:
            box = value["boxes"].setdefault(name, {})
            box.setdefault("pins", [])
            box.setdefault("off", [])
            edit(box)
            if not box["pins"] and not box["off"]:
                del value["boxes"][name]

        self.change(inside)

    def _store(self, value: dict[str, Any]) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_beside(self.path, FORM.render(value))
        self._value = value
        self._read_at = self._stamp()
        self._revision += 1

    def _stamp(self) -> int | None:
        try:
            return self.path.stat().st_mtime_ns if self.path is not None else None
        except FileNotFoundError:
            return None

    def _refresh(self) -> None:
        """Read the file again where another process changed it."""
        stamp = self._stamp()
        if self.path is None or stamp == self._read_at:
            return
        self._read_at = stamp
        self._revision += 1
        self._value, self._newer = _copy(_EMPTY), None
        if stamp is None:
            return
        try:
            self._value = _checked(FORM.parse(self.path.read_text(encoding="utf-8"), FILE_NAME))
        except NewerFile as error:
            self._newer, self.problem = error, error.said
        except (ValueError, RecursionError) as error:
            self._keep_aside(str(error))

    def _keep_aside(self, why: str) -> None:
        if self.path is None:
            return
        aside = self.path.with_name(f"{self.path.stem}.broken-{self._read_at}.json")
        self.path.replace(aside)
        self._read_at = None
        sentence = "'{name}' could not be read ({reason}); it was kept as '{aside}' and a new one begun."
        self.problem = say(sentence, name=FILE_NAME, reason=found_again(why), aside=aside.name)
        _LOG.warning("%s", self.problem)


def write_beside(path: Path, content: bytes) -> None:
    """Write ``content`` to a new file beside ``path``, then rename it: ``path`` is old or new, never half.

    Raises:
        OSError: it cannot be written; ``path`` is what it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _checked(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a file holds, in the shape that is promised; anything else in it is refused as a whole."""
    whole = {**_copy(_EMPTY), **value}
    for kind, empty in _EMPTY.items():
        if not isinstance(whole[kind], type(empty)):
            raise ValueError(f"'{kind}' is no {type(empty).__name__}")
    if not all(isinstance(row, dict) for kind in ("corrections", "boxes") for row in whole[kind].values()):
        raise ValueError("a correction or box is no object")
    return whole


def _copy(value: Mapping[str, object]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(value))
    return copied
