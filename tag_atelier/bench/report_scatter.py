"""The report's plot of accuracy against diversity, one mark per checkpoint. Used by ``bench.report_page`` only."""

from __future__ import annotations

import math
from html import escape

from tag_atelier.bench.report_data import ReportData, measured, percent
from tag_atelier.bench.stats import Interval

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 300, 48, 44, 12, 150
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def section(data: ReportData) -> str:
    """Plot and its reading; empty where no CLIP model measured how different pictures are."""
    found = [(title, values) for title, values in data.diversity_columns() if title != "CLIP score"]
    if not found:
        return ""
    title, values = found[0]
    points = [
        (item.name, item.accuracy, value)
        for item, value in zip(data.checkpoints, values, strict=True)
        if value is not None and math.isfinite(item.accuracy.value)
    ]
    if not points:
        return ""
    explained = data.say(
        "Diversity: 1 minus the mean cosine of CLIP's vectors of one prompt's pictures from seed to seed. Response: the same "
        "between a tag's picture and its baseline. Broken pictures look diverse, so read it beside the accuracy."
    )
    heading = data.say("Accuracy and diversity") if title == "Diversity" else data.say("Accuracy and response")
    return (
        f"<section><h2>{escape(heading)}</h2>{plot(data, title, points)}"
        f'<p class="muted small">{escape(explained)}</p></section>'
    )


def plot(data: ReportData, title: str, points: list[tuple[str, Interval, Interval]]) -> str:
    """SVG: diversity to the right from 0, accuracy upwards from 0 to 1, with both intervals and names."""
    most = max([value.high if math.isfinite(value.high) else value.value for _, _, value in points] + [0.05]) * 1.05
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(level):.1f}" y2="{_y(level):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{_y(level) + 4:.1f}" text-anchor="end">{percent(level)}</text>'
        for level in _STEPS
    )
    ticks = "".join(
        f'<text x="{_x(level * most, most):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{level * most:.2f}</text>'
        for level in _STEPS
    )
    marks = "".join(_mark(name, accuracy, value, most) for name, accuracy, value in points)
    label = escape(data.say(title))
    axis = f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">{label}</text>'
    spoken = escape(data.say("Accuracy of each checkpoint by how different its pictures are"))
    return (
        f'<figure class="plot"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{spoken}"><title>{spoken}</title>'
        f"{grid}{ticks}{axis}{marks}</svg></figure>"
    )


def _mark(name: str, accuracy: Interval, value: Interval, most: float) -> str:
    x, y = _x(value.value, most), _y(accuracy.value)
    low, high = (value.low, value.high) if math.isfinite(value.low) else (value.value, value.value)
    return (
        f'<g style="--line:var(--accent)"><line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(accuracy.low):.1f}" '
        f'y2="{_y(accuracy.high):.1f}"/><line class="range" x1="{_x(low, most):.1f}" x2="{_x(high, most):.1f}" y1="{y:.1f}" '
        f'y2="{y:.1f}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(name)}: {percent(accuracy.value)}, '
        f'{measured(value)}</title></circle></g><text x="{x + 8:.1f}" y="{y - 6:.1f}">{escape(name[:28])}</text>'
    )


def _x(value: float, most: float) -> float:
    return _LEFT + max(0.0, min(1.0, value / most)) * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _BOTTOM - _TOP)
