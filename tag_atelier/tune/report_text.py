"""A study's report as Markdown. Used by ``tune.report``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tag_atelier.tune.report_data import StudyData

SCORE_HEADER = ("Model", "On the search's prompts", "With fresh seeds", "On validation")
TRIAL_HEADER = ("Number", "Candidate", "Phase", "State", "Lift", "Over the best parent", "Prompts", "Seconds")


def markdown(data: StudyData) -> str:
    """The report without pictures."""
    say, answer = data.say, data.status.answer
    parts = [f"# {data.spec.name}", f"**{data.headline}**", "\n".join(f"- {line}" for line in data.lines()), data.counts()]
    parts += [f"## {say('Scores')}", _table([say(title) for title in SCORE_HEADER], data.scores())]
    if answer is not None:
        titles, rows = data.weights()
        parts += [f"## {say('The answer')}", data.kind(), _table(titles, rows), f"```yaml\n{answer.recipe}```"]
    if data.status.importance:
        rows = [[group, f"{share:.0%}"] for group, share in data.status.importance.items()]
        parts += [f"## {say('Importance of the groups')}", _table([say("Group"), say("Share")], rows)]
    parts += [
        f"## {say('Candidates')}",
        _table([say(title) for title in TRIAL_HEADER], map(data.trial_row, data.status.trials)),
    ]
    parts += [f"## {say('How it was measured')}", "\n".join(f"- {name}: {_cell(value)}" for name, value in data.facts())]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
