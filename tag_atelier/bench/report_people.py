"""The report's parts on verdicts by people: their agreement with the tagger, and the keys to give them. For ``report_page``."""

from __future__ import annotations

from html import escape

from tag_atelier.bench.published import ANSWERS
from tag_atelier.bench.report_data import DASH, ReportData, percent, percent_range
from tag_atelier.bench.store import StoredCell
from tag_atelier.bench.verdicts import FEWEST_FOR_CORRECTION, agreement, corrected

_SIGNS = {"drawn": "✓", "absent": "✗", "unsure": "?", "broken": "!"}


def section(data: ReportData) -> str:
    """Published verdicts beside the tagger's, and how people and tagger agree; empty where nobody said anything."""
    blocks = [block for block in (_beside(data), _agreement(data)) if block]
    return f"<section><h2>{escape(data.say('By eye'))}</h2>{''.join(blocks)}</section>" if blocks else ""


def badge(data: ReportData, stored: StoredCell) -> str:
    """A person's verdict in the corner of a picture."""
    verdict = data.verdicts.get(stored.cell.key)
    if verdict is None:
        return ""
    sign = _SIGNS[verdict.answer] + ("…" if verdict.but else "")
    title = " · ".join(
        part for part in (data.say(verdict.answer), data.say("but…") if verdict.but else "", verdict.note) if part
    )
    return f'<span class="eye" title="{escape(title)}">{sign}</span>'


def buttons(data: ReportData) -> str:
    """Start judging, and export what was judged."""
    return (
        f'<button type="button" id="judge">{escape(data.say("Judge by eye"))}</button>'
        f'<button type="button" id="export" hidden data-label="{escape(data.say("Export verdicts"))}"></button>'
    )


def keys(data: ReportData) -> str:
    """The answers as buttons with their keys."""
    answers = "".join(
        f'<button type="button" data-answer="{answer}"><kbd>{number}</kbd> {escape(data.say(answer))}</button>'
        for number, answer in enumerate(ANSWERS, 1)
    )
    help_line = data.say("1 to 4 judge and go on, 5 marks a reservation, arrows turn the pages.")
    return (
        f'<div class="answers filters">{answers}'
        f'<button type="button" data-but><kbd>5</kbd> {escape(data.say("but…"))}</button></div>'
        f'<input class="say" type="text" placeholder="{escape(data.say("Note"))}">'
        f'<p class="muted small">{escape(help_line)}</p>'
    )


def _beside(data: ReportData) -> str:
    if data.published is None:
        return ""
    tags = [tag["name"] for tag in data.tags if tag["name"] in data.published.answers]
    if not tags:
        return ""
    scores = data.score_of()
    drawn = sum(data.published.answers[tag] == "drawn" for tag in tags)
    rows = f'<tr><th scope="row">{escape(data.say(data.published.source))}</th><td class="n">{drawn} / {len(tags)}</td></tr>'
    for position, item in enumerate(data.checkpoints):
        found = [scores[position, tag] for tag in tags if (position, tag) in scores]
        hits, seen = sum(score.hits for score in found), sum(score.drawn for score in found)
        rows += f'<tr><th scope="row">{escape(item.name)}</th><td class="n">{hits} / {seen}</td></tr>'
    heads = f"<th>{escape(data.say('Source'))}</th><th class=n>{escape(data.say('Tags drawn'))}</th>"
    explained = data.say("People judged the pictures of their own checkpoint; the tagger judged ours. Read them side by side.")
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="muted small">{escape(explained)}</p>'
    )


def _agreement(data: ReportData) -> str:
    found = agreement(data.evaluation, data.verdicts)
    if not found.judged:
        return ""
    line = data.say(
        "People judged {judged} pictures: both say drawn {both}, only people {only_people}, only the tagger {only_tagger}, "
        "neither {neither}; they agree on {share}.",
        judged=found.judged,
        both=found.both,
        only_people=found.only_people,
        only_tagger=found.only_tagger,
        neither=found.neither,
        share=percent(found.share),
    )
    rows = ""
    for item in data.checkpoints:
        rates = [tag.rate for tag in item.tags]
        better = corrected(data.evaluation, data.verdicts, rates, item.control_rate)
        shown = f"{percent(better.value)} ({percent_range(better)})" if better is not None else DASH
        rows += (
            f'<tr><th scope="row">{escape(item.name)}</th><td class="n">{percent(item.accuracy.value)}</td>'
            f'<td class="n">{shown}</td></tr>'
        )
    titles = [data.say(title) for title in ("Checkpoint", "Accuracy", "Corrected by the verdicts")]
    heads = "".join(f"<th{' class=n' if index else ''}>{escape(title)}</th>" for index, title in enumerate(titles))
    table = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<p>{escape(line)}</p>{table if found.judged >= FEWEST_FOR_CORRECTION else ''}"
