"""The WebUI's styles through the doors: list them, put them into prompts, add one. Built by ``jobs.atelier``."""

from __future__ import annotations

import threading
from pathlib import Path

from tag_atelier.errors import PromptError, RequestError, UnknownName, Unsupported
from tag_atelier.jobs.prompt_memory import write_beside
from tag_atelier.jobs.values import read_flag, read_object, read_text, refuse_unknown
from tag_atelier.ports import PromptFiles
from tag_atelier.prompt.styles_csv import Style, apply_style, read_styles, with_style

_LARGEST_FILE = 20_000_000


class PromptStyles:
    """The styles files that the host is configured with; no other file is read or written."""

    def __init__(self, files: PromptFiles) -> None:
        self._files = files
        self._lock = threading.Lock()

    def list(self) -> dict[str, object]:
        """``{styles: [{name, prompt, negative, file}], files, problems}``; a file that cannot be read is a problem."""
        shown: list[dict[str, str]] = []
        problems: list[str] = []
        paths = self._files.styles()
        for path in paths:
            try:
                shown += [{**style._asdict(), "file": path.name} for style in read_styles(_content(path), path.name)]
            except (PromptError, OSError) as error:
                problems.append(str(error))
        return {"styles": shown, "files": [path.name for path in paths], "problems": problems}

    def put_in(self, request: object) -> dict[str, object]:
        """``{names, prompt?, negative?}`` → both prompts with the styles, as the WebUI merges them.

        Raises:
            UnknownName: there is no style of that name.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, ("names", "prompt", "negative"), "The request")
        names = values.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise RequestError("'names' is no list of strings; expected the names of styles.")
        known = {}
        for path in self._files.styles():
            known.update({style.name: style for style in read_styles(_content(path), path.name)})
        prompt, negative = read_text(values, "prompt", ""), read_text(values, "negative", "")
        for name in names:
            if name not in known:
                raise UnknownName("style", name[:100], list(known))
            prompt, negative = apply_style(known[name], prompt, negative)
        return {"prompt": prompt, "negative": negative}

    def save(self, request: object) -> dict[str, object]:
        """``{name, prompt, negative?, file?, replace?}`` → the style is added to a styles file; its other rows stay.

        Raises:
            PromptError: the name is taken or cannot be one, or the file is no styles file; nothing was changed.
            UnknownName: ``file`` is none of the WebUI's.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, ("name", "prompt", "negative", "file", "replace"), "The request")
        style = Style(read_text(values, "name"), read_text(values, "prompt"), read_text(values, "negative", ""))
        path = self._path(read_text(values, "file", ""))
        with self._lock:
            content = with_style(_content(path), style, path.name, read_flag(values, "replace", False))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_beside(path, content)
        self._files.styles_changed()
        return {"saved": style.name, "file": path.name}

    def _path(self, name: str) -> Path:
        paths = self._files.styles()
        if not paths:
            raise Unsupported("This host has no styles file; save styles in the WebUI.")
        if not name:
            return paths[0]
        chosen = next((path for path in paths if path.name == name), None)
        if chosen is None:
            raise UnknownName("styles file", name[:100], [path.name for path in paths])
        return chosen


def _content(path: Path) -> bytes:
    """The file's bytes; none where it does not exist yet."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            sentence = "'{name}' is larger than {most} bytes; expected a styles file."
            raise PromptError(sentence, name=path.name, most=_LARGEST_FILE)
        return path.read_bytes()
    except FileNotFoundError:
        return b""
