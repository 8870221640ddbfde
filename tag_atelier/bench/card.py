"""A model card from a run: ConfusionXL's table, its sentence, and its rows of pictures with both names and verdicts."""

from __future__ import annotations

from pathlib import Path

from tag_atelier.bench.report_data import DASH, ReportData, percent, percent_range
from tag_atelier.bench.report_tables import card_sentence, deviation_table, escaped, markdown_table
from tag_atelier.bench.score import CheckpointScore
from tag_atelier.bench.sheet import thumbnail
from tag_atelier.bench.store import StoredCell

FOLDER = "card"
SIDE = 640
"""Longest side of a card's picture."""
SHOWN = 64
"""So many pictures of a checkpoint at most; the report has all."""
IN_A_ROW = 4


def card(data: ReportData, folder: Path) -> str:
    """Markdown for every checkpoint in the plan's order; its pictures are written into ``folder / "card"``."""
    say = data.say
    parts = [f"# {escaped(data.name)}"]
    told = {item.name: lines for item, lines in data.deviations()}
    for position, item in enumerate(data.checkpoints):
        parts.append(f"## {escaped(item.name)}")
        lines = told.get(item.name)
        if lines is not None:
            parts += [escaped(card_sentence(data, item, lines)), deviation_table(data, lines)]
        parts.append(escaped(_accuracy(data, item)))
        parts += _rows(data, position, folder)
    parts.append(f"*{escaped(say('Measured with Tag Atelier; how, and every number with its interval: report.html.'))}*")
    return "\n\n".join(part for part in parts if part) + "\n"


def _accuracy(data: ReportData, item: CheckpointScore) -> str:
    return data.say(
        "Accuracy {rate} (95 % interval {range}) over {tags} tags, seeds {seeds}, judged by {judge} at {threshold}.",
        rate=percent(item.accuracy.value),
        range=percent_range(item.accuracy),
        tags=len(item.tags),
        seeds=", ".join(map(str, data.evaluation.seeds)),
        judge=data.evaluation.scorer.split(" ")[0],
        threshold=f"{data.evaluation.threshold:g}",
    )


def _rows(data: ReportData, position: int, folder: Path) -> list[str]:
    """Tables of pictures with their names and verdicts below."""
    seed = data.evaluation.seeds[0] if data.evaluation.seeds else 0
    mine = [item for item in data.cells if item.cell.checkpoint == position and item.cell.seed == seed and item.cell.tags]
    drawn = [item for item in mine if item.state == "done"][:SHOWN]
    tables = []
    for start in range(0, len(drawn), IN_A_ROW):
        cells = [_cell(data, stored, folder) for stored in drawn[start : start + IN_A_ROW]]
        tables.append(markdown_table([picture for picture, _ in cells], [[text for _, text in cells]], raw=True))
    return tables


def _cell(data: ReportData, stored: StoredCell, folder: Path) -> tuple[str, str]:
    name = escaped(data.title(stored.cell.tags))
    chinese = escaped(data.chinese_name.get("".join(stored.cell.tags), ""))
    path = thumbnail(stored, folder / FOLDER, SIDE)
    shown = f"![{name}]({FOLDER}/{path.name})" if path is not None else DASH
    return shown, " ".join(part for part in (f"**{name}**", chinese, escaped(_verdict(data, stored))) if part)


def _verdict(data: ReportData, stored: StoredCell) -> str:
    """A person's word where there is one, else the tagger's."""
    given = data.verdicts.get(stored.cell.key)
    if given is None:
        return data.mark(stored).text
    but = data.say("but…") if given.but else ""
    return " ".join(part for part in (data.say(given.answer), but, given.note) if part)
