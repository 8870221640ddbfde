"""The report's tables of tags and of pairs, with the tags on which a pair differs. Used by ``bench.report_page``."""

from __future__ import annotations

from html import escape

from tag_atelier.bench.report_data import DASH, ReportData, points, points_range, spaced
from tag_atelier.bench.report_html import number, number_cell, sortable, table
from tag_atelier.bench.report_tables import p_value
from tag_atelier.bench.score import Pair, TagScore

ROWS_AT_ONCE = 100
"""Rows of the table of tags that are laid out at once: a table of tens of thousands of cells makes every scroll slow."""
SHOWN_TAGS = 200
"""Tags named per list of a pair; the table of tags has all of them."""


def tags(data: ReportData) -> str:
    """Hits, false alarms, lift and rank of every tag on every checkpoint; sortable."""
    say, scores = data.say, data.score_of()
    if not data.evaluation.scored:
        return ""
    names = "".join(f'<th colspan="4" class="group">{escape(item.name)}</th>' for item in data.checkpoints)
    measures = "".join(
        f'<th class="n"><button type="button">{escape(say(title))}</button></th>'
        for title in ("Hits", "False alarms", "Lift", "Rank")
    )
    rows, known = "", set(data.evaluation.scored)
    scored = [tag for tag in data.tags if tag["name"] in known]
    for place, tag in enumerate(scored):
        cells = "".join(_measures(scores[position, tag["name"]]) for position in range(len(data.checkpoints)))
        hidden = " hidden" if place >= ROWS_AT_ONCE else ""
        rows += f'<tr{hidden}><th scope="row">{escape(spaced(tag["name"]))}</th>{number(tag.get("posts"))}{cells}</tr>'
    more = ""
    if len(scored) > ROWS_AT_ONCE:
        title = say("Show more tags ({count} in all)", count=len(scored))
        more = f'<p class="filters"><button type="button" class="more" data-step="{ROWS_AT_ONCE}">{escape(title)}</button></p>'
    explained = say(
        "Rank: the place of the picture by this tag's probability among itself and the pictures that do not ask for it; "
        "it needs no threshold."
    )
    return (
        f"<section><h2>{escape(say('Tags'))}</h2><div class='scroll'><table class='sortable'><thead>"
        f"<tr><th></th><th></th>{names}</tr><tr><th><button type='button'>{escape(say('Tag'))}</button></th>"
        f"<th class='n'><button type='button'>{escape(say('Posts'))}</button></th>{measures * len(data.checkpoints)}</tr>"
        f"</thead><tbody>{rows}</tbody></table></div>{more}<p class='muted small'>{escape(explained)}</p></section>"
    )


def _measures(score: TagScore) -> str:
    good = "" if not score.drawn else " good" if score.hits == score.drawn else " bad" if not score.hits else ""
    rank = min(score.ranks) if score.ranks else None
    ranks = ", ".join(str(value) for value in score.ranks) or DASH
    return (
        f'<td class="n{good}" data-v="{sortable(score.rate)}">{score.hits}/{score.drawn}</td>'
        f'<td class="n" data-v="{sortable(score.control_rate)}">{score.false_alarms}/{score.controls}</td>'
        f'<td class="n" data-v="{sortable(score.lift)}">{points(score.lift)}</td>'
        f'<td class="n" data-v="{rank or 1e9}">{ranks} <span class="muted">/ {score.controls + 1}</span></td>'
    )


def pairs(data: ReportData) -> str:
    """Every two checkpoints compared, and the tags that only one of them draws."""
    say = data.say
    if not data.evaluation.pairs:
        return ""
    titles = ["Pair", "Difference (points)", "95 % interval", "Only the first", "Only the second", "p", "p (Holm)"]
    rows = "".join(
        f'<tr><th scope="row">{escape(pair.first)} − {escape(pair.second)}</th>'
        + number_cell(points(pair.difference.value))
        + number_cell(points_range(pair.difference))
        + number_cell(str(pair.only_first))
        + number_cell(str(pair.only_second))
        + number_cell(p_value(pair.p))
        + number_cell(p_value(pair.p_holm))
        + "</tr>"
        for pair in data.evaluation.pairs
    )
    explained = say("The same tags and seeds on both: exact paired test, corrected for the number of pairs after Holm.")
    return (
        f"<section><h2>{escape(say('Pairs'))}</h2>{table([say(title) for title in titles], 1, rows)}"
        f"{''.join(_discordant(data, pair) for pair in data.evaluation.pairs)}"
        f'<p class="muted small">{escape(explained)}</p></section>'
    )


def _discordant(data: ReportData, pair: Pair) -> str:
    """The tags that come out differently on the two, and a button that shows their pictures alone."""
    names = [item.name for item in data.checkpoints]
    first, second = names.index(pair.first), names.index(pair.second)
    lists: dict[str, list[str]] = {pair.first: [], pair.second: []}
    for one, other in zip(data.checkpoints[first].tags, data.checkpoints[second].tags, strict=True):
        if one.rate != other.rate and one.drawn and other.drawn:
            lists[pair.first if one.rate > other.rate else pair.second].append(spaced(one.tag))
    if not any(lists.values()):
        return ""
    lines = "".join(
        f"<p><strong>{escape(data.say('Only or more often on {name}', name=name))}</strong> ({len(found)}): "
        f"{escape(', '.join(found[:SHOWN_TAGS]))}{' …' if len(found) > SHOWN_TAGS else ''}</p>"
        for name, found in lists.items()
        if found
    )
    title = escape(f"{pair.first} − {pair.second}")
    button = f'<button type="button" data-pair="{first},{second}">{escape(data.say("Show these pictures"))}</button>'
    return f'<details><summary>{title}</summary><div class="filters">{button}</div>{lines}</details>'
