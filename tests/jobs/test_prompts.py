"""What the doors ask of the prompt room: shapes, languages, the user's profiles, and hostile prompts in little time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tag_atelier.errors import RequestError
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.prompt.slots import SLOTS
from tests.prompt.hostile_prompts import HOSTILE

PROMPTS = Prompts()
PROMPTS.arrange({"text": "1girl"})


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("negative", [False, True])
def test_no_prompt_takes_long(text: str, negative: bool) -> None:
    started = time.process_time()
    answer = PROMPTS.arrange({"text": text, "negative": negative})
    assert time.process_time() - started < 2.0
    assert len(str(answer["text"])) == len(text)


def test_findings_are_told_in_the_readers_language_about_what_is_drawn_with() -> None:
    request = {"text": "1girl", "with": {"steps": 5}, "language": "zh_CN"}
    assert PROMPTS.lint(request)["findings"] == [
        {
            "code": "steps",
            "start": 0,
            "end": 0,
            "message": "5 步偏少或偏多；通常为 20 到 40 步。",
            "fix": None,
            "severity": "note",
            "set": {"steps": 28},
        }
    ]
    with pytest.raises(RequestError, match="'language' is 'fr'"):
        PROMPTS.lint({"text": "1girl", "language": "fr"})


def test_the_users_own_profile_is_used_at_once(tmp_path: Path) -> None:
    prompts = Prompts(tmp_path)
    assert "mine" not in prompts.profiles
    (tmp_path / "mine.yaml").write_text(f"order: [{', '.join(reversed(SLOTS))}]\n", encoding="utf-8")
    assert prompts.arrange({"text": "1girl, smile", "profile": "mine"})["text"] == "smile, 1girl"
    assert "mine" in prompts.profiles
