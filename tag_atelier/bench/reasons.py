"""Why a picture may lack its tag, apart from the model's skill: rarity, tokenizer, template, threshold. For the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tag_atelier.bench.keeping import template_tags
from tag_atelier.bench.report_data import ReportData, spaced
from tag_atelier.bench.score import TagScore
from tag_atelier.bench.sets import excludes
from tag_atelier.prompt.clip_words import clip_words

FEW_POSTS = 1000
"""Below this number of posts a model has hardly met a tag; also about where taggers stop learning it (600)."""
MANY_PIECES = 2.0
"""From so many tokens per word on a tag is spelled out of pieces that mean other things."""
CHUNK = 75


class Reason(NamedTuple):
    """One sentence in English and what is filled in."""

    sentence: str
    values: Mapping[str, object]


def pieces(text: str) -> tuple[str, ...]:
    """How CLIP's tokenizer cuts ``text``, without the marks of word ends; empty where its table is not installed."""
    words = clip_words()
    return tuple(token.text.replace("</w>", "") for token in words.tokens(text)) if words is not None else ()


def reasons(data: ReportData, about: Mapping[str, Any], scores: Sequence[TagScore]) -> list[Reason]:
    """What may have kept a tag out of its pictures, the likeliest first.

    Args:
        about: the tag as ``PlannedTag`` fields.
        scores: the tag's scores on the checkpoints.
    """
    spec = data.plan.get("spec", {})
    name, text = str(about.get("name", "")), str(about.get("text", ""))
    found = [*_in_the_prompt(spec, name, text), *_at_the_tagger(data, scores)]
    posts = about.get("posts")
    if posts and posts < FEW_POSTS:
        found.append(Reason("It has only {posts} posts: hardly any model has met it often.", {"posts": f"{posts:,}"}))
    cut = pieces(text)
    if len(cut) >= MANY_PIECES * max(1, len(text.split())) and len(cut) > 2:
        sentence = "The tokenizer cuts it into {count} pieces, {pieces}: the model has to know them together."
        found.append(Reason(sentence, {"count": len(cut), "pieces": " | ".join(cut)}))
    return found


def _in_the_prompt(spec: Mapping[str, Any], name: str, text: str) -> list[Reason]:
    template = str(spec.get("template", ""))
    found = []
    against = [other for other in template_tags(template) if other != name and excludes(name, other)]
    if against:
        sentence = "The template asks for {tags}, which excludes it."
        found.append(Reason(sentence, {"tags": ", ".join(map(spaced, against))}))
    if spec.get("escape", True) is False and any(sign in text for sign in "()[]"):
        found.append(Reason("Its brackets were sent unescaped, so the WebUI read them as emphasis and left them out.", {}))
    before = pieces(template.split("{tag}")[0])
    if len(before) >= CHUNK:
        found.append(Reason("It stands behind {count} tokens, in a later chunk of the prompt.", {"count": len(before)}))
    return found


def _at_the_tagger(data: ReportData, scores: Sequence[TagScore]) -> list[Reason]:
    threshold = data.evaluation.threshold
    values = [value for score in scores for value in score.probabilities if value is not None]
    near = [value for value in values if threshold / 2 <= value < threshold]
    first = any(rank == 1 for score in scores for rank in score.ranks)
    found = []
    if values and max(values) < threshold and first:
        sentence = "A picture of it ranks first for this tag though below the threshold: the tagger is shy about it."
        found.append(Reason(sentence, {}))
    elif near:
        shown = {"value": f"{max(near):.2f}", "threshold": f"{threshold:.2f}"}
        found.append(Reason("The tagger comes close: {value} of {threshold}.", shown))
    return found
