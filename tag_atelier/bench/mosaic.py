"""One picture of the characters that a run draws best, each once. Called by ``bench.report``."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image as pillow
from PIL import ImageDraw
from PIL.Image import Image

from tag_atelier.bench import sheet
from tag_atelier.bench.report_data import ReportData, spaced
from tag_atelier.bench.store import StoredCell

SHOWN = 120
"""So many characters at most, the surest first."""
SIDE = 200
_STRIP = 34


def best_hits(data: ReportData) -> list[tuple[str, float, StoredCell]]:
    """Character tags that are hit somewhere: name, highest probability, its picture; surest first, at most ``SHOWN``."""
    characters = {tag["name"] for tag in data.tags if tag.get("slot") == "character"} & set(data.evaluation.scored)
    best: dict[str, tuple[float, StoredCell]] = {}
    for stored in data.cells:
        reading = data.evaluation.seen.get(stored.cell.key)
        if len(stored.cell.tags) != 1 or stored.cell.tags[0] not in characters or reading is None or not reading.asked:
            continue
        tag, value = stored.cell.tags[0], reading.asked[0][1]
        if value >= data.evaluation.threshold and value > best.get(tag, (0.0, stored))[0]:
            best[tag] = (value, stored)
    found = [(tag, value, stored) for tag, (value, stored) in best.items()]
    return sorted(found, key=lambda item: (-item[1], item[0]))[:SHOWN]


def mosaic(data: ReportData, thumbnails: Path) -> Image | None:
    """The pictures of ``best_hits`` side by side with their names, RGB, about 3 : 2; None where no character is hit."""
    found = best_hits(data)
    if not found:
        return None
    columns = max(1, min(len(found), math.ceil(math.sqrt(len(found) * 1.5 * (SIDE + _STRIP) / SIDE))))
    rows = math.ceil(len(found) / columns)
    picture = pillow.new("RGB", (columns * SIDE, rows * (SIDE + _STRIP)), (255, 255, 255))
    pen, letters = ImageDraw.Draw(picture), sheet.font(13)
    for place, (tag, _, stored) in enumerate(found):
        left, top = place % columns * SIDE, place // columns * (SIDE + _STRIP)
        sheet.picture(picture, stored, thumbnails, (left, top, SIDE, SIDE))
        chinese = data.chinese_name.get(tag, "") if data.language == "zh_CN" else ""
        sheet.label(pen, (left, top + SIDE, SIDE, _STRIP), [sheet.short(chinese or spaced(tag))], letters)
    return picture
