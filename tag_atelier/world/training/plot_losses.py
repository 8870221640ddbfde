"""Draws the loss curves of all trainings in a work folder: ``… --work DIR --out PICTURE.png``."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

_WIDE, _HIGH, _EDGE = 360, 220, 34
_ORDER = ("vae", "tagger", "base", "face", "face-narrowed", "outfit")
_INK, _LINE, _GRID = (40, 40, 48), (48, 104, 200), (220, 222, 228)


def losses(path: Path) -> tuple[list[float], list[float]]:
    """Minutes and losses of one log; where a training went on, its later lines replace the earlier of the same step."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = {int(row[0]): (float(row[3]) / 60, float(row[2])) for row in csv.reader(file)}
    return [minutes for minutes, _ in rows.values()], [loss for _, loss in rows.values()]


def panel(title: str, minutes: Sequence[float], values: Sequence[float]) -> Image.Image:
    """One curve, the loss on a logarithmic scale."""
    picture = Image.new("RGB", (_WIDE, _HIGH), "white")
    pen = ImageDraw.Draw(picture)
    low, high = math.log(min(values)), math.log(max(values))
    wide, high_px = _WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE

    def place(minute: float, value: float) -> tuple[float, float]:
        across = minute / max(minutes)
        return _EDGE + across * wide, _HIGH - _EDGE - (math.log(value) - low) / max(1e-9, high - low) * high_px

    for part in range(5):
        value = math.exp(low + (high - low) * part / 4)
        _, y = place(0, value)
        pen.line((_EDGE, y, _WIDE - _EDGE, y), fill=_GRID)
        pen.text((2, y - 5), f"{value:.2g}", fill=_INK)
    pen.line([place(minute, value) for minute, value in zip(minutes, values, strict=True)], fill=_LINE, width=2)
    pen.text((_EDGE, 8), f"{title}: {values[-1]:.3g} after {minutes[-1]:.0f} min", fill=_INK)
    return picture


def main() -> None:
    """Put the curves side by side, two in a row."""
    parser = argparse.ArgumentParser(description="Draw the loss curves.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    names = [name for name in _ORDER if (given.work / f"{name}.loss.csv").is_file()]
    sheet = Image.new("RGB", (2 * _WIDE, math.ceil(len(names) / 2) * _HIGH), "white")
    for number, name in enumerate(names):
        curve = panel(name, *losses(given.work / f"{name}.loss.csv"))
        sheet.paste(curve, (number % 2 * _WIDE, number // 2 * _HIGH))
    sheet.save(given.out, optimize=True)


if __name__ == "__main__":
    main()
