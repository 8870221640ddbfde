"""The run as X/Y/Z plot lays it out: one labelled picture whose axes the plan picks. Called by ``bench.report``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image as pillow
from PIL import ImageDraw
from PIL.Image import Image

from tag_atelier.bench import sheet
from tag_atelier.bench.report_data import ReportData
from tag_atelier.bench.store import StoredCell

MAXIMUM_PIXELS = 40_000_000
"""Largest grid; its pictures shrink to keep within it."""
LARGEST_SIDE = 16_000
"""Longest side of the grid: the WebUI's WebP and many viewers take no more."""
SMALLEST_SIDE = 24
MAXIMUM_CELLS = 4000
"""A grid of more pictures shows nothing that the report does not show better; none is drawn."""
_FULL_CELLS = 100
"""Up to so many pictures the grid is made of the full ones, above of the thumbnails where they suffice."""
_GAP = 4
_PAPER = (255, 255, 255)


class Place(NamedTuple):
    """One value of one axis."""

    label: str
    chosen: tuple[tuple[str, Any], ...]
    """Dimension and value; an axis that holds several dimensions has several."""


class Layout(NamedTuple):
    """What stands where; an axis without a dimension has one place without a label."""

    x: list[Place]
    y: list[Place]
    z: list[Place]


def draw(data: ReportData, thumbnails: Path) -> Image | None:
    """The grid as RGB, at most ``MAXIMUM_PIXELS``; None for a run without cells or with more than ``MAXIMUM_CELLS``.

    X runs to the right, Y downwards, and every value of Z has a grid of its own below the last one.
    """
    if not data.cells or len(data.cells) > MAXIMUM_CELLS:
        return None
    places = layout(data)
    width, height = _cell_size(data, places)
    font = sheet.font(max(11, min(40, width // 11)))
    top = _label_height(places.x, width, font)
    left = max(width // 2, 90) if any(place.label for place in places.y) else 0
    head = 2 * font_size(font) if any(place.label for place in places.z) else 0
    one = head + top + len(places.y) * (height + _GAP)
    picture = pillow.new("RGB", (left + len(places.x) * (width + _GAP), len(places.z) * one), _PAPER)
    pen, find = ImageDraw.Draw(picture), _finder(data)
    source = thumbnails if len(data.cells) > _FULL_CELLS and max(width, height) <= sheet.THUMBNAIL_SIDE else None
    for level, z in enumerate(places.z):
        sheet.label(pen, (left, level * one, picture.width - left, head), [z.label], font)
        for column, x in enumerate(places.x):
            sheet.label(pen, (left + column * (width + _GAP), level * one + head, width, top), [x.label], font)
        for row, y in enumerate(places.y):
            upper = level * one + head + top + row * (height + _GAP)
            sheet.label(pen, (0, upper, left, height), [y.label], font)
            for column, x in enumerate(places.x):
                stored = find({**dict(x.chosen), **dict(y.chosen), **dict(z.chosen)})
                sheet.picture(picture, stored, source, (left + column * (width + _GAP), upper, width, height))
    return picture


def _label_height(places: Sequence[Place], width: int, font: Any) -> int:
    """Pixels for the highest label of at most five lines above pictures of ``width``; 0 where there is none."""
    lines = max(len(sheet.wrapped(place.label, width - 8, font)) for place in places)
    return (min(lines, 5) + 1) * round(1.5 * font_size(font)) if any(place.label for place in places) else 0


def layout(data: ReportData) -> Layout:
    """The axes that the plan picks, then what else varies: on an axis that is free, otherwise together on Y."""
    values = _values(data)
    wanted: Mapping[str, str] = {"x": "tag", "y": "checkpoint", "z": "", **data.plan.get("spec", {}).get("grid", {})}
    axes = {axis: [wanted[axis]] if wanted[axis] in values else [] for axis in ("x", "y", "z")}
    placed = {name for names in axes.values() for name in names}
    for name in (name for name, found in values.items() if name not in placed and len(found) > 1):
        free = next((axis for axis in ("y", "x", "z") if not axes[axis]), "y")
        axes[free].append(name)
    return Layout(*(_places(axes[axis], values) for axis in ("x", "y", "z")))


def font_size(font: Any) -> int:
    """Height of a line in pixels; Pillow's bitmap font has one size."""
    return int(getattr(font, "size", 11))


def _values(data: ReportData) -> dict[str, list[tuple[str, Any]]]:
    """By dimension its values with their labels, in the plan's order."""
    listed = data.plan.get("checkpoints", [])
    found: dict[str, list[tuple[str, Any]]] = {
        "tag": [(sheet.short(data.title(tags)), tags) for tags in data.rows],
        "checkpoint": [(name, name) for name in dict.fromkeys(_checkpoint(entry) for entry in listed)],
        "seed": [(data.say("seed {seed}", seed=seed), seed) for seed in data.evaluation.seeds],
    }
    for entry in listed:
        for name, value in entry.get("setting", {}).items():
            label = f"{name}: {'–' if value in (None, '') else value}"
            if (label, value) not in found.setdefault(name, []):
                found[name].append((label, value))
    return found


def _places(names: Sequence[str], values: Mapping[str, Sequence[tuple[str, Any]]]) -> list[Place]:
    combined = itertools.product(*([(name, *pair) for pair in values[name]] for name in names))
    return [
        Place(" · ".join(label for _, label, _ in chosen), tuple((name, value) for name, _, value in chosen))
        for chosen in combined
    ]


def _finder(data: ReportData) -> Any:
    """A function from dimension and value to the stored cell; what no axis holds has its only value."""
    listed = data.plan.get("checkpoints", [])
    cells, first = data.cell_at(), {name: found[0][1] for name, found in _values(data).items() if found}
    where = {(_checkpoint(entry), tuple(entry.get("setting", {}).items())): place for place, entry in enumerate(listed)}
    settings = list(listed[0].get("setting", {})) if listed else []

    def find(chosen: Mapping[str, Any]) -> StoredCell | None:
        full = {**first, **chosen}
        position = where.get((full["checkpoint"], tuple((name, full[name]) for name in settings)))
        return None if position is None else cells.get((position, full["tag"], full["seed"]))

    return find


def _checkpoint(entry: Mapping[str, Any]) -> str:
    return str(entry.get("checkpoint", entry["name"]))


def _cell_size(data: ReportData, places: Layout) -> tuple[int, int]:
    """Width and height of one picture: as drawn where all of them fit, otherwise smaller."""
    parameters = data.manifest.get("parameters", {})
    width, height = int(parameters.get("width", 1024)), int(parameters.get("height", 1024))
    columns, rows = len(places.x) + 1, (len(places.y) + 1) * len(places.z)
    scale = min(
        1.0,
        (MAXIMUM_PIXELS / (columns * rows * width * height)) ** 0.5,
        LARGEST_SIDE / (columns * width),
        LARGEST_SIDE / (rows * height),
    )
    scale = max(scale, SMALLEST_SIDE / min(width, height))
    return round(width * scale), round(height * scale)
