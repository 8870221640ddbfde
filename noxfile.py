"""What `make test` and `make test-webui` run; sessions reuse the .venv nox itself runs in, so that there is one torch.

``lint``, ``unit`` and ``webui`` use that .venv as it is; ``gradio3``, ``py310``, ``bare`` and ``fuzz`` keep a small one of
their own under .nox, made anew when its requirements change.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.options.sessions = ["lint", "bare", "py310", "unit", "gradio3", "portable", "fuzz"]
nox.options.default_venv_backend = "none"

ROOT = Path(__file__).resolve().parent
MAIN = sys.executable
TEST_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}

GRADIO3 = [
    "gradio==3.41.2",
    "fastapi==0.94.0",
    "pydantic==1.10.15",
    "httpx==0.24.1",
    "huggingface_hub==0.26.5",
    "numpy==1.26.4",
    "pillow==9.5.0; python_version < '3.12'",
    "pyyaml>=6",
]
"""WebUI 1.10.1's set; torch, diffusers, onnxruntime and pytest are the main environment's."""

TEST_TOOLS = ["pyyaml>=6", "pytest>=8", "hypothesis>=6.100"]

WITH_GRADIO = [
    "tests/ui",
    "tests/host",
    "tests/jobs",
    "tests/contract",
    "tests/test_api.py",
    "tests/test_cli.py",
]
"""What meets gradio, fastapi or pydantic, and so behaves differently beside another version of them."""

ON_WINDOWS = [
    *(f"tests/jobs/test_{name}.py" for name in ("benchmarks", "merges", "runner", "taggers", "prompt_memory", "recipe_shelf")),
    *(f"tests/bench/test_{name}.py" for name in ("run", "store", "report")),
    *(f"tests/merge/test_{name}.py" for name in ("tensor_file", "stream", "sources")),
]
"""What touches files, threads and processes."""

WITHOUT_TORCH = [
    ["tests/prompt", "tests/test_errors.py", "tests/test_install.py", "tests/test_startup.py", "tests/test_doctests.py"],
    ["--noconftest", "tests/bench/test_spec.py", "tests/bench/test_plan.py"],
    ["--noconftest", *(f"tests/merge/test_{name}.py" for name in ("recipe", "weights", "layout", "formula"))],
]
"""One pytest run each; the last two rooms' conftest files make tensors, which these tests do not use."""


for _argument in itertools.chain(WITH_GRADIO, ON_WINDOWS, *WITHOUT_TORCH):
    if not (_argument.startswith("-") or (ROOT / _argument).exists()):  # found here too where the session itself is skipped
        sys.exit(f"noxfile.py names '{_argument}', which is not there; write the name that it has now.")


def environment(session: nox.Session, name: str, base: str, requirements: Sequence[str]) -> Path:
    """The Python of ``.nox/<name>``, made with ``base`` and holding ``requirements``; kept while neither changes."""
    folder = ROOT / ".nox" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    version = subprocess.run([base, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    wanted = hashlib.sha256("\n".join([version, *requirements]).encode("utf-8")).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    session.run(base, "-m", "venv", str(folder))
    session.run(str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *requirements)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def site_packages(python: str) -> Path:
    """Where ``python`` keeps installed packages."""
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())


def tree_state() -> str:
    """What git sees changed or new; "" where there is no git."""
    if not shutil.which("git"):
        return ""
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False).stdout


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and who may import whom."""
    session.run(MAIN, "-m", "ruff", "check", ".")
    session.run(MAIN, "-m", "ruff", "format", "--check", ".")
    session.run(MAIN, "-m", "mypy")
    session.run(str(Path(MAIN).with_name("lint-imports")), "--no-cache")


@nox.session
def bare(session: nox.Session) -> None:
    """What the WebUI loads at start, in a Python that has nothing but a YAML reader."""
    python = environment(session, "bare", MAIN, ["pyyaml>=6"])
    session.run(str(python), "tests/startup_probe.py")


@nox.session
def py310(session: nox.Session) -> None:
    """The parts that need no torch, on the oldest Python the WebUI runs on."""
    base = shutil.which("python3.10")
    if base is None or subprocess.run([base, "-V"], capture_output=True, check=False).returncode:
        session.skip("python3.10 -V does not succeed here")
    python = environment(session, "py310", str(base), TEST_TOOLS)
    for arguments in WITHOUT_TORCH:
        session.run(str(python), "-m", "pytest", *arguments, *session.posargs, env=TEST_ENVIRONMENT)


@nox.session
def unit(session: nox.Session) -> None:
    """All tests beside gradio 4.40; in CI, where nobody else writes, the tree must be as clean after as before."""
    before = tree_state()
    session.run(MAIN, "-m", "pytest", *session.posargs, env=TEST_ENVIRONMENT)
    if os.environ.get("CI") and tree_state() != before:
        session.error(f"The tests changed files that git tracks or does not ignore:\n{tree_state()}")


@nox.session
def gradio3(session: nox.Session) -> None:
    """What shows or answers anything, beside WebUI 1.10.1's gradio 3.41.2, fastapi 0.94 and pydantic 1."""
    if sys.version_info >= (3, 13):
        session.skip("gradio 3 wants numpy 1, which this Python has no wheels for")
    python = environment(session, "gradio3", MAIN, GRADIO3)
    borrowed = site_packages(str(python)) / "zz_main_environment.pth"  # appended to sys.path: its own packages win
    borrowed.write_text(str(site_packages(MAIN)) + "\n", encoding="utf-8")
    session.run(str(python), "-c", "import gradio, pydantic; assert gradio.__version__ + pydantic.VERSION == '3.41.21.10.15'")
    session.run(str(python), "-m", "pytest", *WITH_GRADIO, *session.posargs, env=TEST_ENVIRONMENT)


@nox.session
def portable(session: nox.Session) -> None:
    """What reads, draws, stores and merges, with what Windows lacks taken out of our modules."""
    changed = {**TEST_ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    session.run(MAIN, "-m", "pytest", "-p", "tests.without_posix", *ON_WINDOWS, *session.posargs, env=changed)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Random requests to every route, short and always the same; for a long run: nox -s fuzz -- --examples 100 --least 5000."""
    python = environment(session, "fuzz", MAIN, ["schemathesis>=4.30,<5"])
    short = ["--examples", "8", "--phases", "fuzzing", "--least", "200"]
    program = python.with_name("schemathesis.exe" if os.name == "nt" else "schemathesis")
    session.run(MAIN, "tests/fuzz/run.py", "--schemathesis", str(program), *(session.posargs or short), env=TEST_ENVIRONMENT)


@nox.session
def webui(session: nox.Session) -> None:
    """The extension in a real WebUI checkout, on CPU, with tiny checkpoints."""
    named = os.environ.get("SD_WEBUI_DIR", "").split(os.pathsep)
    homes = [Path.home() / "stable-diffusion-webui", Path.home() / "stable-diffusion-webui-forge"]
    if not any((folder / "launch.py").exists() for folder in ([Path(name) for name in named if name] or homes)):
        session.skip("no WebUI checkout in SD_WEBUI_DIR, ~/stable-diffusion-webui or ~/stable-diffusion-webui-forge")
    options = ["-o", "addopts=-q --import-mode=importlib", "tests/webui", *session.posargs]
    session.run(MAIN, "-m", "pytest", *options, env=TEST_ENVIRONMENT)
