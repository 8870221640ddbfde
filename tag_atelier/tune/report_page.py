"""A study's report as one HTML page that needs no network, in the look of the benchmark's. Used by ``tune.report`` only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tag_atelier import bench
from tag_atelier.bench.report_html import number_cell, table
from tag_atelier.tune.report_data import Strip, StudyData
from tag_atelier.tune.report_plot import convergence, importance
from tag_atelier.tune.report_text import SCORE_HEADER, TRIAL_HEADER

_STYLES = (Path(str(bench.__file__)).with_name("report.css"), Path(__file__).with_name("report.css"))


def page(data: StudyData) -> str:
    """The whole page; every text from outside is escaped."""
    style = "".join(path.read_text(encoding="utf-8") for path in _STYLES)
    code = "zh-CN" if data.language == "zh_CN" else "en"
    sections = [_head(data), _scores(data), _convergence(data), _strip(data), _answer(data), _importance(data), _trials(data)]
    return (
        f'<!doctype html>\n<html lang="{code}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(data.spec.name)} · Tag Atelier</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in [*sections, _facts(data)] if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(data: StudyData) -> str:
    say, result = data.say, data.status.result
    badge = "" if result is not None else f' <span class="badge warn">{escape(data.phase)}</span>'
    lines = "".join(f"<li>{escape(line)}</li>" for line in data.lines())
    note = f'<p class="note">{escape(say(data.spec.note))}</p>' if data.spec.note else ""
    return (
        f'<header><p class="brand">Tag Atelier · {escape(say("Search of merge weights"))}</p>'
        f'<h1>{escape(data.spec.name)}{badge}</h1><p class="muted">{escape(data.counts())}</p>{note}'
        f'<div class="headline"><p class="result">{escape(data.headline)}</p><ul>{lines}</ul></div></header>'
    )


def _scores(data: StudyData) -> str:
    say = data.say
    explained = say(
        "Lift: the share of asked tags that the tagger sees, less the share at which it sees them unasked; its 95 % interval "
        "is over tags. Nothing of validation (tags, prompts, seeds) was searched on."
    )
    titles = [say(title) for title in SCORE_HEADER]
    return _section(say("Scores"), table(titles, 1, _rows(data.scores())) + _small(explained))


def _convergence(data: StudyData) -> str:
    plot = convergence(data)
    explained = data.say(
        "Every candidate is held against the best parent on the same prompts and seeds; one that stopped early was drawn on a "
        "part of them."
    )
    return _section(data.say("Convergence"), plot + _small(explained)) if plot else ""


def _strip(data: StudyData) -> str:
    if not data.strips:
        return ""
    say, prompts = data.say, data.status.preview_prompts
    heads = "".join(f'<div class="muted small">{escape(prompt)}</div>' for prompt in prompts)
    columns = "".join(_strip_column(data, column) for column in data.strips)
    body = f'<div class="strip" style="--rows:{max(1, len(prompts))}"><div></div>{heads}{columns}</div>'
    return _section(say("Previews"), body + _small(say("The same prompts and seeds, drawn again at every improvement.")))


def _strip_column(data: StudyData, column: Strip) -> str:
    number = column.trial
    name = column.parent or (data.say("Candidate {number}", number=number) if number else data.say("The answer"))
    pictures = "".join(
        f'<img alt="{escape(name)}" src="{address}">' if address else '<div class="blank"></div>' for address in column.pictures
    )
    return f"<strong>{escape(name)}</strong>{pictures}"


def _answer(data: StudyData) -> str:
    answer, say = data.status.answer, data.say
    if answer is None:
        return ""
    titles, rows = data.weights()
    body = f"<p>{escape(data.kind())}</p>{table(titles, 1, _rows(rows))}"
    recipe = f'<pre class="passage">{escape(answer.recipe)}</pre>'
    return _section(say("The answer"), f"{body}<details><summary>{escape(say('The recipe'))}</summary>{recipe}</details>")


def _importance(data: StudyData) -> str:
    if not data.status.importance:
        return ""
    say = data.say
    explained = say(
        "Share of what the weights explain of the scores' differences; together they explain {share}.",
        share=f"{data.status.explained:.0%}",
    )
    return _section(say("Importance of the groups"), importance(data.status.importance) + _small(explained))


def _trials(data: StudyData) -> str:
    rows = _rows(data.trial_row(trial) for trial in data.status.trials)
    shown = table([data.say(title) for title in TRIAL_HEADER], 4, rows)
    title = f"{data.say('Candidates')} ({len(data.status.trials)})"
    return f"<section><details open><summary>{escape(title)}</summary>{shown}</details></section>"


def _facts(data: StudyData) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in data.facts())
    return _section(data.say("How it was measured"), f'<dl class="facts">{rows}</dl>')


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _small(text: str) -> str:
    return f'<p class="muted small">{escape(text)}</p>'


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "".join(f'<tr><th scope="row">{escape(first)}</th>{"".join(map(number_cell, rest))}</tr>' for first, *rest in rows)
