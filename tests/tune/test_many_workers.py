"""Two workers on one storage, one of them killed in the middle of a candidate: nothing is lost, nothing counted twice."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from tag_atelier.tune import ledger
from tag_atelier.tune.book import Page
from tag_atelier.tune.overview import overview
from tag_atelier.tune.worker import Worker
from tests.fakes import FakeProgress
from tests.tune.planted import PlantedPainter, planted_book, planted_plans, planted_spec

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_S = 120.0


def start_worker(storage: str, folder: Path, marker: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, str(ROOT / "tests" / "tune" / "planted_worker.py"), storage, str(folder), str(marker)]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def work_beside_one_that_is_killed(storage: str, ours: Path, theirs: Path, marker: Path) -> Page:
    """Draw until the other worker stands still in a candidate; kill it; go on to the end."""
    killed = threading.Event()
    other = start_worker(storage, theirs, marker)

    def kill() -> None:
        begun = time.monotonic()
        while not marker.exists() and time.monotonic() - begun < LONGEST_S and other.poll() is None:
            time.sleep(0.05)
        other.kill()
        other.wait()
        killed.set()

    def wait(name: str) -> None:
        if "search-" in name:
            assert killed.wait(LONGEST_S), "the other worker never came to a candidate"

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        spec = planted_spec(trials=14, storage=storage)
        book = planted_book(spec, ours)
        Worker(book, planted_plans(spec), PlantedPainter(before=wait), ours).work(FakeProgress())
    finally:
        thread.join()
    assert marker.exists(), "the other worker ended before it was killed"
    return book.read()


def check(page: Page, killed_in: str) -> None:
    names = Counter(each.slot for found in page.attempts.values() for each in found if each.state == "finished")
    wanted = ["parent-1", "parent-2", *(f"search-1-{i}" for i in range(1, 9)), *(f"search-2-{i}" for i in range(1, 5))]
    assert {name: names[name] for name in wanted} == dict.fromkeys(wanted, 1)
    assert set(names.values()) == {1} and page.next_slot() is None
    status = overview(page, {})
    assert [trial.number for trial in status.trials if trial.number] == list(range(1, 15))
    lost = [trial for trial in status.trials if trial.state == "lost"]
    assert killed_in in [trial.candidate for trial in lost]
    assert status.finished_trials == 14 and status.phase == "done"


def test_on_a_journal_file_in_one_folder(tmp_path: Path) -> None:
    marker = tmp_path / "begun"
    page = work_beside_one_that_is_killed(str(tmp_path / "study.log"), tmp_path / "w", tmp_path / "w", marker)
    check(page, marker.read_text(encoding="utf-8").removeprefix("planted: "))


def test_on_a_journal_file_from_two_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PATIENCE_S", 1.0)  # of this process only: how long the other's silence is borne
    marker = tmp_path / "begun"
    page = work_beside_one_that_is_killed(str(tmp_path / "study.log"), tmp_path / "a", tmp_path / "b", marker)
    check(page, marker.read_text(encoding="utf-8").removeprefix("planted: "))


@pytest.fixture
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database server of our own, on this machine only."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "/nowhere").parent]
    if not (programs[-1] / "initdb").exists():
        pytest.skip("PostgreSQL is not installed here")
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("psycopg2 is not installed here")
    folder = tmp_path_factory.mktemp("postgresql")
    folder.chmod(0o777)
    for parent in folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    as_user = ["runuser", "-u", "postgres", "--"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    commands = [
        ["initdb", "-D", str(data), "-U", "atelier", "-A", "trust", "--no-sync"],
        ["pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", f"-p {port} -k {folder} -h 127.0.0.1", "start"],
    ]
    for name, *rest in commands:
        ended = subprocess.run([*as_user, str(programs[-1] / name), *rest], cwd=folder, capture_output=True, text=True)
        if ended.returncode:
            pytest.skip(f"PostgreSQL does not start here: {ended.stderr[-200:]}")
    yield f"postgresql://atelier@127.0.0.1:{port}/postgres"
    stop = [*as_user, str(programs[-1] / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
    subprocess.run(stop, cwd=folder, capture_output=True, check=False)


def test_on_postgresql_from_two_machines(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PATIENCE_S", 1.0)
    marker = tmp_path / "begun"
    page = work_beside_one_that_is_killed(postgresql, tmp_path / "a", tmp_path / "b", marker)
    check(page, marker.read_text(encoding="utf-8").removeprefix("planted: "))
