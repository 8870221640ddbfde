"""The report's section on prompts with many tags: a plot and its table. Used by ``bench.report_page`` only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tag_atelier.bench.multi import CurvePoint
from tag_atelier.bench.report_data import ReportData, percent
from tag_atelier.bench.report_tables import CURVE_HEADER, curve_rows

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 260, 44, 34
_COLOURS = ("#3d5a98", "#c8662e", "#16825d", "#8a4fa3", "#b09000", "#2e8fb0", "#b03060", "#6b7079")
"""Line colours, told apart in light and dark; marks differ as well."""


def section(data: ReportData) -> str:
    """Plot and table; empty where every prompt has one tag."""
    if not data.evaluation.curve:
        return ""
    say = data.say
    heads = "".join(f"<th{' class=n' if index else ''}>{escape(say(title))}</th>" for index, title in enumerate(CURVE_HEADER))
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="n">{escape(text)}</td>' for text in row[1:])
        + "</tr>"
        for row in curve_rows(data)
    )
    explained = say(
        "Seen: the mean share of a picture's tags that the tagger sees, with the interval over pictures. The smaller sets are "
        "the beginnings of the larger ones; contradictory tags never share a prompt."
    )
    return (
        f"<section><h2>{escape(say('Many tags in one prompt'))}</h2>{plot(data)}"
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="muted small">{escape(explained)}</p></section>'
    )


def plot(data: ReportData) -> str:
    """Recall against the number of tags as SVG: one line per checkpoint, with intervals."""
    sizes = sorted({point.size for point in data.evaluation.curve})
    names = list(dict.fromkeys(point.name for point in data.evaluation.curve))
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{_y(level):.1f}" y2="{_y(level):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{_y(level) + 4:.1f}" text-anchor="end">{percent(level)}</text>'
        for level in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    ticks = "".join(
        f'<text x="{_x(size, sizes):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{size}</text>' for size in sizes
    )
    lines = "".join(
        _line([point for point in data.evaluation.curve if point.name == name], sizes, _COLOURS[index % len(_COLOURS)])
        for index, name in enumerate(names)
    )
    legend = "".join(
        f'<span><i style="background:{_COLOURS[index % len(_COLOURS)]}"></i>{escape(name)}</span>'
        for index, name in enumerate(names)
    )
    title = escape(data.say("Share of the tags that are seen, by the number of tags in the prompt"))
    return (
        f'<figure class="plot"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>'
        f"{grid}{ticks}{lines}</svg><figcaption>{legend}</figcaption></figure>"
    )


def _line(points: Sequence[CurvePoint], sizes: Sequence[int], colour: str) -> str:
    drawn = [point for point in points if math.isfinite(point.recall.value)]
    path = " ".join(f"{_x(point.size, sizes):.1f},{_y(point.recall.value):.1f}" for point in drawn)
    marks = "".join(
        f'<line class="range" x1="{_x(p.size, sizes):.1f}" x2="{_x(p.size, sizes):.1f}" '
        f'y1="{_y(p.recall.low):.1f}" y2="{_y(p.recall.high):.1f}"/>'
        f'<circle cx="{_x(p.size, sizes):.1f}" cy="{_y(p.recall.value):.1f}" r="4"/>'
        for p in drawn
    )
    return f'<g style="--line:{colour}"><polyline points="{path}"/>{marks}</g>'


def _x(size: int, sizes: Sequence[int]) -> float:
    """Sizes stand at equal distances, as they double."""
    return _LEFT + 24 + sizes.index(size) * (_WIDTH - _LEFT - 56) / max(1, len(sizes) - 1)


def _y(share: float) -> float:
    return 10 + (1 - share) * (_HEIGHT - _BOTTOM - 14)
