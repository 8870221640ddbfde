"""The real atelier on a host of fakes, for the tests of the prompt page: what its routes answer is what users get."""

from __future__ import annotations

from pathlib import Path

from tag_atelier.jobs.atelier import Atelier
from tag_atelier.settings import DEFAULTS
from tests.fakes import fake_host


def prompt_atelier(folder: Path, language: str = "en") -> Atelier:
    """An atelier whose data lie in ``folder`` and whose page speaks ``language``."""
    return Atelier(fake_host(folder), lambda: {**DEFAULTS, "language": language})
