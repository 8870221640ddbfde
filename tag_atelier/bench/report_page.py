"""The report as one HTML page that needs no network. Used by ``bench.report`` only; style and script lie beside it."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from tag_atelier.bench import report_curve, report_gallery, report_numbers, report_people, report_scatter
from tag_atelier.bench.judge import judge_warning
from tag_atelier.bench.mosaic import best_hits
from tag_atelier.bench.report_data import (
    DASH,
    ReportData,
    headline,
    measured,
    measured_range,
    one_decimal,
    percent,
    percent_range,
    points,
    points_range,
)
from tag_atelier.bench.report_html import number_cell, share_cell, table
from tag_atelier.bench.report_tables import card_sentence, deviation_row, facts, left_out
from tag_atelier.bench.score import CheckpointScore
from tag_atelier.bench.stats import Interval

_FOLDER = Path(__file__).resolve().parent


def page(data: ReportData) -> str:
    """The whole page; every text from outside is escaped."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    script = (_FOLDER / "report.js").read_text(encoding="utf-8")
    code = "zh-CN" if data.language == "zh_CN" else "en"
    sections = [
        _head(data),
        _passages(data),
        _leaderboard(data),
        report_curve.section(data),
        report_scatter.section(data),
        report_people.section(data),
        _mosaic(data),
        report_gallery.section(data),
        report_numbers.tags(data),
        report_numbers.pairs(data),
        _left_out(data),
        _facts(data),
    ]
    return (
        f'<!doctype html>\n<html lang="{code}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data: 'self' file:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        f"<title>{escape(data.name)} · Tag Atelier</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + f"\n</main>\n{report_gallery.dialog(data)}\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _head(data: ReportData) -> str:
    say, found = data.say, data.evaluation
    counts = say(
        "{tags} tags · {checkpoints} checkpoints · seeds {seeds} · {images} pictures with the baselines",
        tags=len(data.tags),
        checkpoints=len(data.checkpoints),
        seeds=", ".join(map(str, found.seeds)),
        images=len(data.cells),
    )
    badge = f' <span class="badge warn">{escape(say("Partial"))}</span>' if found.partial else ""
    date = str(data.manifest.get("finished_at") or data.manifest.get("started_at", ""))[:10]
    first, *rest = (line.replace(" %", "\N{NO-BREAK SPACE}%") for line in headline(data))
    lines = "".join(f"<li>{escape(line)}</li>" for line in rest)
    note = f'<p class="note">{escape(say(data.note))}</p>' if data.note else ""
    return (
        f'<header><p class="brand">Tag Atelier · {escape(say("Rare-tag benchmark"))}</p><h1>{escape(data.name)}{badge}</h1>'
        f'<p class="muted">{escape(counts)} · {escape(date)}</p>'
        f'{note}<div class="headline"><p class="result">{escape(first)}</p><ul>{lines}</ul></div>{_warnings(data)}</header>'
    )


def _warnings(data: ReportData) -> str:
    """What to know of the tagger before its numbers are believed."""
    found = [judge_warning(data.evaluation.scorer), str(data.manifest.get("scorer_note", ""))]
    return "".join(f'<p class="warning">{escape(data.say(sentence))}</p>' for sentence in found if sentence)


def _mosaic(data: ReportData) -> str:
    found = len(best_hits(data))
    if not found:
        return ""
    title = data.say("Characters drawn best")
    line = data.say("{count} characters that are hit, each by its surest picture.", count=found)
    return (
        f'<section><h2>{escape(title)}</h2><img class="mosaic" alt="{escape(title)}" loading="lazy" '
        f'src="{escape(data.mosaic)}"><p class="muted small">{escape(line)}</p></section>'
    )


def _passages(data: ReportData) -> str:
    return "\n".join(
        f'<section><h2>{escape(data.say(passage.title))}</h2><pre class="passage">{escape(passage.text)}</pre></section>'
        for passage in data.passages
    )


def _leaderboard(data: ReportData) -> str:
    say = data.say
    columns = data.diversity_columns()
    rows = "".join(_board_row(data, item, columns) for item in data.evaluation.ranked)
    titles = ["Tier", "Checkpoint", "Accuracy and 95 % interval", "Hits", "False alarms", "Lift (points)", "Ranks first"]
    titles += ["Keeping", "Came unasked"]
    titles += ["Against the others"] if len(data.checkpoints) > 1 else []
    titles += [title for title, _ in columns]
    explained = say(
        "Hit: the tagger's probability of the tag is at least {threshold}. False alarms: the same tag seen in this "
        "checkpoint's other pictures, which do not ask for it. Lift: accuracy minus false alarms. Checkpoints of one tier "
        "are not separable. Keeping: the template's tags that the baseline shows and a tag's picture still shows. Came "
        "unasked: labels that are in a tag's picture, not in the baseline and not in the prompt.",
        threshold=f"{data.evaluation.threshold:.4g}",
    )
    return (
        f"<section><h2>{escape(say('Checkpoints'))}</h2><div class='board'>{table([say(title) for title in titles], 3, rows)}"
        "</div>"
        f'<p class="muted small">{escape(explained)}</p>{_slots(data)}{_deviations(data)}</section>'
    )


def _board_row(data: ReportData, item: CheckpointScore, columns: list[tuple[str, list[Interval | None]]]) -> str:
    place = list(data.checkpoints).index(item)
    ranks, others = item.first_ranks, item.versus_others
    return (
        f'<tr><td><span class="tier">{item.tier}</span></td><th scope="row" title="{escape(item.identity)}">'
        f"{escape(item.name)}</th><td>{_bar(item.accuracy)}</td>"
        + number_cell(f"{item.hits} / {item.drawn}")
        + number_cell(percent(item.control_rate))
        + number_cell(points(item.lift.value), points_range(item.lift))
        + number_cell(percent(ranks.value), percent_range(ranks))
        + (share_cell(item.keeping) if item.keeping else number_cell(DASH))
        + number_cell(one_decimal(item.came_unasked))
        + (number_cell(points(others.value), points_range(others)) if others else "")
        + "".join(number_cell(measured(values[place]), measured_range(values[place])) for _, values in columns)
        + "</tr>"
    )


def _bar(interval: Interval) -> str:
    if not math.isfinite(interval.value):
        return DASH
    low, value, high = (100 * number for number in (interval.low, interval.value, interval.high))
    return (
        f'<div class="interval"><strong>{percent(interval.value)}</strong><div class="bar" role="img" '
        f'aria-label="{percent(interval.value)} ({percent_range(interval)})">'
        f'<i class="fill" style="width:{value:.1f}%"></i>'
        f'<i class="range" style="left:{low:.1f}%;width:{high - low:.1f}%"></i></div>'
        f'<span class="muted">{percent_range(interval)}</span></div>'
    )


def _slots(data: ReportData) -> str:
    slots = sorted({slot for item in data.checkpoints for slot in item.by_slot})
    if len(slots) < 2:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(data.slot(slot))}</th>'
        + "".join(share_cell(item.by_slot[slot]) for item in data.checkpoints)
        + "</tr>"
        for slot in slots
    )
    shown = table([data.say("Slot"), *(item.name for item in data.checkpoints)], 1, rows)
    return f"<details><summary>{escape(data.say('By slot'))}</summary>{shown}</details>"


def _deviations(data: ReportData) -> str:
    blocks = ""
    titles = [data.say(title) for title in ("Direction", "Accuracy", "Mean of the others", "Deviation")]
    for item, lines in data.deviations():
        rows = ""
        for line in lines:
            title, *values = deviation_row(data, line)
            rows += f'<tr><th scope="row">{escape(title)}</th>{"".join(number_cell(value) for value in values)}</tr>'
        blocks += f"<h3 class='part'>{escape(item.name)}</h3>{table(titles, 1, rows)}"
        blocks += f"<p class='muted small'>{escape(card_sentence(data, item, lines))}</p>"
    return f"<details><summary>{escape(data.say('By direction'))}</summary>{blocks}</details>" if blocks else ""


def _left_out(data: ReportData) -> str:
    blocks = ""
    for title, lines in left_out(data):
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        blocks += f"<details open><summary>{escape(title)} ({len(lines)})</summary><ul>{items}</ul></details>"
    return f"<section><h2>{escape(data.say('Left out of the numbers'))}</h2>{blocks}</section>" if blocks else ""


def _facts(data: ReportData) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(data))
    return f'<section><h2>{escape(data.say("How it was measured"))}</h2><dl class="facts">{rows}</dl></section>'
