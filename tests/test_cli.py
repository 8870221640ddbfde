"""The command line as a stranger uses it: one sentence and an exit code for whatever goes wrong, never a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tag_atelier.cli import main

MESSY = "blue eyes, smile, 1girl"
SORTED = "1girl, smile, blue eyes"


def program(*arguments: str | bytes, folder: Path, **how: object) -> subprocess.CompletedProcess[bytes]:
    """``python -m tag_atelier`` as a process of its own, in ``folder``."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "tag_atelier", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, timeout=120, **how)  # type: ignore[call-overload, no-any-return]


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence of a command that ends with 1."""
    assert main(arguments) == 1
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.endswith("it/s]")]
    assert (shown.out, len(lines)) == ("", 1), shown.err
    return lines[0]


def test_arrange_prints_the_prompt_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arrange", MESSY]) == 0
    assert capsys.readouterr().out == SORTED + "\n"


def test_arrange_reads_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(MESSY + "\n"))
    assert main(["arrange"]) == 0
    assert capsys.readouterr().out == SORTED + "\n"


def test_arrange_says_in_a_sentence_why_nothing_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arrange", "\x00,1girl"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "\x00,1girl\n"
    assert shown.err.startswith("Not sorted: ") and shown.err.endswith(".\n")


def test_lint_prints_one_finding_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "1girl, (smile"]) == 0
    assert capsys.readouterr().out.startswith("7-8\terror\tunbalanced\tThe '(' is never closed")


def test_slots_prints_tag_slot_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slots", "white hair", "forest"]) == 0
    assert [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["white hair", "main_char"],
        ["forest", "main_env"],
    ]


def test_an_unknown_profile_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "arrange", MESSY, "--profile", "nope").startswith(
        "Error: Unknown profile 'nope'; expected one of: aidxl"
    )


def test_closed_standard_input_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    for command in ("arrange", "lint", "slots"):
        assert "standard input is closed" in failure(capsys, command)


@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX only")
def test_bytes_that_are_no_utf8_come_out_as_they_went_in(tmp_path: Path) -> None:
    prompt = b"blue \xff eyes, 1girl"
    piped = program("arrange", folder=tmp_path, input=prompt, stdout=subprocess.PIPE)
    given = program("arrange", prompt, folder=tmp_path, stdout=subprocess.PIPE)
    expected = b"1girl, blue \xff eyes\n"
    assert (piped.returncode, piped.stdout, given.returncode, given.stdout) == (0, expected, 0, expected), piped.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_the_output_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = program("arrange", MESSY, folder=tmp_path, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: ") and ended.stderr.count(b"\n") == 1, ended.stderr


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = program("slots", "forest", folder=tmp_path, stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_serve_says_when_it_cannot_listen(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    assert failure(capsys, "serve", "--port", "99999").startswith("Error: Cannot listen on 127.0.0.1:99999 (")
    assert failure(capsys, "serve", "--listen", "not an address").startswith("Error: Cannot listen on not an address:7861 (")
