"""Which jobs are under way is read off the call stack, as the WebUI's own drawing leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tag_atelier.host.webui.running_jobs import is_called_again, outer_job, running_jobs


def drawing(path: str) -> Callable[[Any, Callable[[], Any]], Any]:
    """A ``process_images`` as it lies in ``path``; it calls what it is given in the middle of its work."""
    room: dict[str, Any] = {}
    exec(compile("def process_images(p, middle):\n    return middle()", path, "exec"), room)
    found: Callable[[Any, Callable[[], Any]], Any] = room["process_images"]
    return found


draw = drawing("/webui/modules/processing.py")


def test_nothing_is_drawn() -> None:
    assert running_jobs() == [] and outer_job() is None and is_called_again("p") is False


def test_a_pass_inside_a_job() -> None:
    assert draw("picture", running_jobs) == ["picture"]
    assert draw("picture", outer_job) is None
    assert draw("picture", lambda: draw("face", running_jobs)) == ["face", "picture"]
    assert draw("picture", lambda: draw("face", outer_job)) == "picture"


def test_a_copy_of_the_job_is_called_again() -> None:
    assert draw("picture", lambda: is_called_again("picture")) is False
    assert draw("picture", lambda: is_called_again("its copy")) is True
    assert draw("picture", lambda: draw("face", lambda: is_called_again("face"))) is False


def test_functions_of_the_name_elsewhere_are_no_jobs() -> None:
    assert drawing("/webui/extensions/one/scripts/loop.py")("picture", running_jobs) == []
