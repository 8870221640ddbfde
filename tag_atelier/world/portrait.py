"""Draws the miniature world's pictures: chibi portraits of 64×64 pixels from booru tags, so that the truth is known.

Used by the training scripts, the demo's tests and the documentation. Big flat shapes and strong colours, because the
miniature VAE keeps four numbers of every 8×8 pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy
from PIL import Image, ImageDraw

from tag_atelier.errors import PromptError
from tag_atelier.world.portrait_tags import TAGS

SIDE = 64
"""Pixels of a picture's side; all coordinates below are on this grid."""
_FINE = 4
"""Drawn this many times larger, then averaged."""

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SKIN: Colour = (255, 222, 196)
_LINE: Colour = (58, 40, 48)
_HAIR: dict[str, Colour] = {
    "blonde_hair": (250, 212, 64),
    "black_hair": (40, 36, 48),
    "blue_hair": (48, 104, 232),
    "pink_hair": (255, 128, 184),
    "red_hair": (204, 40, 36),
    "white_hair": (236, 238, 248),
    "green_hair": (48, 176, 80),
}
_EYES: dict[str, Colour] = {
    "blue_eyes": (24, 80, 255),
    "red_eyes": (232, 16, 32),
    "green_eyes": (0, 152, 48),
    "yellow_eyes": (248, 184, 0),
}
_PLAIN: dict[str, Colour] = {
    "white_background": (250, 250, 250),
    "blue_background": (136, 192, 248),
    "pink_background": (255, 190, 216),
}
_NO_TAG: Colour = (150, 120, 96)
"""What stands where a picture has no tag of a group: brown eyes and hair, a grey wall."""


@dataclass
class _Canvas:
    """A drawing on the 64-pixel grid, shifted as a whole by ``shift``."""

    image: Image.Image
    shift: Point = (0.0, 0.0)
    pen: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [((x + self.shift[0]) * _FINE, (y + self.shift[1]) * _FINE) for x, y in points]

    def oval(self, centre: Point, radii: Point, colour: Colour) -> None:
        (x, y), (wide, high) = centre, radii
        self.pen.ellipse(_flat(self._at([(x - wide, y - high), (x + wide, y + high)])), fill=colour)

    def box(self, corner: Point, other: Point, colour: Colour) -> None:
        self.pen.rectangle(_flat(self._at([corner, other])), fill=colour)

    def shape(self, colour: Colour, *points: Point) -> None:
        self.pen.polygon(_flat(self._at(points)), fill=colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        self.pen.line(_flat(self._at(points)), fill=colour, width=round(width * _FINE), joint="curve")

    def arc(self, centre: Point, radii: Point, angles: tuple[int, int], colour: Colour, width: float) -> None:
        (x, y), (wide, high) = centre, radii
        box = _flat(self._at([(x - wide, y - high), (x + wide, y + high)]))
        self.pen.arc(box, *angles, fill=colour, width=round(width * _FINE))

    def pie(self, centre: Point, radii: Point, angles: tuple[int, int], colour: Colour) -> None:
        (x, y), (wide, high) = centre, radii
        self.pen.pieslice(_flat(self._at([(x - wide, y - high), (x + wide, y + high)])), *angles, fill=colour)


def _flat(points: Sequence[Point]) -> list[float]:
    return [value for point in points for value in point]


def draw(tags: Collection[str], noise: numpy.random.Generator) -> Image.Image:
    """The portrait of ``tags``, RGB 64×64. ``noise`` moves the figure by up to a pixel and tints the colours a little.

    Raises:
        PromptError: a tag this world does not know.
    """
    for tag in tags:
        if tag not in TAGS:
            raise PromptError(
                "The miniature world cannot draw '{tag}'; expected one of its {count} tags.", tag=tag, count=len(TAGS)
            )
    shown = frozenset(tags)
    canvas = _Canvas(Image.new("RGB", (SIDE * _FINE, SIDE * _FINE)))
    _background(canvas, shown)
    canvas.shift = (float(noise.uniform(-1, 1)), float(noise.uniform(-1, 1)))
    hair = _tinted(_chosen(shown, _HAIR, _NO_TAG), noise)
    if "angel_wings" in shown:
        _wings(canvas)
    if "holding_umbrella" in shown:
        _umbrella(canvas)
    _hair_behind(canvas, shown, hair)
    _body(canvas, shown)
    _head(canvas, shown, hair)
    _on_the_head(canvas, shown, hair)
    _hands(canvas, shown)
    return canvas.image.reduce(_FINE)


def picture(tags: Collection[str], seed: int, number: int) -> Image.Image:
    """``draw`` with its own noise for each (seed, number)."""
    return draw(tags, numpy.random.Generator(numpy.random.PCG64([seed, number])))


def _chosen(shown: frozenset[str], colours: dict[str, Colour], otherwise: Colour) -> Colour:
    return next((colour for tag, colour in colours.items() if tag in shown), otherwise)


def _tinted(colour: Colour, noise: numpy.random.Generator) -> Colour:
    red, green, blue = (int(numpy.clip(value + noise.integers(-8, 9), 0, 255)) for value in colour)
    return red, green, blue


def _darker(colour: Colour, factor: float = 0.72) -> Colour:
    red, green, blue = (int(value * factor) for value in colour)
    return red, green, blue


def _background(canvas: _Canvas, shown: frozenset[str]) -> None:
    if "night_sky" in shown:
        canvas.box((0, 0), (64, 64), (24, 24, 80))
        canvas.oval((11, 11), (6, 6), (255, 244, 176))
        for x, y in ((27, 4), (44, 7), (58, 16), (5, 30), (56, 36), (7, 50)):
            canvas.oval((x, y), (1.5, 1.5), (255, 255, 255))
    elif "grass" in shown:
        canvas.box((0, 0), (64, 64), (184, 228, 255))
        canvas.box((0, 30), (64, 64), (96, 200, 64))
    elif "sunset" in shown:
        for row, colour in enumerate(((255, 120, 64), (255, 152, 64), (255, 184, 72), (255, 216, 96))):
            canvas.box((0, row * 16), (64, row * 16 + 16), colour)
        canvas.oval((52, 52), (9, 9), (255, 64, 40))
    else:
        canvas.box((0, 0), (64, 64), _chosen(shown, _PLAIN, (168, 168, 160)))


def _wings(canvas: _Canvas) -> None:
    for side in (-1, 1):
        canvas.oval((32 + side * 21, 44), (9, 14), (200, 208, 232))
        canvas.oval((32 + side * 21, 43), (7.5, 12.5), (255, 255, 255))


def _umbrella(canvas: _Canvas) -> None:
    canvas.line((104, 72, 40), 2.4, (55, 10), (55, 58))
    canvas.pie((47, 20), (24, 20), (180, 360), (144, 48, 200))
    canvas.pie((47, 20), (9, 20), (180, 360), (192, 120, 240))


def _hair_behind(canvas: _Canvas, shown: frozenset[str], hair: Colour) -> None:
    shade = _darker(hair)
    if "long_hair" in shown:
        canvas.oval((32, 27), (18, 18), shade)
        canvas.shape(shade, (14, 26), (50, 26), (53, 60), (11, 60))
    elif "twintails" in shown:
        canvas.oval((32, 24), (16, 15), shade)
        for side in (-1, 1):
            canvas.oval((32 + side * 22, 34), (6.5, 18), hair)
            canvas.oval((32 + side * 17, 17), (3.5, 3.5), (224, 32, 64))
    elif "ponytail" in shown:
        canvas.oval((32, 24), (16, 15), shade)
        canvas.oval((11, 24), (7, 17), hair)
        canvas.oval((18, 11), (3.5, 3.5), (224, 32, 64))
    else:
        canvas.oval((32, 26), (17, 17), shade)


def _body(canvas: _Canvas, shown: frozenset[str]) -> None:
    trunk = ((24, 43), (40, 43), (49, 66), (15, 66))
    dress = {"red_dress": (224, 24, 40), "black_dress": (36, 32, 40)}
    canvas.shape((136, 136, 152), (23, 42), (41, 42), (50.2, 66), (13.8, 66))
    canvas.box((29, 38), (35, 46), _darker(_SKIN, 0.9))
    if "serafuku" in shown:
        canvas.shape((250, 250, 255), *trunk)
        canvas.shape((32, 48, 136), (22, 43), (42, 43), (46, 52), (32, 58), (18, 52))
        canvas.shape((224, 32, 48), (25, 50), (39, 50), (35, 60), (29, 60))
    elif "hoodie" in shown:
        canvas.oval((32, 45), (13, 5), (56, 128, 120))
        canvas.shape((80, 176, 160), *trunk)
        canvas.box((24, 56), (40, 64), (56, 128, 120))
    elif "kimono" in shown:
        canvas.shape((168, 80, 184), *trunk)
        canvas.line((255, 248, 232), 3, (25, 43), (34, 54))
        canvas.line((255, 248, 232), 3, (39, 43), (30, 54))
        canvas.box((19, 56), (45, 64), (255, 176, 32))
    elif shown & dress.keys():
        colour = _chosen(shown, dress, _NO_TAG)
        canvas.shape(colour, *trunk)
        canvas.oval((32, 43), (8, 6), _SKIN)
        canvas.oval((23, 47), (5, 4), colour)
        canvas.oval((41, 47), (5, 4), colour)
    else:
        colour = (252, 252, 252) if "white_shirt" in shown else (152, 128, 104)
        canvas.shape(colour, *trunk)
        if "white_shirt" in shown:
            canvas.shape((176, 184, 200), (27, 43), (37, 43), (32, 49))
            canvas.box((31, 48), (33, 64), (176, 184, 200))


def _head(canvas: _Canvas, shown: frozenset[str], hair: Colour) -> None:
    canvas.oval((32, 27), (14, 13.5), _SKIN)
    if "blush" in shown:
        for x in (21.5, 42.5):
            canvas.oval((x, 34), (4, 2.6), (255, 112, 128))
    _eyes(canvas, shown)
    _mouth(canvas, shown)
    canvas.pie((32, 26), (15.5, 16.5), (180, 360), hair)
    canvas.shape(_SKIN, (21, 26), (25, 20), (29, 26))
    canvas.shape(_SKIN, (35, 26), (39, 20), (43, 26))
    for x in (17.5, 46.5):
        canvas.oval((x, 29), (2.5, 9 if "short_hair" in shown else 7), hair)
    if "glasses" in shown:
        for x in (25, 39):
            canvas.arc((x, 29.5), (6.2, 6), (0, 360), (24, 24, 24), 1.6)
        canvas.line((24, 24, 24), 1.6, (30.5, 29), (33.5, 29))


def _eyes(canvas: _Canvas, shown: frozenset[str]) -> None:
    for x in (25, 39):
        if "closed_eyes" in shown:
            canvas.arc((x, 31), (4, 3.5), (180, 360), _LINE, 1.8)
            continue
        canvas.oval((x, 29.5), (4, 5), _LINE)
        canvas.oval((x, 30.2), (3.5, 4.4), _chosen(shown, _EYES, _NO_TAG))
        canvas.oval((x - 1, 28), (1.3, 1.3), (255, 255, 255))


def _mouth(canvas: _Canvas, shown: frozenset[str]) -> None:
    if "smile" in shown:
        canvas.arc((32, 34.5), (4.5, 3.5), (10, 170), (168, 24, 40), 1.6)
    elif "open_mouth" in shown:
        canvas.oval((32, 36.5), (3, 3), (168, 24, 40))
    else:
        canvas.line((200, 120, 112), 1.2, (30.5, 36.5), (33.5, 36.5))


def _on_the_head(canvas: _Canvas, shown: frozenset[str], hair: Colour) -> None:
    if "hair_bow" in shown:
        canvas.shape((240, 32, 64), (32, 10), (21, 3), (21, 16))
        canvas.shape((240, 32, 64), (32, 10), (43, 3), (43, 16))
        canvas.oval((32, 10), (3, 3), (184, 16, 48))
    elif "cat_ears" in shown:
        for side in (-1, 1):
            canvas.shape(hair, (32 + side * 16, 20), (32 + side * 14, 2), (32 + side * 3, 12))
            canvas.shape((255, 168, 176), (32 + side * 13.5, 16), (32 + side * 12.5, 7), (32 + side * 7, 12))
    elif "witch_hat" in shown:
        canvas.shape((72, 32, 112), (20, 14), (44, 14), (34, -6))
        canvas.oval((32, 14), (21, 4), (72, 32, 112))
        canvas.box((21, 9), (43, 12), (255, 200, 48))
    elif "rabbit_ears" in shown:
        for side in (-1, 1):
            canvas.oval((32 + side * 8, 5), (4, 11), (250, 246, 246))
            canvas.oval((32 + side * 8, 5), (2, 8), (255, 160, 180))
    elif "halo" in shown:
        canvas.arc((32, 6), (14, 4.5), (0, 360), (255, 232, 40), 3)
    elif "crown" in shown:
        points = ((20, 14), (20, 1), (26, 7), (32, 0), (38, 7), (44, 1), (44, 14))
        canvas.shape((255, 196, 0), *points)
        canvas.oval((32, 10), (2, 2), (224, 0, 48))


def _hands(canvas: _Canvas, shown: frozenset[str]) -> None:
    holds = {
        "holding_sword": _sword,
        "holding_flower": _flower,
        "holding_book": _book,
        "holding_umbrella": None,
        "holding_balloon": _balloon,
    }
    for tag, item in holds.items():
        if tag in shown:
            if item is not None:
                item(canvas)
            canvas.oval((53, 56), (4, 4), _SKIN)
    if "waving" in shown:
        canvas.line(_SKIN, 5, (17, 58), (8, 46))
        canvas.oval((8, 43), (6, 6), _SKIN)
        for x in (4, 8, 12):
            canvas.line(_SKIN, 2.4, (8, 43), (x, 34.5))


def _sword(canvas: _Canvas) -> None:
    canvas.shape((176, 188, 208), (50.5, 50), (50.5, 18), (53, 13), (55.5, 18), (55.5, 50))
    canvas.line((255, 255, 255), 1.4, (53, 18), (53, 50))
    canvas.box((46, 49), (60, 52), (224, 168, 32))


def _flower(canvas: _Canvas) -> None:
    canvas.line((32, 144, 48), 2, (53, 40), (53, 60))
    for x, y in ((53, 32), (60, 38), (46, 38), (57, 45), (49, 45)):
        canvas.oval((x, y), (4.4, 4.4), (255, 96, 64))
    canvas.oval((53, 39.5), (3.6, 3.6), (255, 232, 64))


def _book(canvas: _Canvas) -> None:
    canvas.box((42, 42), (63, 61), (120, 64, 24))
    canvas.box((44, 43.5), (61.5, 58.5), (255, 250, 232))
    canvas.line((120, 64, 24), 1.4, (52.8, 43), (52.8, 60))


def _balloon(canvas: _Canvas) -> None:
    canvas.line((96, 96, 96), 1.2, (54, 24), (53, 58))
    canvas.oval((54, 15), (9, 11), (0, 200, 216))
    canvas.oval((51, 11), (2, 3), (220, 255, 255))
