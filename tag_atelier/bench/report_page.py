"""The report as one HTML page that needs no network. Used by ``bench.report`` only; style and script lie beside it."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Any

from tag_atelier.bench import report_curve, report_people
from tag_atelier.bench.report_data import (
    DASH,
    Mark,
    ReportData,
    headline,
    one_decimal,
    percent,
    percent_range,
    points,
    points_range,
    spaced,
)
from tag_atelier.bench.report_tables import card_sentence, deviation_row, facts, left_out, p_value
from tag_atelier.bench.score import TELLS_NOTHING, CheckpointScore, TagScore
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import StoredCell

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
        report_people.section(data),
        _gallery(data),
        _tag_table(data),
        _pairs(data),
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
        + f"\n</main>\n{_dialog(data)}\n<script>\n{script}</script>\n</body>\n</html>\n"
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
        f'{note}<div class="headline"><p class="result">{escape(first)}</p><ul>{lines}</ul></div></header>'
    )


def _passages(data: ReportData) -> str:
    return "\n".join(
        f'<section><h2>{escape(data.say(passage.title))}</h2><pre class="passage">{escape(passage.text)}</pre></section>'
        for passage in data.passages
    )


def _leaderboard(data: ReportData) -> str:
    say = data.say
    rows = "".join(_board_row(data, item) for item in data.evaluation.ranked)
    titles = ["Tier", "Checkpoint", "Accuracy and 95 % interval", "Hits", "False alarms", "Lift (points)", "Ranks first"]
    titles += ["Keeping", "Came unasked"]
    titles += ["Against the others"] if len(data.checkpoints) > 1 else []
    explained = say(
        "Hit: the tagger's probability of the tag is at least {threshold}. False alarms: the same tag seen in this "
        "checkpoint's other pictures, which do not ask for it. Lift: accuracy minus false alarms. Checkpoints of one tier "
        "are not separable. Keeping: the template's tags that the baseline shows and a tag's picture still shows. Came "
        "unasked: labels that are in a tag's picture, not in the baseline and not in the prompt.",
        threshold=f"{data.evaluation.threshold:.4g}",
    )
    return (
        f"<section><h2>{escape(say('Checkpoints'))}</h2><div class='board'>{_table([say(title) for title in titles], 3, rows)}"
        "</div>"
        f'<p class="muted small">{escape(explained)}</p>{_slots(data)}{_deviations(data)}</section>'
    )


def _board_row(data: ReportData, item: CheckpointScore) -> str:
    ranks, others = item.first_ranks, item.versus_others
    return (
        f'<tr><td><span class="tier">{item.tier}</span></td><th scope="row" title="{escape(item.identity)}">'
        f"{escape(item.name)}</th><td>{_bar(item.accuracy)}</td>"
        + _cell(f"{item.hits} / {item.drawn}")
        + _cell(percent(item.control_rate))
        + _cell(points(item.lift.value), points_range(item.lift))
        + _cell(percent(ranks.value), percent_range(ranks))
        + (_share(item.keeping) if item.keeping else _cell(DASH))
        + _cell(one_decimal(item.came_unasked))
        + (_cell(points(others.value), points_range(others)) if others else "")
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
        f'<tr><th scope="row">{escape(data.say(slot))}</th>'
        + "".join(_share(item.by_slot[slot]) for item in data.checkpoints)
        + "</tr>"
        for slot in slots
    )
    table = _table([data.say("Slot"), *(item.name for item in data.checkpoints)], 1, rows)
    return f"<details><summary>{escape(data.say('By slot'))}</summary>{table}</details>"


def _deviations(data: ReportData) -> str:
    blocks = ""
    titles = [data.say(title) for title in ("Direction", "Accuracy", "Mean of the others", "Deviation")]
    for item, lines in data.deviations():
        rows = ""
        for line in lines:
            title, *values = deviation_row(data, line)
            rows += f'<tr><th scope="row">{escape(title)}</th>{"".join(_cell(value) for value in values)}</tr>'
        blocks += f"<h3 class='part'>{escape(item.name)}</h3>{_table(titles, 1, rows)}"
        blocks += f"<p class='muted small'>{escape(card_sentence(data, item, lines))}</p>"
    return f"<details><summary>{escape(data.say('By direction'))}</summary>{blocks}</details>" if blocks else ""


def _gallery(data: ReportData) -> str:
    say, cells, scores = data.say, data.cell_at(), data.score_of()
    about = {tag["name"]: tag for tag in data.tags}
    cards = [_card(data, tags, about.get("".join(tags), {}), cells, scores) for tags in data.rows]
    filters = [
        ("all", "All"),
        ("miss", "Missed by some"),
        ("differ", "Checkpoints differ"),
        ("unscored", "Unknown to the tagger"),
    ]
    buttons = "".join(
        f'<button type="button" data-filter="{key}"{_pressed(key == "all")}>{escape(say(title))}</button>'
        for key, title in filters
    )
    return (
        f'<section><div class="line"><h2>{escape(say("Pictures"))}</h2><div class="filters" role="group">'
        f"{buttons}{report_people.buttons(data)}</div></div>"
        f'<div class="cards" style="--columns:{max(1, len(data.checkpoints))};--shape:{_shape(data)}">'
        f"{''.join(cards)}</div></section>"
    )


def _card(
    data: ReportData,
    tags: tuple[str, ...],
    about: dict[str, Any],
    cells: dict[tuple[int, tuple[str, ...], int], StoredCell],
    scores: dict[tuple[int, str], TagScore],
) -> str:
    title, say = data.title(tags), data.say
    figures, verdicts = [], set()
    for seed in data.evaluation.seeds:
        for position, item in enumerate(data.checkpoints):
            stored = cells.get((position, tags, seed))
            mark = data.mark(stored)
            verdicts.add(mark.verdict)
            figures.append(_figure(data, stored, f"{title} · {item.name} · {say('seed {seed}', seed=seed)}", mark))
    known = not tags or any(tag in data.evaluation.scored for tag in tags)
    kinds = ["miss"] if verdicts & {"miss", "some"} else []
    kinds += ["differ"] if len(verdicts & {"hit", "miss", "some"}) > 1 else []
    kinds += [] if known else ["unscored"]
    chinese = data.chinese_name.get("".join(tags), "")
    heads = "".join(f"<span title='{escape(item.name)}'>{escape(item.name)}</span>" for item in data.checkpoints)
    return (
        f'<article class="card{"" if tags else " baseline"}" data-kinds="{" ".join(kinds)}"><h3>{escape(title)}'
        f"{f' <small>{escape(chinese)}</small>' if chinese else ''}</h3>"
        f'<p class="muted small">{" · ".join(_card_facts(data, tags, about, scores))}</p>'
        f'<div class="grid heads">{heads}</div><div class="grid">{"".join(figures)}</div></article>'
    )


def _card_facts(
    data: ReportData, tags: tuple[str, ...], about: dict[str, Any], scores: dict[tuple[int, str], TagScore]
) -> list[str]:
    say, name = data.say, "".join(tags[:1])
    if not tags:
        return [escape(say("the prompt without a tag"))]
    if len(tags) > 1:
        return []
    lines = [escape(say(about["slot"]))] if about.get("slot", "unknown") != "unknown" else []
    lines += [escape(say("{count} posts", count=f"{about['posts']:,}"))] if about.get("posts") else []
    alarms = [scores[position, name].control_rate for position in range(len(data.checkpoints)) if (position, name) in scores]
    unasked = any(rate >= TELLS_NOTHING for rate in alarms)
    lines += [f'<span class="badge warn">{escape(say("there unasked"))}</span>'] if unasked else []
    if data.published is not None and name in data.published.answers:
        said = say("by eye elsewhere: {answer}", answer=say(data.published.answers[name]))
        lines.append(f'<span class="badge" title="{escape(say(data.published.source))}">{escape(said)}</span>')
    label = data.evaluation.labels.get(name)
    if label is not None:
        sentence = "looked for as {label}" if label.status == "alias" else "only the broader {label} is known: in no number"
        lines.append(f'<span class="badge">{escape(say(sentence, label=spaced(label.name)))}</span>')
    elif name not in data.evaluation.scored:
        lines.append(f'<span class="badge">{escape(say("unscored"))}</span>')
    return lines


def _figure(data: ReportData, stored: StoredCell | None, title: str, mark: Mark) -> str:
    if stored is None or stored.state != "done":
        state = data.say(stored.state) if stored is not None else data.say("planned")
        reason = stored.reason if stored is not None else ""
        return f'<div class="blank" title="{escape(reason)}">{escape(state)}</div>'
    label = f'<span class="mark">{mark.text}</span>' if mark.text else ""
    full = f"{data.images}{stored.image.name}" if stored.image is not None and data.images else ""
    return (
        f'<button type="button" class="shot {mark.verdict}" data-title="{escape(title)}" data-full="{escape(full)}" '
        f'data-key="{stored.cell.key}" data-value="{mark.value:.4f}" data-change="{escape(data.change_line(stored))}" '
        f'data-infotext="{escape(stored.infotext)}"><img src="{escape(data.picture(stored))}" alt="{escape(title)}" '
        f'loading="lazy" decoding="async">{label}{report_people.badge(data, stored)}</button>'
    )


def _tag_table(data: ReportData) -> str:
    say, scores = data.say, data.score_of()
    if not data.evaluation.scored:
        return ""
    names = "".join(f'<th colspan="4" class="group">{escape(item.name)}</th>' for item in data.checkpoints)
    measures = "".join(
        f'<th class="n"><button type="button">{escape(say(title))}</button></th>'
        for title in ("Hits", "False alarms", "Lift", "Rank")
    )
    rows = ""
    for tag in data.tags:
        if tag["name"] not in data.evaluation.scored:
            continue
        cells = "".join(_measures(scores[position, tag["name"]]) for position in range(len(data.checkpoints)))
        rows += f'<tr><th scope="row">{escape(spaced(tag["name"]))}</th>{_number(tag.get("posts"))}{cells}</tr>'
    explained = say(
        "Rank: the place of the picture by this tag's probability among itself and the pictures that do not ask for it; "
        "it needs no threshold."
    )
    return (
        f"<section><h2>{escape(say('Tags'))}</h2><div class='scroll'><table class='sortable'><thead>"
        f"<tr><th></th><th></th>{names}</tr><tr><th><button type='button'>{escape(say('Tag'))}</button></th>"
        f"<th class='n'><button type='button'>{escape(say('Posts'))}</button></th>{measures * len(data.checkpoints)}</tr>"
        f"</thead><tbody>{rows}</tbody></table></div><p class='muted small'>{escape(explained)}</p></section>"
    )


def _measures(score: TagScore) -> str:
    good = "" if not score.drawn else " good" if score.hits == score.drawn else " bad" if not score.hits else ""
    rank = min(score.ranks) if score.ranks else None
    ranks = ", ".join(str(value) for value in score.ranks) or DASH
    return (
        f'<td class="n{good}" data-v="{_sortable(score.rate)}">{score.hits}/{score.drawn}</td>'
        f'<td class="n" data-v="{_sortable(score.control_rate)}">{score.false_alarms}/{score.controls}</td>'
        f'<td class="n" data-v="{_sortable(score.lift)}">{points(score.lift)}</td>'
        f'<td class="n" data-v="{rank or 1e9}">{ranks} <span class="muted">/ {score.controls + 1}</span></td>'
    )


def _pairs(data: ReportData) -> str:
    say = data.say
    if not data.evaluation.pairs:
        return ""
    titles = ["Pair", "Difference (points)", "95 % interval", "Only the first", "Only the second", "p", "p (Holm)"]
    rows = "".join(
        f'<tr><th scope="row">{escape(pair.first)} − {escape(pair.second)}</th>'
        + _cell(points(pair.difference.value))
        + _cell(points_range(pair.difference))
        + _cell(str(pair.only_first))
        + _cell(str(pair.only_second))
        + _cell(p_value(pair.p))
        + _cell(p_value(pair.p_holm))
        + "</tr>"
        for pair in data.evaluation.pairs
    )
    explained = say("The same tags and seeds on both: exact paired test, corrected for the number of pairs after Holm.")
    return (
        f"<section><h2>{escape(say('Pairs'))}</h2>{_table([say(title) for title in titles], 1, rows)}"
        f'<p class="muted small">{escape(explained)}</p></section>'
    )


def _left_out(data: ReportData) -> str:
    blocks = ""
    for title, lines in left_out(data):
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        blocks += f"<details open><summary>{escape(title)} ({len(lines)})</summary><ul>{items}</ul></details>"
    return f"<section><h2>{escape(data.say('Left out of the numbers'))}</h2>{blocks}</section>" if blocks else ""


def _facts(data: ReportData) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(data))
    return f'<section><h2>{escape(data.say("How it was measured"))}</h2><dl class="facts">{rows}</dl></section>'


def _dialog(data: ReportData) -> str:
    say = data.say
    return (
        '<dialog id="viewer"><div class="line"><h3></h3><button type="button" class="close" '
        f'aria-label="{escape(say("Close"))}">×</button></div><div class="view"><img alt=""><div>'
        '<p class="small change"></p><pre></pre>'
        f'<p><button type="button" class="copy" data-done="{escape(say("Copied"))}">{escape(say("Copy parameters"))}</button> '
        f'<a target="_blank" rel="noopener">{escape(say("Full size"))}</a></p>{report_people.keys(data)}</div></div></dialog>'
    )


def _shape(data: ReportData) -> str:
    parameters = data.manifest.get("parameters", {})
    return f"{parameters.get('width', 1)}/{parameters.get('height', 1)}"


def _number(value: object) -> str:
    return (
        f'<td class="n" data-v="{value}">{value:,}</td>' if isinstance(value, int) else f'<td class="n" data-v="-1">{DASH}</td>'
    )


def _sortable(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else "-9"


def _table(titles: list[str], numeric_from: int, rows: str) -> str:
    heads = "".join(
        f"<th{' class=n' if index >= numeric_from else ''}>{escape(title)}</th>" for index, title in enumerate(titles)
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(text: str, muted: str = "") -> str:
    more = f' <span class="muted">{escape(muted)}</span>' if muted else ""
    return f'<td class="n">{escape(text)}{more}</td>'


def _share(interval: Interval) -> str:
    return _cell(percent(interval.value), percent_range(interval) if math.isfinite(interval.value) else "")


def _pressed(wanted: bool) -> str:
    return f' aria-pressed="{"true" if wanted else "false"}"'
