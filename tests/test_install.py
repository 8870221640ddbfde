"""install.py: what it finds missing, what it holds still, what it says; and once, with a package index, the real thing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import venv
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

needs_index = pytest.mark.skipif(
    not os.environ.get("TAG_ATELIER_NETWORK"), reason="needs a package index: TAG_ATELIER_NETWORK=1"
)


@pytest.fixture
def install(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tag_atelier_install", repository / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


class Installed(metadata.Distribution):
    """A distribution of the given name and version, with no files."""

    def __init__(self, name: str | None, version: str) -> None:
        self.text = (f"Name: {name}\n" if name else "") + f"Version: {version}\n"

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\n{self.text}" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def test_every_installed_distribution_is_held(install: ModuleType) -> None:
    distributions = [
        Installed("protobuf", "3.20.3"),
        Installed("torch", "2.1.2+cu121"),
        Installed("Pillow", "9.5.0"),
        Installed("xformers", "0.0.23.post1"),
        Installed("pillow", "10.0.0"),
        Installed("broken", "unknown"),
        Installed("clip", "1.0.dev3"),
        Installed("open_clip.torch", "2.20.0rc1"),
    ]
    assert install.constraints(distributions) == [
        "clip==1.0.dev3",
        "open_clip.torch==2.20.0rc1",
        "Pillow==9.5.0",
        "protobuf==3.20.3",
        "torch==2.1.2",
        "xformers==0.0.23.post1",
    ]


def test_one_onnxruntime_of_any_kind_is_enough(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for present, missing in [
        ({"pyyaml", "onnxruntime"}, []),
        ({"pyyaml", "onnxruntime-gpu"}, []),
        ({"pyyaml", "onnxruntime-directml"}, []),
        ({"onnxruntime"}, ["pyyaml"]),
        (set(), ["pyyaml", "onnxruntime"]),
    ]:
        monkeypatch.setattr(install, "is_installed", present.__contains__)
        assert [wheel.requirement for wheel in install.missing_wheels()] == missing


def test_nothing_of_the_webui_is_asked_for(install: ModuleType) -> None:
    assert not {install.normalised(wheel.requirement) for wheel in install.WHEELS} & install.NEVER_TOUCHED


def test_mirrors_of_the_user_are_honoured(install: ModuleType) -> None:
    mirror, own = "http://mirror.invalid/simple", "http://own.invalid/simple"
    assert install.pip_environment({"PIP_INDEX_URL": own})["PIP_INDEX_URL"] == own
    assert install.pip_environment({"INDEX_URL": mirror})["PIP_INDEX_URL"] == mirror
    assert install.pip_environment({"INDEX_URL": mirror, "PIP_INDEX_URL": own})["PIP_INDEX_URL"] == own
    assert "PIP_INDEX_URL" not in install.pip_environment({"INDEX_URL": ""})


def test_a_failure_is_one_sentence_and_no_error(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "is_installed", {"pyyaml"}.__contains__)
    for failing in (lambda *_: "No matching distribution found for onnxruntime", _no_such_program):
        monkeypatch.setattr(install, "pip_install", failing)
        install.main()
        (line,) = capsys.readouterr().out.splitlines()
        assert "onnxruntime could not be installed (No " in line
        assert "scoring benchmark pictures will not work" in line
        assert line.endswith("-m pip install onnxruntime")


def _no_such_program(*_: object) -> str:
    raise OSError("No such file")


def test_an_extra_is_installed_only_when_it_is_named(
    install: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f'tune = ["{install.EXTRAS["tune"].requirement}"]' in (repository / "pyproject.toml").read_text(encoding="utf-8")
    monkeypatch.setattr(install, "is_installed", {"pyyaml", "onnxruntime"}.__contains__)
    asked: list[list[str]] = []
    monkeypatch.setattr(install, "pip_install", lambda requirements, _pinned: asked.append(requirements) or "no such wheel")
    assert (install.main(), asked) == (0, [])
    assert (install.main(["tune"]), asked) == (1, [["optuna>=4"]])
    assert (
        "optuna>=4 could not be installed (no such wheel), so searching merge weights will not work" in capsys.readouterr().out
    )
    monkeypatch.setattr(install, "is_installed", lambda _name: True)
    assert install.main(["tune"]) == 0


def test_pip_gets_the_constraints_and_its_last_words_come_back(install: ModuleType, tmp_path: Path) -> None:
    """The real pip, offline: a requirement that the constraint contradicts is refused before anything is looked up."""
    said = install.pip_install(["pip==0.0.1"], [f"pip=={metadata.version('pip')}"])
    assert "pip" in said
    assert "\n" not in said
    assert install.pip_install(["pip"], [f"pip=={metadata.version('pip')}"]) == ""


def test_silent_and_quick_when_nothing_is_missing(repository: Path) -> None:
    pytest.importorskip("onnxruntime")
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, str(repository / "install.py")], capture_output=True, text=True, check=True)
        took.append(time.perf_counter() - start)
        assert done.stdout == done.stderr == ""
    assert min(took) < 1.0, "0.2 s on an idle machine; this bound only catches a heavy import"


@needs_index
@pytest.mark.network
def test_a_webuis_pins_are_kept_while_onnxruntime_is_added(repository: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "webui", with_pip=True)
    python = tmp_path / "webui" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = ["protobuf==3.20.3", "numpy==1.26.4", "pyyaml"]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *pins], check=True)
    said = subprocess.run([str(python), str(repository / "install.py")], capture_output=True, text=True, check=True).stdout
    assert said.startswith("Tag Atelier: installed onnxruntime "), said
    shown = "import importlib.metadata as m; print(*(m.version(n) for n in ('protobuf', 'numpy')))"
    kept = subprocess.run([str(python), "-c", shown], capture_output=True, text=True, check=True).stdout.split()
    assert kept == ["3.20.3", "1.26.4"]
    loads = subprocess.run([str(python), "-c", "import onnxruntime"], capture_output=True, text=True, check=False)
    assert loads.returncode == 0, loads.stderr
    again = subprocess.run([str(python), str(repository / "install.py")], capture_output=True, text=True, check=True)
    assert again.stdout == ""
