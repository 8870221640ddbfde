"""A study's numbers as inline SVG: how the search converged, and which groups mattered. Used by ``tune.report_page``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from tag_atelier.tune.report_data import StudyData

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 760, 280, 52, 30
_BEST, _MEAN, _EACH = "#3d5a98", "#c8662e", "#8d94a3"


def convergence(data: StudyData) -> str:
    """Every candidate's lift over the best parent, the best so far and where the search looks; the parents' line is 0."""
    points = data.status.convergence
    tried = [trial for trial in data.status.trials if trial.number and trial.phase in ("search", "refine")]
    if not points:
        return ""
    each = [(i + 1.0, trial.objective) for i, trial in enumerate(tried) if trial.objective is not None]
    values = [0.0, *(value for _, value in each), *(value for point in points for value in (point.best, point.mean))]
    sane = [value for value in values if _is_sane(value)]
    x, y = _scales(len(points), sane)
    say = data.say
    title = escape(say("Lift over the best parent, candidate by candidate"))
    levels = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y(level):.1f}" y2="{y(level):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(level) + 4:.1f}" text-anchor="end">{f"{level:+.2f}" if level else "0"}</text>'
        for level in _levels(sane)
    )
    ticks = "".join(
        f'<text x="{x(number):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{number}</text>'
        for number in sorted({1, (1 + len(points)) // 2, len(points)})
    )
    dots = "".join(f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="3"/>' for at, value in each if _is_sane(value))
    curves = ((_MEAN, [(p.trial, p.mean) for p in points]), (_BEST, [(p.trial, p.best) for p in points]))
    lines = "".join(f'<g style="--line:{colour}"><polyline points="{_path(curve, x, y)}"/></g>' for colour, curve in curves)
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(say(name))}</span>'
        for colour, name in (
            (_BEST, "Best so far (the luckiest, never the answer)"),
            (_MEAN, "Mean of the last eight: where the search looks"),
            (_EACH, "One candidate"),
        )
    )
    return (
        f'<figure class="plot"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>'
        f'{levels}{ticks}<line class="parents" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>'
        f'<text x="{_WIDTH - 10}" y="{y(0) - 6:.1f}" text-anchor="end">{escape(say("best parent"))}</text>'
        f'<g style="--line:{_EACH}">{dots}</g>{lines}</svg><figcaption>{legend}</figcaption></figure>'
    )


def importance(shares: Mapping[str, float]) -> str:
    """One bar per group; ``shares`` 0…1."""
    rows = "".join(
        f'<tr><th scope="row">{escape(group)}</th>'
        f'<td><div class="bar"><i class="fill" style="width:{100 * share:.1f}%"></i></div></td>'
        f'<td class="n">{share:.0%}</td></tr>'
        for group, share in shares.items()
    )
    return f'<div class="scroll"><table class="importance"><tbody>{rows}</tbody></table></div>'


def _is_sane(value: float) -> bool:
    """Broken candidates stand at −1 and below, where they would flatten the rest."""
    return math.isfinite(value) and value > -1


def _scales(count: int, values: Sequence[float]) -> tuple[Callable[[float], float], Callable[[float], float]]:
    low, high = min(values), max(values)
    width = max(high - low, 0.02)

    def x(number: float) -> float:
        return _LEFT + 16 + (number - 1) * (_WIDTH - _LEFT - 40) / max(1, count - 1)

    def y(value: float) -> float:
        return 12 + (high - value) / width * (_HEIGHT - _BOTTOM - 24)

    return x, y


def _levels(values: Sequence[float]) -> list[float]:
    """Round values that cut the range into about four."""
    low, high = min(values), max(values)
    rough = max(high - low, 0.02) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step)
    return [round(i * step, 6) for i in range(first, math.floor(high / step) + 1)]


def _path(points: Sequence[tuple[float, float]], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    return " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points if _is_sane(value))
