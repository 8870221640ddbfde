"""Finds the taggers on this machine and opens them as scorers. Loads without onnxruntime and numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tag_atelier.errors import Said, TaggerError, say, say_all
from tag_atelier.ports import Scorer
from tag_atelier.tagger.files import TaggerFiles, find_all

__all__ = ["find_tagger", "list_taggers"]


def list_taggers(folders: Sequence[str | Path]) -> list[str]:
    """Names of the taggers below ``folders``, in their order; nothing is opened."""
    return [files.name for files in find_all(folders)]


def find_tagger(folders: Sequence[str | Path], name: str = "", threads: int = 0, use_gpu: bool = False) -> Scorer:
    """Open the tagger called ``name``, or the first one where no name is given.

    Args:
        folders: each holds one folder per tagger, or is a tagger's folder itself.
        threads: CPU threads of the session; 0 lets onnxruntime decide.
        use_gpu: ask for a GPU; the scorer's ``note`` says where it got none.

    Raises:
        TaggerError: there is none, none of that name, onnxruntime is missing, or the files do not look like a tagger's.
    """
    found = find_all(folders)
    chosen = [files for files in found if files.name == name] if name else found
    if not chosen:
        raise TaggerError(_none_sentence(folders, name, found))
    from tag_atelier.tagger.onnx_tagger import OnnxTagger

    return OnnxTagger(chosen[0], threads=threads, use_gpu=use_gpu)


def _none_sentence(folders: Sequence[str | Path], name: str, found: Sequence[TaggerFiles]) -> Said:
    places = say_all([say("'{name}'", name=folder) for folder in folders]) if folders else say("any folder")
    if name and found:
        known = ", ".join(files.name for files in found)
        return say("There is no tagger '{name}' in {places}; expected one of: {known}.", name=name, places=places, known=known)
    wanted = say("No tagger '{name}' was", name=name) if name else say("No tagger was")
    return say(
        "{wanted} found in {places}; expected a folder there that holds model.onnx and selected_tags.csv, "
        "for example those of wd-swinv2-tagger-v3, or fetch one by a click on the Benchmark tab.",
        wanted=wanted,
        places=places,
    )
