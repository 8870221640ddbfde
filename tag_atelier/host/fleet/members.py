"""The machines of a fleet as the driver sees them: who is there, what they answer, who is left alone for a while."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tag_atelier import __version__
from tag_atelier.errors import HostError, TagAtelierError
from tag_atelier.host.fleet.engine import engine
from tag_atelier.host.fleet.machine import Answer, ask

logger = logging.getLogger(__name__)

RETRY_S: Final = 60.0
"""So long a machine that failed is left alone while others can draw."""
JOIN_S: Final = 20.0
"""How long a fleet may have no machine at all."""
STOP_S: Final = 12.0
"""How long machines may take to stop after a cancel."""
POLL_S: Final = 0.2
LOST: Final = (OSError, TimeoutError, asyncio.TimeoutError)
"""What the engine raises over a connection; the last two are one from Python 3.11 on."""


class Members:
    """All that the driver has to do with the engine. Connects when it is first asked; safe to use from several threads."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._client: Any = None
        self._connecting = threading.Lock()
        self._refused: dict[tuple[str, str], float] = {}

    @contextmanager
    def _reached(self) -> Iterator[Any]:
        """The engine's client. Raises HostError where the fleet cannot be reached, or no longer."""
        try:
            with self._connecting:
                if self._client is None or self._client.status in ("closing", "closed"):
                    self._client = self._connect()
            yield self._client
        except LOST as error:
            raise unreachable(error) from error

    def addresses(self) -> Sequence[str]:
        """Of all machines that are there now, as the engine knows them.

        Raises:
            HostError: the fleet cannot be reached, or there has been no machine in it for ``JOIN_S``.
        """
        until = time.monotonic() + JOIN_S
        while not (found := self._present()):
            if time.monotonic() > until:
                raise HostError("There is no machine in the fleet; start one: python -m tag_atelier fleet worker ADDRESS.")
            time.sleep(POLL_S)
        return found

    def _present(self) -> Sequence[str]:
        with self._reached() as client:
            return sorted(client.nthreads())

    def submit(self, addresses: Collection[str] | None, method: str, *arguments: object) -> Any:
        """The engine's future of an ``Answer``, from one of ``addresses``, or from any machine, also one that joins later."""
        with self._reached() as client:
            return client.submit(ask, __version__, method, *arguments, workers=addresses, pure=False)

    def ask_all(self, method: str, *arguments: object) -> Sequence[Answer]:
        """What each machine answers, by their names; at least one answer. Raises what the first says where all fail."""
        asked = {address: self.submit([address], method, *arguments) for address in self.addresses()}
        answers = sorted((self._wait(address, future) for address, future in asked.items()), key=_by_name)
        told = [answer.error for answer in answers if answer.error is not None]
        if len(told) == len(answers):
            raise told[0]
        return answers

    def _wait(self, address: str, future: Any) -> Answer:
        while not future.done():
            if address not in self.addresses():
                future.cancel()
                break
            time.sleep(POLL_S / 10)
        return read(future, address)

    def is_refused(self, address: str, checkpoint: str) -> bool:
        """Whether the machine is left alone with this checkpoint now."""
        return time.monotonic() - self._refused.get((address, checkpoint), -RETRY_S) < RETRY_S

    def refuse(self, addresses: Iterable[str], checkpoint: str) -> None:
        """Leave machines alone with this checkpoint for a while."""
        self._refused.update(((address, checkpoint), time.monotonic()) for address in addresses)

    def ready(self, checkpoint: str, without: Collection[str] = ()) -> Sequence[str]:
        """Machines to draw with: those that did not fail lately, or all where all of them did; never those of ``without``."""
        present = [address for address in self.addresses() if address not in without]
        return [address for address in present if not self.is_refused(address, checkpoint)] or present

    def take_back(self, futures: Iterable[Any]) -> None:
        """Work that is wanted no more; whoever has it stops."""
        with self._reached() as client:
            client.cancel(list(futures), force=True)

    def settle(self) -> None:
        """Wait until the machines, each of which does one thing at a time, have let go of what was taken back."""
        with self._reached() as client:
            settled = [client.submit(time.monotonic, workers=[address], pure=False) for address in client.nthreads()]
            until = time.monotonic() + STOP_S
            while not all(future.done() for future in settled) and time.monotonic() < until:
                time.sleep(POLL_S / 10)
            client.cancel(settled)

    def holding(self) -> Mapping[str, Collection[str]]:
        """Machine → keys of the futures that are with it."""
        with self._reached() as client:
            held: Mapping[str, Collection[str]] = client.processing()
            return held

    def close(self) -> None:
        """Leave the fleet; one inside this process ends."""
        with self._connecting:
            client, self._client = self._client, None
        if client is not None:
            cluster = client.cluster
            client.close()
            if cluster is not None:
                cluster.close()


def _by_name(answer: Answer) -> tuple[int, str]:
    return (answer.machine, "") if isinstance(answer.machine, int) else (0, answer.machine)


def read(future: Any, address: str = "") -> Answer:
    """The answer of a future that is done, or the error in its place where a machine or the engine was lost."""
    error: TagAtelierError
    if future.status == "finished":
        try:
            answer: Answer = future.result(timeout=STOP_S)
            return answer
        except LOST as lost:
            error = unreachable(lost)
    elif future.status == "error":
        found = future.exception()
        if isinstance(found, engine().KilledWorker):
            error = HostError("Several machines in a row were lost over the same picture; see their consoles.")
        else:
            error = HostError("The fleet failed: {reason}.", reason=f"{type(found).__name__}: {found}")
    else:
        error = HostError("The fleet's meeting point, or the machine that was asked, is gone; start it again.")
    return Answer("", address or "?", address, error=error)


def unreachable(error: Exception) -> HostError:
    """The sentence of a fleet that does not answer."""
    return HostError(
        "The fleet cannot be reached ({reason}); does python -m tag_atelier fleet scheduler run there?",
        reason=str(error) or type(error).__name__,
    )
