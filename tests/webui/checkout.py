"""Finds the WebUI checkouts to test in and a Python for each that leaves the checkout's own alone. Used by ``conftest``."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WINDOWS = os.name == "nt"
LEFT_OUT = ("torch", "setuptools")
"""Requirements that the WebUI would otherwise move at boot: what runs on this machine's CPU may be another version."""


@dataclass(frozen=True)
class Checkout:
    """One WebUI on disk; nothing in it is ever written."""

    root: Path

    @property
    def has_parts(self) -> bool:
        """Whether it loads models by Forge's ways, and has Forge's built-in extensions: Forge and reForge."""
        return (self.root / "modules_forge").is_dir()

    @property
    def name(self) -> str:
        """``a1111``, ``forge`` or ``reforge``, which has gradio 3 and no ``backend``; for test ids."""
        if not self.has_parts:
            return "a1111"
        return "forge" if (self.root / "backend").is_dir() else "reforge"

    @property
    def host_name(self) -> str:
        """What our own status calls it."""
        return "webui" if self.name == "a1111" else self.name

    @property
    def own_python(self) -> Path:
        """SD_WEBUI_PYTHON, else the checkout's own environment, else the Python that runs the tests."""
        named = os.environ.get("SD_WEBUI_PYTHON")
        if named:
            return Path(named)
        own = self.root / "venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")
        return own if own.exists() else Path(sys.executable)

    def state(self) -> str:
        """What git sees changed or new; must be the same after the tests."""
        command = ["git", "-C", str(self.root), "status", "--porcelain"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def layered_python(self, folder: Path) -> Path:
        """A Python in ``folder`` that has all the checkout's packages; what the extension's install.py adds goes here."""
        subprocess.run([str(self.own_python), "-m", "venv", "--without-pip", str(folder)], check=True)
        python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
        ours, theirs = _site_packages(python), _site_packages(self.own_python)
        # addsitedir, unlike a plain line, also carries out the .pth files that lie there
        line = f"import site; site.addsitedir({str(theirs)!r})\n"
        (ours / "zz_webui_checkout.pth").write_text(line, encoding="utf-8")
        return python

    def requirements_file(self, folder: Path) -> Path:
        """A copy of the checkout's pins without those that it would move at boot; REQS_FILE wins where it is set."""
        if os.environ.get("REQS_FILE"):
            return Path(os.environ["REQS_FILE"])
        lines = (self.root / "requirements_versions.txt").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.split("=")[0].strip().lower() not in LEFT_OUT]
        path = folder / "requirements.txt"
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        return path

    def clip_merges(self) -> Path | None:
        """CLIP's own list of merges, which open_clip brings along; None where it is not installed."""
        found = _site_packages(self.own_python) / "open_clip" / "bpe_simple_vocab_16e6.txt.gz"
        return found if found.exists() else None


def find_checkouts() -> list[Checkout]:
    """Those named in SD_WEBUI_DIR (several, separated as in PATH), else the usual folders in the user's home."""
    named = os.environ.get("SD_WEBUI_DIR", "")
    if named:
        folders = [Path(part) for part in named.split(os.pathsep) if part]
    else:
        folders = [Path.home() / "stable-diffusion-webui", Path.home() / "stable-diffusion-webui-forge"]
    return [Checkout(folder.resolve()) for folder in folders if (folder / "launch.py").exists()]


def _site_packages(python: Path) -> Path:
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return Path(subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
