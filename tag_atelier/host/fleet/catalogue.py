"""The checkpoints of a fleet's machines as one ``CheckpointCatalogue``. A machine that lacks one is not given its pictures."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tag_atelier.errors import HostError, UnknownName
from tag_atelier.host.fleet.machine import Answer, portable, same_file
from tag_atelier.host.fleet.members import Members
from tag_atelier.ports import Checkpoint

logger = logging.getLogger(__name__)


class FleetCheckpoints:
    """Implements ``ports.CheckpointCatalogue``: names and titles are those of the first machine that has the checkpoint."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._identities: dict[str, str] = {}

    def list(self) -> Sequence[Checkpoint]:
        """Those that any machine has, by name."""
        found: dict[str, Checkpoint] = {}
        for answer in self._members.ask_all("list"):
            for checkpoint in cast("Sequence[Checkpoint]", answer.value or ()):
                found.setdefault(checkpoint.name, checkpoint)
        return sorted(found.values(), key=lambda checkpoint: checkpoint.name.lower())

    def resolve(self, name: str) -> Checkpoint:
        """As on the first machine that has it. Raises UnknownName where none has it."""
        answers = self._members.ask_all("resolve", name)
        return cast(Checkpoint, self._having(answers, name)[0].value)

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256, or as much of it as a machine tells; asked for once.

        Raises:
            HostError: two machines have different files of that name.
        """
        if checkpoint.title not in self._identities:
            answers = self._having(self._members.ask_all("identify", portable(checkpoint)), checkpoint.name)
            best = max(answers, key=lambda answer: len(str(answer.value)))
            identity = str(best.value)
            other = next((answer for answer in answers if not same_file(str(answer.value), identity)), None)
            if other is not None:
                raise HostError(
                    "'{name}' is another file on {machine} ({hash}) than on {other} ({other_hash}); "
                    "copy the same file to both.",
                    name=checkpoint.name,
                    machine=other.label,
                    hash=str(other.value)[:10],
                    other=best.label,
                    other_hash=identity[:10],
                )
            self._identities[checkpoint.title] = identity
        return self._identities[checkpoint.title]

    def load(self, checkpoint: Checkpoint) -> None:
        """Choose it on every machine that can. Raises HostError or UnknownName where none can."""
        self._having(self._members.ask_all("load", portable(checkpoint), self.identify(checkpoint)), checkpoint.name)

    def loaded(self) -> Checkpoint | None:
        """What is chosen on every machine that answers; None where they differ. Raises HostError where none answers."""
        chosen = [cast("Checkpoint | None", answer.value) for answer in self._members.ask_all("loaded") if answer.error is None]
        names = {found.name if found else "" for found in chosen}
        return chosen[0] if len(names) == 1 else None

    def refresh(self) -> None:
        """Let every machine read its folders again."""
        self._identities.clear()
        self._members.ask_all("refresh")

    def output_folder(self) -> Path:
        """There is none on this machine. Raises HostError."""
        raise HostError("The folders of other machines cannot be written from here; merge on the machine that holds the files.")

    def _having(self, answers: Sequence[Answer], name: str) -> builtins.list[Answer]:
        """The answers without an error; the others' machines are given no pictures of it for a while."""
        lacking = [answer for answer in answers if answer.error is not None]
        for answer in lacking:
            reason = "it lacks the checkpoint" if isinstance(answer.error, UnknownName) else str(answer.error)
            logger.warning("%s draws nothing with '%s': %s", answer.label, name, reason)
        self._members.refuse([answer.address for answer in lacking], name)
        return [answer for answer in answers if answer.error is None]
