"""Stops a job with one sentence: a 4xx over HTTP, the sentence itself on the page."""

from __future__ import annotations

from typing import Any, NoReturn

from fastapi import HTTPException

from tag_atelier.errors import TagAtelierError
from tag_atelier.host.webui import options
from tag_atelier.language import told


def refuse(p: Any, error: TagAtelierError) -> NoReturn:
    """Raise what the door of job ``p`` can show: English over HTTP, the page's language on the page."""
    if getattr(p, "is_api", False):
        raise HTTPException(status_code=error.status, detail=str(error)) from error
    raise told(error, options.language())


def refuse_later(p: Any, error: TagAtelierError, step: str) -> None:
    """Let the job stop at ``step``: exceptions in an always-on script's hooks are swallowed (A1111 modules/scripts.py:829).

    ``step`` is a method of ``p`` that the WebUI calls next: ``setup_prompts`` after before_process, ``init`` after process.
    """

    def stop(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(p, error)

    setattr(p, step, stop)
