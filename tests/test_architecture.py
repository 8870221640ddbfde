"""The house's rules that no tool checks: sizes, portability, no prints, presets that load, files that say what they own."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tag_atelier"
ENTRY = ROOT / "scripts" / "tag_atelier.py"
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "install.py", ROOT / "noxfile.py"])
MAY_PRINT = (PACKAGE / "cli", ROOT / "install.py")

POSIX_ONLY = {
    "os": {
        "chown", "fork", "forkpty", "getpgid", "getpgrp", "getuid", "geteuid", "kill", "killpg", "mkfifo", "nice", "pread",
        "posix_fadvise", "posix_fallocate", "preadv", "pwrite", "sched_getaffinity", "sched_setaffinity", "sendfile",
        "setsid", "statvfs", "sysconf", "uname", "wait3", "wait4",
    },
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "alarm", "pause", "setitimer"},
    "time": {"tzset"},
    "socket": {"AF_UNIX"},
}  # fmt: skip
POSIX_MODULES = {"fcntl", "grp", "pwd", "pty", "resource", "termios", "tty"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=named(path))


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_and_functions_are_small_and_say_what_they_own(path: Path) -> None:
    parsed = tree(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400, "a file this long is badly cut"
    assert ast.get_docstring(parsed), "the module's docstring says what it owns"
    functions = [node for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > 50} == {}


def test_the_scripts_folder_holds_one_short_entry_and_no_package() -> None:
    assert [path.name for path in sorted((ROOT / "scripts").rglob("*")) if "__pycache__" not in path.parts] == [ENTRY.name]
    assert len(ENTRY.read_text(encoding="utf-8").splitlines()) <= 20


def test_no_folder_of_tests_is_a_package() -> None:
    """On Forge every extension's root is importable by all others: a package called tests would be everybody's."""
    assert [named(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if not any(path.is_relative_to(place) for place in MAY_PRINT)], ids=named
)
def test_nothing_prints(path: Path) -> None:
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id in ("print", "breakpoint")] == []


def posix_only_uses(parsed: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each use that Windows lacks, unless a ``hasattr`` or ``getattr`` in the same file asks for it first."""
    calls = [node for node in ast.walk(parsed) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    asked = {
        argument.value
        for node in calls
        if isinstance(node.func, ast.Name) and node.func.id in ("hasattr", "getattr")
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    for node in ast.walk(parsed):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in POSIX_ONLY.get(node.value.id, ()) and node.attr not in asked:
                yield node.lineno, f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module in POSIX_ONLY:
            yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names if a.name in POSIX_ONLY[node.module])
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in POSIX_MODULES)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_nothing_needs_posix(path: Path) -> None:
    assert list(posix_only_uses(tree(path))) == []


def test_the_portability_check_sees_what_it_should() -> None:
    bad = "import os, signal, fcntl\nos.pread(1, 2, 3)\nsignal.SIGKILL\nfrom os import fork"
    assert sorted(name for _, name in posix_only_uses(ast.parse(bad))) == ["fcntl", "os.fork", "os.pread", "signal.SIGKILL"]
    assert list(posix_only_uses(ast.parse("import os\nif hasattr(os, 'pread'):\n    os.pread(1, 2, 3)"))) == []


def text_calls_without_encoding(parsed: ast.Module) -> list[int]:
    """Lines that open, read or write text in whatever encoding the machine likes."""
    lines = []
    for node in ast.walk(parsed):
        if not isinstance(node, ast.Call):
            continue
        method = isinstance(node.func, ast.Attribute)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name != "open" and not (method and name in ("read_text", "write_text")):
            continue
        if method and name == "open" and any(not isinstance(argument, ast.Constant) for argument in node.args):
            continue  # takes what to open: PIL's, an opener's, not a path's own
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        binary = any(isinstance(word, str) and "b" in word and len(word) <= 3 for word in words)
        mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), None)
        binary = binary or (isinstance(mode, ast.Constant) and "b" in str(mode.value))
        told = any(keyword.arg == "encoding" for keyword in node.keywords)
        if not (binary or told):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_text_files_name_their_encoding(path: Path) -> None:
    assert text_calls_without_encoding(tree(path)) == []


def test_the_encoding_check_sees_what_it_should() -> None:
    bad = (
        "open(p)\np.read_text()\np.write_text(t)\np.open('w')\nopen(p, 'rb')\np.read_text(encoding='utf-8')\np.open(mode='wb')"
    )
    assert text_calls_without_encoding(ast.parse(bad)) == [1, 2, 3, 4]


YAML_PRESETS = sorted((ROOT / "presets").rglob("*.yaml"))


@pytest.mark.parametrize("path", YAML_PRESETS, ids=named)
def test_presets_are_readable_yaml(path: Path) -> None:
    import yaml

    assert yaml.safe_load(path.read_text(encoding="utf-8")), "an empty preset"


def test_every_kind_of_preset_is_there() -> None:
    kinds = {path.parent.name for path in YAML_PRESETS}
    assert kinds >= {"profiles", "benchmarks", "blocks", "merges"}
    assert list((ROOT / "presets" / "tags").glob("*.csv"))


def test_the_repository_stays_small() -> None:
    """Everybody who installs the extension downloads all of it, with its history."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git here")

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    tracked = sum((ROOT / name).stat().st_size for name in git("ls-files", "-z").split("\0") if name and (ROOT / name).exists())
    assert tracked <= 60e6
    assert int(git("rev-list", "--disk-usage", "--objects", "HEAD")) <= 60e6


def test_what_is_written_at_run_time_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"demo/out/", ".venv/", ".nox/", "tag-atelier-data/", "__pycache__/", "*.egg-info/"} <= set(ignored)
