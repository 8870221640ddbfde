"""Which jobs are being drawn right now, one inside the other. Asked by ``panel_script``, whose hooks are called for all.

Other extensions draw second passes inside a job, and some call every script's hooks once more for a copy of the job's ``p``.
"""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import Any


def running_jobs() -> list[Any]:
    """The ``p`` of every ``process_images`` that is under way in this thread, the innermost first.

    Read off the call stack, which alone knows: a job that crashed has left it, whatever else it left behind. WebUI 1.10.1
    modules/processing.py:819, Forge :815, reForge :898.
    """
    found, frame = [], sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "process_images" and PurePath(code.co_filename).name == "processing.py":
            found.append(frame.f_locals["p"])
        frame = frame.f_back  # type: ignore[assignment]
    return found


def is_called_again(p: Any) -> bool:
    """Whether ``p`` is no job of its own but a copy of the one under way, for which all was done already.

    ADetailer calls postprocess, before_process and process for such copies around its second pass (!adetailer.py:908-927).
    """
    running = running_jobs()
    return bool(running) and running[0] is not p


def outer_job() -> Any:
    """The job in which the innermost one is drawn, None where that is the only one."""
    return next(iter(running_jobs()[1:]), None)
