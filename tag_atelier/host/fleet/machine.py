"""One machine of a fleet, and what it is asked to do. Runs where the machine is; the driver only names these functions."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from tag_atelier import __version__
from tag_atelier.errors import HostError, TagAtelierError, UnknownName, say
from tag_atelier.host.fleet.engine import engine
from tag_atelier.ports import Checkpoint, Host, RenderedImage, RenderRequest, SamplingParameters

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One picture to draw."""

    checkpoint: Checkpoint
    """Without its path, which means nothing on another machine."""
    identity: str
    """SHA-256 of its file, or the beginning of it."""
    request: RenderRequest
    parameters: SamplingParameters


@dataclass(frozen=True)
class Answer:
    """What a machine says: a value, or the error that kept it from one."""

    machine: int | str
    """Its name: the number of a WebUI that was named by its address, from 1, or what a worker calls itself."""
    label: str
    """The same for people: an address without credentials, or the name."""
    address: str
    """By which the engine knows it."""
    value: object = None
    error: TagAtelierError | None = None


class Wanted:
    """Implements ``ports.Progress`` for the task under way: cancelled once the engine wants it no more.

    So a machine hears of a cancel and of a driver that is gone alike, within a tenth of a second.
    """

    def __init__(self) -> None:
        worker = engine().get_worker()
        self._tasks, self._key = worker.state.tasks, worker.get_current_task()

    def begin(self, total: int, text: str = "") -> None:
        """Nobody watches a single picture."""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Nobody watches a single picture."""

    @property
    def cancelled(self) -> bool:
        """Whether the picture is wanted no more."""
        task = self._tasks.get(self._key)
        return task is None or task.state in ("cancelled", "resumed")


class Machine:
    """A host that draws for a fleet: a WebUI by its address, or our own on a GPU."""

    def __init__(self, name: int | str, label: str, host: Host) -> None:
        self.name, self.label = name, label
        self._host = host
        self._found: dict[tuple[str, str], Checkpoint] = {}

    def draw(self, order: Order) -> RenderedImage:
        """One picture, drawn by itself, as every machine draws it. ``used`` holds this machine's name.

        Raises:
            Cancelled: it is wanted no more, or somebody at the WebUI interrupted it.
            UnknownName: this machine lacks the checkpoint.
            HostError: its file of that name is another one, or the host failed.
        """
        images: list[RenderedImage] = []
        own = self.find(order.checkpoint, order.identity)
        with self._host.exclusive() if self._host.exclusive is not None else nullcontext():
            self._host.sampler.render([order.request], order.parameters, own, images.append, Wanted())
        if not images:
            raise HostError("{machine} delivered no image; see its console.", machine=self.label)
        found = images[0]
        name = order.checkpoint.name if found.checkpoint in (own.name, own.title) else found.checkpoint
        return dataclasses.replace(found, checkpoint=name, used={**found.used, "machine": self.name})

    def find(self, checkpoint: Checkpoint, identity: str) -> Checkpoint:
        """This machine's entry for the file that another machine lists: by a hash that is known already, else by name.

        Raises:
            UnknownName: it has none.
            HostError: its file of that name is another one.
        """
        key = (checkpoint.title, identity)
        if key not in self._found:
            own = self._own(checkpoint, identity)
            if not same_file(self._host.checkpoints.identify(own), identity):
                raise HostError(
                    "'{name}' is another file on {machine}; copy the same file to all.", name=own.name, machine=self.label
                )
            self._found[key] = own
        return self._found[key]

    def _own(self, checkpoint: Checkpoint, identity: str) -> Checkpoint:
        # A file that was never hashed is not read for its hash: there may be a hundred of them.
        listed = self._host.checkpoints.list()
        for found in listed:
            if found.sha256 and identity and same_file(found.sha256, identity):
                return found
        for name in (checkpoint.title, checkpoint.name):
            try:
                return self._host.checkpoints.resolve(name)
            except UnknownName:
                continue
        remedy = say("{machine} lacks it: copy it there, or leave it out.", machine=self.label)
        raise UnknownName("checkpoint", checkpoint.name, [found.name for found in listed], remedy=remedy)

    def list(self) -> Sequence[Checkpoint]:
        """What it has."""
        return [portable(found) for found in self._host.checkpoints.list()]

    def resolve(self, name: str) -> Checkpoint:
        """Its entry for a name, title or hash. Raises UnknownName."""
        return portable(self._host.checkpoints.resolve(name))

    def identify(self, checkpoint: Checkpoint) -> str:
        """SHA-256 of its own file of that checkpoint, or the beginning of it. Raises UnknownName."""
        return self._host.checkpoints.identify(self._own(checkpoint, checkpoint.sha256 or ""))

    def load(self, checkpoint: Checkpoint, identity: str) -> None:
        """Make it the loaded model. Raises as ``find``."""
        self._host.checkpoints.load(self.find(checkpoint, identity))

    def loaded(self) -> Checkpoint | None:
        """What is loaded."""
        found = self._host.checkpoints.loaded()
        return portable(found) if found is not None else None

    def refresh(self) -> None:
        """Look through the folders again."""
        self._found.clear()
        self._host.checkpoints.refresh()


def same_file(one: str, other: str) -> bool:
    """Whether two hashes, either of them perhaps cut short, are of the same file."""
    return one.startswith(other) or other.startswith(one)


def portable(checkpoint: Checkpoint) -> Checkpoint:
    """``checkpoint`` as another machine may hear of it."""
    return dataclasses.replace(checkpoint, path=None)


def ask(version: str, method: str, *arguments: object) -> Answer:
    """What this process's machine answers; the task that the engine carries here. ``version`` is the asking driver's."""
    worker = engine().get_worker()
    machine: Machine = worker.machine
    value, error = None, None
    try:
        if version != __version__:
            raise HostError(
                "{machine} runs Tag Atelier {theirs} and this is {ours}; install the same on both.",
                machine=machine.label,
                theirs=__version__,
                ours=version,
            )
        value = getattr(machine, method)(*arguments)
    except TagAtelierError as found:
        error = found
    except Exception as found:  # the outermost boundary on this machine: a driver elsewhere must hear of it
        logger.exception("%s failed at '%s'", machine.label, method)
        error = HostError(
            "{machine} failed: {reason}; see its console.", machine=machine.label, reason=f"{type(found).__name__}: {found}"
        )
    return Answer(machine.name, machine.label, worker.address, value, error)
