"""Loads scripts/tag_atelier.py as the WebUI does, beside a stand-in for the WebUI's modules, and says what that dragged in.

A program, run by ``test_startup.py`` and by nox's ``bare`` session in a Python that has nothing but PyYAML.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "numpy", "PIL", "onnxruntime", "safetensors", "diffusers", "transformers", "optuna", "sqlite3")
"""What must not be loaded by us at the WebUI's start; sqlite3 stands for the rooms that only a job needs."""
STOOD_IN_FOR = ("modules", "gradio", "fastapi", "starlette", "pydantic")
"""What the WebUI has loaded before it loads us."""


class _AnythingType(type):
    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything

    def __fspath__(cls) -> str:
        return str(ROOT / "no-such-folder")


class Anything(metaclass=_AnythingType):
    """Any class, function or value of the WebUI: can be subclassed, called, decorated with, read and looped over."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *_: object, **__: object) -> object:
        return Anything()

    def __iter__(self) -> Iterator[object]:
        return iter(())


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes an empty package that has everything for each name below ``STOOD_IN_FOR``."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None, /
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] in STOOD_IN_FOR:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        def get(name: str) -> object:
            if name.startswith("__"):
                raise AttributeError(name)
            return Anything

        vars(module)["__getattr__"] = get


def load_as_the_webui_does(entry: Path) -> types.ModuleType:
    """Run the script under its file's name, outside ``sys.modules``, with the extension's folder first on the path."""
    spec = importlib.util.spec_from_file_location(entry.name, entry)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT))
    return module


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: no connection, no name look-up and no other program while the WebUI starts."""
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        sys.exit(f"Loading the extension did {event}{arguments}; nothing of that may happen before a click.")


def main() -> None:
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() not in (ROOT, ROOT / "tests")]
    sys.meta_path.insert(0, StandIn())
    sys.addaudithook(refuse)
    before = set(sys.modules)
    start = time.perf_counter()
    load_as_the_webui_does(ROOT / "scripts" / "tag_atelier.py")
    took_ms = (time.perf_counter() - start) * 1000
    loaded = sorted({name.partition(".")[0] for name in set(sys.modules) - before} & set(HEAVY))
    if loaded:
        sys.exit(f"Loading the extension also loaded {', '.join(loaded)}; import these inside the function that needs them.")
    ours = sum(name.startswith("tag_atelier") for name in sys.modules)
    sys.stdout.write(f"start: {ours} modules of ours, {len(set(sys.modules) - before)} in all, {took_ms:.0f} ms\n")


if __name__ == "__main__":
    main()
