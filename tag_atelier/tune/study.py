"""A search on disk: its spec, its trials in an Optuna storage, and the work on it. Used by jobs and the command line.

Reading a study needs no host; several workers, on one machine or on many, may work on it at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tag_atelier.ports import Host, Progress, Scorer
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tune.status import StudyStatus, Trial
from tag_atelier.tune.study_spec import StudySpec


@dataclass(frozen=True)
class Workplace:
    """What a worker draws and scores with."""

    host: Host
    scorer: Scorer
    catalogue: Catalogue


class Study:
    """One search in one folder: ``study.yaml``, pictures and previews of this machine, ``best.yaml`` at the end."""

    def __init__(self, spec: StudySpec, folder: Path) -> None:
        """Take the study in ``folder``; nothing is written before ``work``."""
        self.spec, self.folder = spec, folder

    @classmethod
    def open(cls, folder: Path) -> Study:
        """The study that lies in ``folder``. Raises SpecError where there is none."""
        raise NotImplementedError

    def cost(self, workplace: Workplace) -> Mapping[str, object]:
        """What the study will cost and can show, before it starts, as plain values.

        ``pictures`` (at most), ``pictures_per_trial`` (list, one per rung of the halving), ``trials``, ``search_tags``,
        ``validation_tags``, ``resolvable_difference`` (lift, 80 % power), ``dimensions``, ``seconds`` (None where this host
        has not drawn for a study yet), ``notes``.

        Raises:
            SpecError, RecipeError, UnknownName, CheckpointError: whatever would stop it later.
        """
        raise NotImplementedError

    def work(self, workplace: Workplace, progress: Progress) -> StudyStatus:
        """Start, resume or help with the study until it is done; the loaded model is restored whatever happens.

        Raises:
            Cancelled: paused: what is finished stays, ``work`` goes on from there.
            Busy: the loaded model is merged live.
            SpecError, RecipeError, UnknownName, CheckpointError: found before anything is drawn.
            HostError: the storage stayed away, or the host cannot draw or change its model.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End the search early, for all workers: what was tried so far is averaged, confirmed and validated."""
        raise NotImplementedError

    def trials(self) -> tuple[Trial, ...]:
        """All trials, finished first. Raises HostError where the storage cannot be reached."""
        raise NotImplementedError

    def best(self) -> str:
        """The answer's recipe as YAML, as of now. Raises SpecError before anything was searched."""
        raise NotImplementedError

    def status(self) -> StudyStatus:
        """Everything a door shows. Raises HostError where the storage cannot be reached."""
        raise NotImplementedError
