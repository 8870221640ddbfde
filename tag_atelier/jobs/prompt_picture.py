"""Reads a prompt out of a picture: its infotext, else what the tagger sees. Built by ``jobs.atelier``; writes nothing.

Pillow and the tagger are loaded when a picture comes.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tag_atelier.errors import RequestError
from tag_atelier.jobs.benchmarks import FindScorer
from tag_atelier.jobs.prompts import Prompts, read_language
from tag_atelier.jobs.values import TooLarge, read_object, read_text, refuse_unknown
from tag_atelier.language import sentence
from tag_atelier.ports import Host
from tag_atelier.prompt.explicit import is_explicit
from tag_atelier.prompt.infotext import read_infotext
from tag_atelier.settings import Options

if TYPE_CHECKING:
    from PIL.Image import Image

SECOND_PASS = "These parameters have a denoising strength: they tell of a second pass, not of the base picture."
LARGEST_PICTURE = 20_000_000
"""Bytes of a picture's file."""
_MOST_PIXELS = 64_000_000
_FORMATS = ("PNG", "WEBP", "JPEG")
_EXIF, _USER_COMMENT = 0x8769, 0x9286
"""Where Exif 2.3 keeps the comment: section 4.6.3 and 4.6.5."""
_RATINGS = ("general", "sensitive", "questionable", "explicit")


class PromptPicture:
    """From a picture to a prompt that the user may take over."""

    def __init__(self, host: Host, prompts: Prompts, options: Callable[[], Options], find_scorer: FindScorer) -> None:
        self._host, self._prompts, self._options, self._find_scorer = host, prompts, options, find_scorer

    def read(self, request: object) -> dict[str, object]:
        """``{image, tagger?}`` → ``{source: "infotext", …}`` where it has one, else ``{source: "tagger", …}``.

        ``image``: a PNG, WebP or JPEG file in base64, a data URL too. ``tagger: true`` asks the tagger in any case.

        Raises:
            RequestError: it is no such picture.
            TooLarge: its file has more than ``LARGEST_PICTURE`` bytes.
            TaggerError: it has no infotext and there is no tagger.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, ("image", "tagger", "language"), "The request")
        language = read_language(values)
        image = _open(read_text(values, "image"))
        text = "" if values.get("tagger") is True else _infotext(image)
        if text:
            found = read_infotext(text)
            return {
                "source": "infotext",
                "prompt": found.prompt,
                "negative": found.negative,
                "settings": dict(found.settings),
                "others": dict(found.others),
                "notes": [sentence(note, language) for note in _notes(found.settings)],
            }
        return {"source": "tagger", **self._tagged(image)}

    def _tagged(self, image: Image) -> dict[str, object]:
        options = self._options()
        least = float(options.get("threshold") or 0.35)
        scorer = self._find_scorer(self._host.tagger_folders, str(options.get("tagger") or ""))
        (row,) = scorer.score([image.convert("RGB")]).tolist()
        sure = [(label, round(value, 4)) for label, value in zip(scorer.labels, row, strict=True)]
        sure.sort(key=lambda pair: -pair[1])
        rating = next((pair for pair in sure if pair[0] in _RATINGS), None)
        tags: list[dict[str, Any]] = []
        characters: list[dict[str, Any]] = []
        hides, hidden = bool(options.get("hide_sensitive", True)), 0
        for label, value in sure:
            if value >= least and label not in _RATINGS:
                shown = self._shown(label, value)
                if hides and is_explicit(label, bool(shown["safe"])):
                    hidden += 1
                    continue
                (characters if shown["slot"] == "character" else tags).append(shown)
        return {
            "tags": tags,
            "characters": characters,
            "hidden": hidden,
            "rating": {"name": rating[0], "probability": rating[1]} if rating else None,
            "threshold": least,
        }

    def _shown(self, label: str, probability: float) -> dict[str, Any]:
        catalogue = self._prompts.catalogue
        entry = catalogue.get(label)
        text = entry.text if entry else label.replace("_", " ").replace("(", "\\(").replace(")", "\\)")
        facts = {"tag": label, "probability": probability, "slot": catalogue.slot(label).slot}
        return {**facts, "zh": entry.zh if entry else "", "insert": text, "safe": entry.safe if entry else True}


def _open(written: str) -> Image:
    """The picture behind base64; checked for kind and size before it is decoded."""
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    body = written.partition(",")[2] if written.startswith("data:") else written
    if len(body) > LARGEST_PICTURE * 4 // 3 + 4:
        raise TooLarge("The picture has more than {most} bytes; expected at most that.", most=LARGEST_PICTURE)
    try:
        content = base64.b64decode(body, validate=True)
        image = pillow.open(io.BytesIO(content), formats=_FORMATS)
        if image.width * image.height > _MOST_PIXELS:
            sentence = "The picture has {width}x{height} pixels; expected at most {most}."
            raise RequestError(sentence, width=image.width, height=image.height, most=_MOST_PIXELS)
        image.load()
    except (binascii.Error, ValueError) as error:
        sentence = "'image' is no base64 ({reason}); expected a PNG, WebP or JPEG file in base64."
        raise RequestError(sentence, reason=str(error)) from error
    except (UnidentifiedImageError, pillow.DecompressionBombError, OSError, SyntaxError) as error:
        raise RequestError("'image' is no picture that can be read; expected a PNG, WebP or JPEG file in base64.") from error
    return image


def _infotext(image: Image) -> str:
    """What the WebUI wrote into the picture: PNG's text, or the Exif comment of the others."""
    text = image.info.get("parameters")
    if isinstance(text, str) and text.strip():
        return text
    comment = image.getexif().get_ifd(_EXIF).get(_USER_COMMENT, b"")
    if isinstance(comment, str):
        return comment.strip()
    return _decoded(comment).strip("\0 \n")


def _decoded(comment: bytes) -> str:
    """An Exif comment: eight bytes that name the character code, then the text."""
    code, body = comment[:8], comment[8:]
    if code.startswith(b"UNICODE"):
        little = body[1:2] == b"\0"
        return body.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    if code.startswith((b"ASCII", b"\0" * 8)):
        return body.decode("utf-8", errors="replace")
    return comment.decode("utf-8", errors="replace")


def _notes(settings: Mapping[str, object]) -> list[str]:
    return [SECOND_PASS] if "denoising_strength" in settings else []
