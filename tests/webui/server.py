"""Starts a real WebUI on a free port, waits for our own route, and ends it with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.webui.checkout import Checkout
from tests.webui.client import Client
from tests.webui.data_folder import REPOSITORY

BOOT_S = 180
STOP_S = 15

COMMON_FLAGS = ("--api", "--skip-torch-cuda-test", "--skip-python-version-check", "--skip-version-check")
A1111_FLAGS = ("--use-cpu", "all", "--no-half", "--precision", "full", "--do-not-download-clip", "--no-download-sd-model")
FORGE_FLAGS = ("--always-cpu", "--skip-install")
"""Without ``--skip-install`` its built-in extensions reach for wheels on the internet; ours is then installed by hand."""
REFORGE_FLAGS = (*FORGE_FLAGS, "--all-in-fp32", "--do-not-download-clip", "--no-download-sd-model")

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GIT_PYTHON_REFRESH": "quiet",
    "GIT_TERMINAL_PROMPT": "0",
    "MPLBACKEND": "Agg",
    "TOKENIZERS_PARALLELISM": "false",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONUNBUFFERED": "1",
}


class Server:
    """One running WebUI. ``client`` speaks to it; ``log`` is everything it printed."""

    answers_when_ready = "/tag-atelier/v1/status"

    def __init__(self, checkout: Checkout, python: Path, data: Path, requirements: Path, log: Path) -> None:
        self.checkout, self.data, self.log = checkout, data, log
        self._python, self._requirements = python, requirements
        self._process: subprocess.Popen[bytes] | None = None
        self._printed_before = 0
        self.client = Client("")

    def start(self, flags: Sequence[str] = (), credentials: tuple[str, str] | None = None) -> None:
        """Boot and wait until our routes answer (401 is an answer too)."""
        port = _free_port()
        command = [str(self._python), "launch.py", "--data-dir", str(self.data), "--port", str(port), *COMMON_FLAGS]
        if self.checkout.name == "forge":  # with a data folder elsewhere it serves neither's scripts and styles unasked
            allowed = [self.data, self.checkout.root, REPOSITORY]
            command += [*FORGE_FLAGS, *(part for path in allowed for part in ("--gradio-allowed-path", str(path)))]
        else:
            command += REFORGE_FLAGS if self.checkout.has_parts else A1111_FLAGS
        if "--nowebui" in flags:
            command += ["--server-name", "127.0.0.1"]  # it would listen on every address
        self._printed_before = len(self.log_text())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *flags],
                cwd=self.checkout.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **_own_group(),
            )
        self.client = Client(f"http://127.0.0.1:{port}", credentials)
        self._wait()

    def install(self) -> None:
        """Run the extension's install.py as the WebUI does (A1111 modules/launch_utils.py:233)."""
        environment = {**self._environment(), "PYTHONPATH": str(self.checkout.root)}
        installer = self.data / "extensions" / "tag-atelier" / "install.py"
        subprocess.run([str(self._python), str(installer)], cwd=self.checkout.root, env=environment, check=True)

    def stop(self) -> None:
        """End the server and its children; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        _end(process, force=False)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            _end(process, force=True)
            process.wait(STOP_S)

    @property
    def pid(self) -> int:
        """The process that was started; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def log_text(self) -> str:
        """What it printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"The WebUI ended with {self._process.returncode}:\n{self.log_text()[-6000:]}")
            # A request between the port's opening and the API's mounting ends WebUI 1.10 (modules/api/api.py:147).
            if "Startup time:" in self.log_text()[self._printed_before :] and self.client.answers(self.answers_when_ready):
                return
            if "Error loading script: tag_atelier.py" in self.log_text():
                break
            time.sleep(0.25)
        raise AssertionError(f"Our routes do not answer:\n{self.log_text()[-6000:]}")

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "COMMANDLINE_ARGS")}
        passed.setdefault("HF_HOME", str(self.data / "hf"))
        passed.setdefault("MPLCONFIGDIR", str(self.data / "mpl"))
        return {**passed, **ENVIRONMENT, "REQS_FILE": str(self._requirements)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own_group() -> dict[str, object]:
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
    return {"start_new_session": True}


def _end(process: subprocess.Popen[bytes], force: bool) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
    elif force:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        process.terminate()
