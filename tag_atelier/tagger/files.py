"""Which files make a tagger: one folder with an .onnx and a label file. Used by ``tagger`` only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL = "model.onnx"
LABELS = "selected_tags.csv"
LABEL_NAMES = (LABELS, "tags.csv", "labels.csv", "classes.json", "tag_mapping.json", "metadata.json", "labels.txt")
RECORD = "download.json"
"""Written beside a tagger that we fetched: where from, how large, SHA-256."""


@dataclass(frozen=True)
class TaggerFiles:
    """The two files of a tagger, and its folder's name."""

    name: str
    model: Path
    labels: Path


def find_all(folders: Sequence[str | Path]) -> list[TaggerFiles]:
    """Every tagger in ``folders`` or one level below, by folder and name; the first of a name wins."""
    found: dict[str, TaggerFiles] = {}
    for folder in map(Path, folders):
        if not folder.is_dir():
            continue
        for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
            files = read_folder(candidate)
            if files is not None:
                found.setdefault(files.name, files)
    return list(found.values())


def read_folder(folder: Path) -> TaggerFiles | None:
    """The tagger in ``folder`` itself, or None where model or labels are missing."""
    models = sorted(folder.glob("*.onnx"))
    labels = [folder / name for name in LABEL_NAMES if (folder / name).is_file()]
    labels = labels or [
        path for ending in ("*.csv", "*_tag_mapping.json", "*metadata.json") for path in sorted(folder.glob(ending))
    ]
    if not models or not labels:
        return None
    preferred = folder / MODEL
    return TaggerFiles(folder.name, preferred if preferred in models else models[0], labels[0])
