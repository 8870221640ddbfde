"""A progress bar on the terminal that also hears Ctrl+C, and hosts for the commands that draw or merge."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tag_atelier.errors import CheckpointError, RequestError
from tag_atelier.language import Language, system_language, tell
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


def chosen_language(given: Any) -> Language:
    """What ``--language`` names; the system's where the command has no such option, or was told ``auto``."""
    chosen: Language | Literal["auto"] = getattr(given, "language", "auto")
    return system_language() if chosen == "auto" else chosen


def data_folder() -> Path:
    """Where the command line keeps its data: $TAG_ATELIER_DATA, else ``tag-atelier-data`` in the working folder."""
    return Path(os.environ.get("TAG_ATELIER_DATA", "tag-atelier-data"))


def embedded_host(checkpoints: Path, taggers: Path | None, data: Path, device: str | None = None) -> Host:
    """Our own host on a folder of checkpoints. ``device`` is torch's name of one ("cuda:1"); None for the first GPU, if any.

    Raises:
        CheckpointError: the folder is not there.
    """
    if not checkpoints.is_dir():
        raise CheckpointError(
            "There is no folder '{checkpoints}'; expected one of .safetensors files after --checkpoints.",
            checkpoints=checkpoints,
        )
    from tag_atelier.host.embedded import build

    return build(checkpoints, data, _tagger_folders(checkpoints, taggers), device)


def add_remote_options(command: Any) -> None:
    """The options that name other machines to draw on; see ``other_machines``."""
    add_login_options(command, "a WebUI started with --api; several share the work")
    command.add_argument("--fleet", metavar="ADDRESS", help="draw on all machines that have joined this fleet")
    add_certificates(command)


def add_login_options(command: Any, help_of_host: str) -> None:
    """A WebUI's address, given once or several times, and its login."""
    command.add_argument("--host", "--remote", metavar="URL", action="append", help=help_of_host)
    command.add_argument("--login", metavar="USER:PASSWORD", help="the --api-auth of those whose URL names none")


def add_certificates(command: Any) -> None:
    """Who is let into a fleet."""
    command.add_argument("--certificates", metavar="FOLDER", type=Path, help="ca.pem, cert.pem and key.pem of the fleet")


def other_machines(given: Any) -> Host | None:
    """The host that ``--fleet``, one ``--host`` or several of them name; None where there is neither.

    Raises:
        RequestError: both are given, or ``--login`` has no colon.
        HostError: an address is none or is given twice, or the fleet cannot be joined.
    """
    data, taggers = data_folder(), _tagger_folders(None, given.tagger)
    credentials = read_login(given.login)
    if given.fleet and given.host:
        raise RequestError("--fleet and --host are both given; give one, or let the WebUI join: fleet worker --host URL.")
    if given.fleet:
        from tag_atelier.host.fleet import build_of_fleet

        return build_of_fleet(given.fleet, data, taggers, given.certificates)
    if given.host and len(given.host) > 1:
        from tag_atelier.host.fleet import build_of_webuis

        return build_of_webuis(given.host, data, taggers, credentials)
    if given.host:
        from tag_atelier.host.remote import build

        return build(given.host[0], data, taggers, credentials)
    return None


def read_login(login: str | None) -> tuple[str, str] | None:
    """User and password of ``--login``. Raises RequestError without a colon between them."""
    if login is not None and ":" not in login:
        raise RequestError("--login has no ':'; expected USER:PASSWORD.")
    user, _, password = (login or "").partition(":")
    return (user, password) if login else None


def _tagger_folders(checkpoints: Path | None, taggers: Path | None) -> tuple[Path, ...]:
    if taggers is not None:
        return (taggers,)
    beside = (checkpoints / "tagger",) if checkpoints is not None else ()
    return (*beside, data_folder() / "tagger")
