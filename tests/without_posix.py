"""A pytest plugin that shows our modules an ``os`` and ``signal`` as Windows has them: ``-p tests.without_posix``.

What is missing is what ``test_architecture.py`` lists; Python's own library and other packages keep theirs, which know where
they run.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import types

from tests.test_architecture import POSIX_MODULES, POSIX_ONLY


class Poorer(types.ModuleType):
    """A module without some of its names."""

    def __init__(self, whole: types.ModuleType) -> None:
        super().__init__(whole.__name__)
        vars(self).update(_whole=whole, _gone=POSIX_ONLY[whole.__name__] - {"kill"})  # Windows has os.kill

    def __getattr__(self, name: str) -> object:
        if name in self._gone:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._whole, name)


POORER = {name: Poorer(whole) for name, whole in (("os", os), ("signal", signal), ("socket", socket), ("time", time))}
DONE: set[str] = set()


def pytest_runtest_setup() -> None:
    """Exchange the modules in what has been loaded since the last test."""
    for name in [name for name in sys.modules if name.startswith("tag_atelier") and name not in DONE]:
        DONE.add(name)
        for attribute, value in list(vars(sys.modules[name]).items()):
            if isinstance(value, types.ModuleType) and value.__name__ in POSIX_MODULES:
                raise AssertionError(f"{name} loads {value.__name__}, which Windows lacks")
            if attribute in POORER and isinstance(value, types.ModuleType):
                setattr(sys.modules[name], attribute, POORER[attribute])
