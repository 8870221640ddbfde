"""Installs an optional package by a click, with ``install.py``'s own constraints. Called by ``jobs.studies``."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tag_atelier.errors import HostError
from tag_atelier.language import found_again
from tag_atelier.ports import Progress
from tag_atelier.settings import EXTENSION_FOLDER

INSTALLER = (sys.executable, "-X", "utf8", str(EXTENSION_FOLDER / "install.py"))


def is_there(package: str) -> bool:
    """Whether ``package`` can be imported; nothing is."""
    importlib.invalidate_caches()
    return importlib.util.find_spec(package) is not None


def install(extra: str, package: str, progress: Progress, installer: Sequence[str] = INSTALLER) -> Mapping[str, object]:
    """Let ``install.py`` add ``extra`` to this Python, in which every other package stays as it is: ``{said}``.

    Raises:
        HostError: pip could not be started or refused, or ``package`` is still missing afterwards.
    """
    progress.begin(1, f"pip install {package}")
    try:
        done = subprocess.run(
            [*installer, extra],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        sentence = "pip could not be started ({reason}); install '{package}' by hand."
        raise HostError(sentence, reason=str(error), package=package) from error
    said = [line for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    if done.returncode or not is_there(package):
        if said:
            raise HostError(found_again(said[-1]))
        sentence = "'{package}' could not be installed; pip ended with {status}."
        raise HostError(sentence, package=package, status=done.returncode)
    progress.advance(1)
    return {"said": said[-1] if said else ""}
