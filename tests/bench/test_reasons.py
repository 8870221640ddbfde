"""Why a picture may lack its tag: what the report can tell from plan, tokenizer and scores."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tag_atelier.bench import reasons, report
from tag_atelier.bench.report_data import ReportData
from tag_atelier.bench.score import TagScore
from tag_atelier.bench.store import Store
from tag_atelier.prompt.clip_words import Token


class Words:
    """Cuts every two letters, as a tokenizer might."""

    def tokens(self, text: str) -> list[Token]:
        return [Token(f"{text[at : at + 2]}</w>", at) for at in range(0, len(text), 2)]


@pytest.fixture(autouse=True)
def no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "clip_words", lambda: None)


def data(folder: Path, **spec: Any) -> ReportData:
    with Store(folder) as store:
        found = report.read(store, folder)
    evaluation = dataclasses.replace(found.evaluation, threshold=0.35)
    return dataclasses.replace(found, plan={"spec": {"template": "1girl, {tag}, closed mouth", **spec}}, evaluation=evaluation)


def said(found: ReportData, about: dict[str, Any], *scores: TagScore) -> list[str]:
    return [reason.sentence.format(**reason.values) for reason in reasons.reasons(found, about, scores)]


def score(*probabilities: float, rank: int = 3) -> TagScore:
    return TagScore("a", probabilities, len(probabilities), 0, 9, 0, tuple(rank for _ in probabilities))


def test_a_tag_without_any_reason_has_none(tmp_path: Path) -> None:
    assert said(data(tmp_path), {"name": "hat", "text": "hat", "posts": 900_000}, score(0.01)) == []


def test_template_tags_that_exclude_it_are_named(tmp_path: Path) -> None:
    assert said(data(tmp_path), {"name": "open_mouth", "text": "open mouth"}) == [
        "The template asks for closed mouth, which excludes it."
    ]


def test_rare_tags_say_how_rare(tmp_path: Path) -> None:
    assert said(data(tmp_path), {"name": "a", "text": "a", "posts": 999}) == [
        "It has only 999 posts: hardly any model has met it often."
    ]


def test_unescaped_brackets_are_told_only_where_they_were_sent(tmp_path: Path) -> None:
    face = {"name": ">:(", "text": ">:("}
    assert said(data(tmp_path), face) == []
    assert said(data(tmp_path, escape=False), face)[0].startswith("Its brackets were sent unescaped")


def test_near_the_threshold_and_first_in_rank_are_the_tagger_s_doing(tmp_path: Path) -> None:
    tag = {"name": "a", "text": "a"}
    assert said(data(tmp_path), tag, score(0.2)) == ["The tagger comes close: 0.20 of 0.35."]
    assert said(data(tmp_path), tag, score(0.17)) == []
    assert said(data(tmp_path), tag, score(0.1, rank=1))[0].startswith("A picture of it ranks first for this tag")
    assert said(data(tmp_path), tag, score(0.9, rank=1)) == []


def test_a_tag_of_many_pieces_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "clip_words", Words)
    assert reasons.pieces("dougi") == ("do", "ug", "i")
    (sentence,) = said(data(tmp_path), {"name": "dougi", "text": "dougi"})
    assert "cuts it into 3 pieces, do | ug | i:" in sentence
    late = said(data(tmp_path, template="x" * 160 + ", {tag}"), {"name": "hat", "text": "hat"})
    assert late == ["It stands behind 81 tokens, in a later chunk of the prompt."]
