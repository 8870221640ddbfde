"""The command line: ``python -m tag_atelier COMMAND``. Composes the rooms without a WebUI; heavy ones only when asked."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from tag_atelier import __version__
from tag_atelier.cli import demo, fleet, prompts, serve, tune, work
from tag_atelier.cli.progress import chosen_language
from tag_atelier.errors import Cancelled, TagAtelierError
from tag_atelier.language import Language, Said, say, tell


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(prog="tag_atelier", description="Write, measure and merge for anime checkpoints.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for room in (prompts, work, fleet, tune, serve, demo):
        room.add_commands(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 when a person can put it right, 2 for wrong usage, 130 when stopped."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            # Windows consoles default to the code page. What is no UTF-8 comes out as it went in.
            stream.reconfigure(encoding="utf-8", errors=errors)
    logging.basicConfig(level=os.environ.get("TAG_ATELIER_LOG", "WARNING"), format="%(levelname)s %(name)s: %(message)s")
    given = parser().parse_args(arguments)
    language = chosen_language(given)
    try:
        result = int(given.run(given))
        if sys.stdout is not None:
            sys.stdout.flush()
        return result
    except (Cancelled, KeyboardInterrupt) as stopped:
        _complain(say("Stopped. {reason}", reason=getattr(stopped, "said", "")), language)
        return 130
    except TagAtelierError as error:
        _complain(say("Error: {reason}", reason=error.said), language)
        return 1
    except ModuleNotFoundError as error:
        _complain(say("Error: the package '{name}' is missing; run: pip install -e .[embedded]", name=error.name), language)
        return 1
    except BrokenPipeError:
        _drop_output()  # the reader (head, less) has gone
        return 0
    except UnicodeError as error:
        _complain(say("Error: There is a character that is no Unicode ({error}); leave it out.", error=error), language)
        return 1
    except OSError as error:
        _drop_output()
        place = say("'{name}'", name=error.filename) if error.filename else say("A file or the output")
        reason = error.strerror or error
        _complain(
            say("Error: {place} could not be read or written ({reason}); name another.", place=place, reason=reason), language
        )
        return 1


def _complain(sentence: Said, language: Language) -> None:
    """Say on standard error why the command ends."""
    print(tell(sentence, language).strip(), file=sys.stderr)


def _drop_output() -> None:
    """Keep Python from failing once more when it flushes at exit what could not be written."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
