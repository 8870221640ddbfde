"""Run by the WebUI at every start, before torch or gradio are loaded: adds the wheels that are missing and moves none.

Standard library only. Whatever is installed already is pinned to its version while pip runs; a failure is told in one
sentence and the WebUI starts all the same, without the feature that needed the wheel.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Wheel:
    """One thing the extension needs and the WebUI may lack."""

    requirement: str
    """What pip is asked for."""
    provided_by: tuple[str, ...]
    """Any one of these distributions will do."""
    feature: str
    """What stays switched off without it."""


WHEELS = (
    Wheel("pyyaml", ("pyyaml",), "profiles, benchmark plans and merge recipes"),
    Wheel(
        "onnxruntime",
        ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm"),
        "scoring benchmark pictures",
    ),
)

EXTRAS = {"tune": Wheel("optuna>=4", ("optuna",), "searching merge weights")}
"""Installed only when named on the command line, as the page's Install button does."""

NEVER_TOUCHED = frozenset({"torch", "numpy", "gradio", "pydantic", "diffusers", "transformers", "pillow", "protobuf"})
"""The WebUI's own; the tests hold that no requirement names one."""

_PLAIN_VERSION = re.compile(r"\d+(!\d+)?(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")


def normalised(name: str) -> str:
    """``Foo_Bar.baz`` as ``foo-bar-baz``, the form in which distribution names compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_installed(name: str) -> bool:
    """Whether a distribution of this name is in this Python."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def missing_wheels(wheels: Iterable[Wheel] = WHEELS) -> list[Wheel]:
    """Those none of whose distributions is installed."""
    return [wheel for wheel in wheels if not any(is_installed(name) for name in wheel.provided_by)]


def constraints(distributions: Iterable[metadata.Distribution]) -> list[str]:
    """One ``name==version`` line for every installed distribution; of two with one name the one Python would import.

    A local label (``+cu121``) is left off, since pip matches it anyway and no index has it; a version that pip would
    refuse to read is left out.
    """
    lines: dict[str, str] = {}
    for distribution in distributions:
        name = distribution.metadata["Name"] or ""
        version = (distribution.version or "").split("+")[0]
        if name and _PLAIN_VERSION.fullmatch(version):
            lines.setdefault(normalised(name), f"{name}=={version}")
    return sorted(lines.values(), key=str.lower)


def pip_environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment for pip: the user's own, with the WebUI's ``INDEX_URL`` said in pip's words where it is set."""
    result = {**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if environment.get("INDEX_URL"):
        result.setdefault("PIP_INDEX_URL", environment["INDEX_URL"])
    return result


def pip_install(requirements: list[str], pinned: list[str]) -> str:
    """Install ``requirements`` with everything in ``pinned`` held still; "" when it worked, else pip's last words."""
    with tempfile.TemporaryDirectory(prefix="tag-atelier-") as folder:
        held = Path(folder) / "constraints.txt"
        held.write_text("\n".join(pinned) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--prefer-binary", "--retries", "1"]
        result = subprocess.run(
            [*command, "--constraint", str(held), *requirements],
            env=pip_environment(dict(os.environ)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if result.returncode == 0:
        return ""
    said = [line.strip() for line in (result.stdout + "\n" + result.stderr).splitlines() if line.strip()]
    return said[-1] if said else f"pip ended with {result.returncode}"


def main(extras: Sequence[str] = ()) -> int:
    """Install what is missing, of ``EXTRAS`` those named; one line of output, none when nothing is.

    Returns 1 where a named one could not be installed, else 0: the WebUI starts without a wheel too.
    """
    missing = missing_wheels([*WHEELS, *(EXTRAS[name] for name in extras)])
    if not missing:
        return 0
    requirements = [wheel.requirement for wheel in missing]
    try:
        failure = pip_install(requirements, constraints(metadata.distributions()))
    except OSError as error:
        failure = str(error)
    if not failure:
        names = [wheel.provided_by[0] for wheel in missing]
        print(f"Tag Atelier: installed {', '.join(f'{name} {metadata.version(name)}' for name in names)}.")
        return 0
    features = " and ".join(wheel.feature for wheel in missing)
    print(
        f"Tag Atelier: {' and '.join(requirements)} could not be installed ({failure}), so {features} will not work; "
        f"install by hand with this Python: {sys.executable} -m pip install {' '.join(requirements)}"
    )
    return 1 if extras else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
