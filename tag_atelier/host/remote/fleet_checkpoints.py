"""The checkpoints that several WebUIs have in common, as one ``CheckpointCatalogue``. Used by ``host.remote``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from tag_atelier.errors import HostError, TagAtelierError, UnknownName, say
from tag_atelier.host.remote.fleet import Machine
from tag_atelier.ports import Checkpoint

logger = logging.getLogger(__name__)


class FleetCheckpoints:
    """Implements ``ports.CheckpointCatalogue``: names and titles are the first machine's."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self._machines = tuple(machines)

    def list(self) -> Sequence[Checkpoint]:
        """Those that every machine has, by name."""
        return [found for found in self._machines[0].checkpoints.list() if not self._lacking(found)]

    def resolve(self, name: str) -> Checkpoint:
        """As on the first machine. Raises UnknownName where it or another machine has none."""
        found = self._machines[0].checkpoints.resolve(name)
        lacking = self._lacking(found)
        if lacking:
            known = [checkpoint.name for checkpoint in self.list()]
            remedy = say("{machine} lacks it: copy it there, or leave it out.", machine=lacking[0].name)
            raise UnknownName("checkpoint", name, known, remedy=remedy)
        return found

    def identify(self, checkpoint: Checkpoint) -> str:
        """The first machine's. Raises HostError where another machine's file of that name is another one."""
        first = self._machines[0].checkpoints.identify(checkpoint)
        for machine in self._machines[1:]:
            identity = machine.checkpoints.identify(machine.find(checkpoint))
            if not (identity.startswith(first) or first.startswith(identity)):
                raise HostError(
                    "'{name}' is another file on {machine} ({hash}) than on {other} ({other_hash}); copy the same file to "
                    "both.",
                    name=checkpoint.name,
                    machine=machine.name,
                    hash=identity[:10],
                    other=self._machines[0].name,
                    other_hash=first[:10],
                )
        return first

    def load(self, checkpoint: Checkpoint) -> None:
        """Choose it on every machine that answers. Raises HostError where none does."""
        errors: list[TagAtelierError] = []
        for machine in self._machines:
            try:
                machine.checkpoints.load(machine.find(checkpoint))
            except TagAtelierError as error:
                logger.warning("could not load '%s' on %s: %s", checkpoint.name, machine.name, error)
                errors.append(error)
        if len(errors) == len(self._machines):
            raise errors[0]

    def loaded(self) -> Checkpoint | None:
        """What is chosen on every machine that answers; None where they differ. Raises HostError where none answers."""
        found: dict[str, Checkpoint | None] = {}
        errors: list[HostError] = []
        for machine in self._machines:
            try:
                chosen = machine.checkpoints.loaded()
            except HostError as error:
                errors.append(error)
                continue
            found.setdefault(chosen.name if chosen else "", chosen)
        if not found:
            raise errors[0]
        return next(iter(found.values())) if len(found) == 1 else None

    def refresh(self) -> None:
        """Let every machine read its folders again."""
        for machine in self._machines:
            machine.checkpoints.refresh()

    def output_folder(self) -> Path:
        """There is none on this machine. Raises HostError."""
        return self._machines[0].checkpoints.output_folder()

    def _lacking(self, checkpoint: Checkpoint) -> Sequence[Machine]:
        return [machine for machine in self._machines[1:] if not _has(machine, checkpoint)]


def _has(machine: Machine, checkpoint: Checkpoint) -> bool:
    try:
        machine.find(checkpoint)
    except UnknownName:
        return False
    return True
