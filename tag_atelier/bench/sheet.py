"""Pictures of a run put together: thumbnails for the report, and one labelled contact sheet as X/Y/Z plot draws it."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image as pillow
from PIL import ImageDraw, ImageFont, UnidentifiedImageError
from PIL.Image import Image

from tag_atelier.bench.report_data import ReportData
from tag_atelier.bench.store import StoredCell, write_whole

THUMBNAIL_SIDE = 320
MAXIMUM_PIXELS = 12_000_000
"""Largest contact sheet; thumbnails shrink to keep within it."""
_INK, _PAPER, _HIT, _MISS, _GREY = (32, 34, 40), (255, 255, 255), (22, 130, 93), (200, 62, 46), (120, 124, 132)
_COLOURS = {"hit": _HIT, "some": (138, 90, 0), "miss": _MISS, "none": _GREY}
_LONGEST_LABEL = 60
_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "wqy-microhei.ttc",
    "DejaVuSans.ttf",
    "arial.ttf",
)
"""Fonts tried by name, those with Chinese glyphs first; Pillow's own bitmap font where none is installed."""


def thumbnail(stored: StoredCell, folder: Path, side: int = THUMBNAIL_SIDE) -> Path | None:
    """A small WebP (JPEG where Pillow has no WebP) of a stored picture, made once and kept in ``folder``.

    Returns:
        Its path; None where the cell has no readable picture.
    """
    if stored.image is None or not stored.image.is_file():
        return None
    return thumbnail_of(stored.image, folder, side)


def thumbnail_format() -> tuple[str, str]:
    """Ending and Pillow's name of the format of thumbnails."""
    from PIL import features

    return (".webp", "WEBP") if features.check("webp") else (".jpg", "JPEG")


def thumbnail_of(image: Path, folder: Path, side: int = THUMBNAIL_SIDE) -> Path | None:
    """Like ``thumbnail``, for the picture in a file."""
    ending, kind = thumbnail_format()
    path = folder / f"{image.stem}{ending}"
    if path.is_file() and path.stat().st_mtime_ns >= image.stat().st_mtime_ns:
        return path
    try:
        with pillow.open(image) as opened:
            small = opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None
    small.thumbnail((side, side), pillow.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, kind, quality=82)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, buffer.getvalue())
    return path


def data_uri(path: Path) -> str:
    """The file's content as a ``data:`` address."""
    kind = "webp" if path.suffix == ".webp" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def contact_sheet(data: ReportData, thumbnails: Path) -> Image:
    """One RGB picture: a column per checkpoint, a row per tag (and the baseline), first seed, labelled and marked.

    At most ``MAXIMUM_PIXELS`` pixels, whatever the run's size.
    """
    rows = data.rows
    names = [item.name for item in data.checkpoints]
    cells, seed = data.cell_at(), data.evaluation.seeds[0]
    side = _side(len(rows), len(names))
    letters = font(max(11, side // 13))
    left = side
    sheet = pillow.new("RGB", (left + len(names) * (side + 6), side // 4 + len(rows) * (side + 6)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, name in enumerate(names):
        label(pen, (left + column * (side + 6), 0, side, side // 4), [name], letters)
    for row, tags in enumerate(rows):
        top = side // 4 + row * (side + 6)
        chinese = data.chinese_name.get("".join(tags), "")
        label(pen, (0, top, side, side), [short(data.title(tags)), chinese], letters)
        for column in range(len(names)):
            box = (left + column * (side + 6), top, side, side)
            stored = cells.get((column, tags, seed))
            picture(sheet, stored, thumbnails, box)
            mark = data.mark(stored)
            if mark.text:
                _mark(pen, box, mark.text.lstrip("✓✗≈ "), _COLOURS[mark.verdict], letters)
    return sheet


def short(text: str) -> str:
    """``text``, its end cut off where it is longer than a label may be."""
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def _side(rows: int, columns: int) -> int:
    for side in (THUMBNAIL_SIDE, 240, 160, 96, 64, 32, 16):
        if (columns + 1) * (side + 6) * ((rows + 1) * (side + 6)) <= MAXIMUM_PIXELS:
            return side
    return 8


def picture(sheet: Image, stored: StoredCell | None, thumbnails: Path | None, box: tuple[int, int, int, int]) -> None:
    """Put a cell's picture into ``box`` (left, top, width, height), or grey where there is none.

    ``thumbnails`` is the folder of the small pictures; None takes the one in full size.
    """
    small = _opened(stored, thumbnails) if stored is not None and stored.state == "done" else None
    if small is None:
        sheet.paste((236, 237, 240), (box[0], box[1], box[0] + box[2], box[1] + box[3]))
        return
    scale = min(box[2] / small.width, box[3] / small.height)
    small = small.resize((max(1, round(small.width * scale)), max(1, round(small.height * scale))))
    sheet.paste(small, (box[0] + (box[2] - small.width) // 2, box[1] + (box[3] - small.height) // 2))


def _opened(stored: StoredCell, thumbnails: Path | None) -> Image | None:
    path = stored.image if thumbnails is None else thumbnail(stored, thumbnails)
    if path is None:
        return None
    try:
        with pillow.open(path) as opened:
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None


def label(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], lines: Sequence[str], font: ImageFont.ImageFont) -> None:
    """Write ``lines`` into the middle of ``box`` (left, top, width, height), wrapped to its width."""
    left, top, width, height = box
    text = "\n".join(piece for line in lines if line for piece in wrapped(line, width - 8, font))
    if not text:
        return
    if not _drawable(text, font):
        text = text.encode("ascii", "replace").decode("ascii")
    bounds = pen.multiline_textbbox((0, 0), text, font=font, align="center")
    x = left + (width - bounds[2] + bounds[0]) // 2
    y = top + (height - bounds[3] + bounds[1]) // 2
    pen.multiline_text((x, y), text, fill=_INK, font=font, align="center")


def _mark(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], text: str, colour: tuple[int, int, int], font: ImageFont.ImageFont
) -> None:
    left, top, width, height = box
    pen.rectangle((left, top, left + width - 1, top + height - 1), outline=colour, width=max(2, width // 80))
    bounds = pen.textbbox((0, 0), text, font=font)
    right, bottom = left + width, top + height
    pen.rectangle((right - bounds[2] - 10, bottom - bounds[3] - 8, right - 1, bottom - 1), fill=colour)
    pen.text((right - bounds[2] - 5, bottom - bounds[3] - 5), text, fill=_PAPER, font=font)


def wrapped(text: str, width: int, font: ImageFont.ImageFont) -> list[str]:
    """``text`` cut into lines of at most ``width`` pixels, at spaces, underscores and hyphens."""
    lines = [""]
    for word in text.replace("_", "_ ").replace("-", "- ").split(" "):
        glue = "" if lines[-1].endswith(("_", "-")) or not lines[-1] else " "
        if lines[-1] and font.getlength(lines[-1] + glue + word) > width:
            lines.append(word)
        else:
            lines[-1] += glue + word
    return lines


def font(size: int) -> ImageFont.ImageFont:
    """A font of ``size`` pixels that has Chinese glyphs where this machine has one."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default()


def _drawable(text: str, font: ImageFont.ImageFont) -> bool:
    # Pillow's bitmap font holds Latin-1 only and raises for anything else.
    return isinstance(font, ImageFont.FreeTypeFont) or text.isascii()


def default_threads() -> int:
    """Threads for making thumbnails: they are bound by decoding, which lets the interpreter go."""
    return min(8, os.cpu_count() or 1)
