"""A run packed to be given away: report, model card, tables, verdicts, small pictures; without this machine's paths."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

PACKED = (
    "report.html", "report.md", "results.csv", "results.json", "sheet.png", "grid.png", "mosaic.png", "verdicts.json",
    "card.md",
)  # fmt: skip
FOLDERS = ("thumbs", "card")
_TEXT = (".html", ".md", ".csv", ".json")
_ABSOLUTE = re.compile(
    r"""(?<![\w/:.<])(?:[A-Za-z]:(?:\\\\|\\|/)|/(?=(?:home|root|Users|mnt|media|opt|srv|tmp|var|workspace|work|data|content|kaggle)/))"""
    r"""[^\s"'<>|*?:;,&]*(?:\\\\|\\|/)"""
)
"""The folder part of an absolute path on Windows, Linux, macOS, Colab or Kaggle."""
_OWN_MACHINE = re.compile(
    r"(https?://)(?:localhost|[\w-]+\.local|\[[0-9a-fA-F:]+\]|(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3})(?::\d+)?"
)
"""The address of a machine of this network, as a lost WebUI's error names it."""


def export(run: Path, target: Path, private: Collection[Path] = ()) -> Path:
    """Write the zip ``target`` from the report's files in ``run`` and return it. Full-size pictures stay at home.

    Args:
        private: folders whose names must not get out, besides everything that looks like an absolute path.

    Raises:
        OSError: the zip cannot be written; an older one stays until the new one is whole.
    """
    beside = target.with_name(target.name + ".tmp")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in _files(run):
                name = f"{run.name}/{path.relative_to(run).as_posix()}"
                if path.suffix in _TEXT:
                    archive.writestr(name, without_paths(path.read_text(encoding="utf-8"), private).encode("utf-8"))
                else:
                    archive.write(path, name, zipfile.ZIP_STORED)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def without_paths(text: str, private: Collection[Path] = ()) -> str:
    r"""``text`` with the folders of absolute paths and the addresses of one's own network taken out; file names stay.

    >>> without_paths("could not read '/home/ann/models/a.safetensors' or C:\\Users\\ann\\b.png")
    "could not read 'a.safetensors' or b.png"
    >>> without_paths("http://192.168.0.7:7860 cannot be reached; see https://example.com/help")
    'http://… cannot be reached; see https://example.com/help'
    """
    for folder in sorted((str(path) for path in private), key=len, reverse=True):
        for form in {folder, folder.replace("\\", "\\\\"), folder.replace("\\", "/")}:
            text = text.replace(form, "…") if len(form) > 3 else text
    return _OWN_MACHINE.sub(r"\1…", _ABSOLUTE.sub("", text))


def _files(run: Path) -> Iterator[Path]:
    yield from (run / name for name in PACKED if (run / name).is_file())
    for folder in FOLDERS:
        yield from sorted(path for path in (run / folder).glob("*") if path.is_file() and path.suffix != ".tmp")
