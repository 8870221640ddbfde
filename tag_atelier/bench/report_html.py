"""Small pieces of HTML that the report's sections share. Used by ``bench.report_*`` only."""

from __future__ import annotations

import math
from html import escape

from tag_atelier.bench.report_data import DASH, percent, percent_range
from tag_atelier.bench.stats import Interval


def number(value: object) -> str:
    """A table cell of a whole number that sorts as one; a dash for anything else."""
    return (
        f'<td class="n" data-v="{value}">{value:,}</td>' if isinstance(value, int) else f'<td class="n" data-v="-1">{DASH}</td>'
    )


def sortable(value: float) -> str:
    """A number as the page's script sorts it."""
    return f"{value:.6f}" if math.isfinite(value) else "-9"


def table(titles: list[str], numeric_from: int, rows: str) -> str:
    """A table that scrolls; columns from ``numeric_from`` on are right-aligned. ``rows`` is HTML."""
    heads = "".join(
        f"<th{' class=n' if index >= numeric_from else ''}>{escape(title)}</th>" for index, title in enumerate(titles)
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def number_cell(text: str, muted: str = "") -> str:
    """A right-aligned cell with an optional quiet addition."""
    more = f' <span class="muted">{escape(muted)}</span>' if muted else ""
    return f'<td class="n">{escape(text)}{more}</td>'


def share_cell(interval: Interval) -> str:
    """A share with its interval."""
    return number_cell(percent(interval.value), percent_range(interval) if math.isfinite(interval.value) else "")


def pressed(wanted: bool) -> str:
    """The attribute of a button that stays pressed."""
    return f' aria-pressed="{"true" if wanted else "false"}"'
