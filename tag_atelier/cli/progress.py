"""A progress bar on the terminal that also hears Ctrl+C, and hosts for the commands that draw or merge."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tag_atelier.errors import CheckpointError, RequestError
from tag_atelier.language import system_language, tell
from tag_atelier.ports import Host


class Bar:
    """Implements ``ports.Progress`` with tqdm."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._cancelled = False

    def begin(self, total: int, text: str = "") -> None:
        """Show a new bar of ``total`` steps."""
        from tqdm import tqdm

        self.close()
        self._bar = tqdm(total=total, desc=tell(text, system_language()) or None, file=sys.stderr, leave=True)

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Move it."""
        if self._bar is not None:
            if text:
                self._bar.set_description(tell(text, system_language()), refresh=False)
            self._bar.update(steps)

    @property
    def cancelled(self) -> bool:
        """Ctrl+C was pressed."""
        return self._cancelled

    def close(self) -> None:
        """Leave the finished bar on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def stop(self, *_signal: object) -> None:
        """Ask the work to stop at its next safe point; a second Ctrl+C ends at once."""
        self._cancelled = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def bar() -> Iterator[Bar]:
    """A bar for the time of one command; Ctrl+C cancels instead of tearing the work apart."""
    shown = Bar()
    before = signal.signal(signal.SIGINT, shown.stop)
    try:
        yield shown
    finally:
        signal.signal(signal.SIGINT, before)
        shown.close()


def data_folder() -> Path:
    """Where the command line keeps its data: $TAG_ATELIER_DATA, else ``tag-atelier-data`` in the working folder."""
    return Path(os.environ.get("TAG_ATELIER_DATA", "tag-atelier-data"))


def embedded_host(checkpoints: Path, taggers: Path | None, data: Path) -> Host:
    """Our own host on a folder of checkpoints.

    Raises:
        CheckpointError: the folder is not there.
    """
    if not checkpoints.is_dir():
        raise CheckpointError(
            "There is no folder '{checkpoints}'; expected one of .safetensors files after --checkpoints.",
            checkpoints=checkpoints,
        )
    from tag_atelier.host.embedded import build

    return build(checkpoints, data, _tagger_folders(checkpoints, taggers))


def add_remote_options(command: Any) -> None:
    """The options that name other WebUIs to draw on; see ``remote_host``."""
    command.add_argument(
        "--host", "--remote", metavar="URL", action="append", help="a WebUI started with --api; several share the work"
    )
    command.add_argument("--login", metavar="USER:PASSWORD", help="the --api-auth of those whose URL names none")


def remote_host(urls: Sequence[str], taggers: Path | None, data: Path, login: str | None) -> Host:
    """One or several WebUIs by their addresses; ``login`` is ``user:password`` of its ``--api-auth``.

    Raises:
        RequestError: ``login`` has no colon.
        HostError: one of ``urls`` is no address, or given twice.
    """
    if login is not None and ":" not in login:
        raise RequestError("--login has no ':'; expected USER:PASSWORD.")
    from tag_atelier.host.remote import build

    user, _, password = (login or "").partition(":")
    return build(urls, data, _tagger_folders(None, taggers), credentials=(user, password) if login else None)


def _tagger_folders(checkpoints: Path | None, taggers: Path | None) -> tuple[Path, ...]:
    if taggers is not None:
        return (taggers,)
    beside = (checkpoints / "tagger",) if checkpoints is not None else ()
    return (*beside, data_folder() / "tagger")
