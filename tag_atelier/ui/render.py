"""Results as small pieces of HTML in the page's own look. Everything that came from outside is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tag_atelier.errors import TagAtelierError
from tag_atelier.ui.words import Words

LONGEST_LIST = 60
"""Rows of a list on the page; the rest is counted, the whole is in the report or the API's answer."""


def problem(error: TagAtelierError, words: Words) -> str:
    """An error's sentence."""
    return f'<div class="tag-atelier-problem" role="alert">{words.escaped(str(error))}</div>'


def note(text: str) -> str:
    """A quiet sentence, such as an empty state."""
    return f'<div class="tag-atelier-quiet">{html.escape(text)}</div>'


def good(text: str) -> str:
    """A sentence that says that something worked."""
    return f'<div class="tag-atelier-good">{html.escape(text)}</div>'


def arrangement(result: Mapping[str, Any], words: Words) -> str:
    """What arranging did: changed or not, and every reason given."""
    if result.get("changed"):
        head = good(words("The tags are in this family's order now."))
    elif result.get("reasons"):
        head = note(words("Nothing was moved."))
    else:
        head = good(words("The tags were in this family's order already."))
    return head + _list(words(sentence_of(item)) for item in result.get("reasons", ()))


def findings(result: Mapping[str, Any], words: Words) -> str:
    """What the check of a prompt found, or that it found nothing."""
    found: Sequence[Any] = result.get("findings", ())
    if not found:
        return good(words("The check found nothing to remark."))
    rows = "".join(_finding(item, words) for item in found[:LONGEST_LIST])
    return f'<ul class="tag-atelier-findings">{rows}</ul>' + _rest(len(found), words)


def _finding(item: Mapping[str, Any], words: Words) -> str:
    severity = str(item.get("severity", "warning"))
    badge = f'<span class="tag-atelier-badge tag-atelier-badge-{html.escape(severity)}">{words.escaped(severity)}</span>'
    return f"<li>{badge} <span>{words.escaped(sentence_of(item))}</span></li>"


def sentence_of(item: object) -> str:
    """The sentence of a reason or finding, which is a string or a mapping that holds one."""
    if isinstance(item, Mapping):
        return str(next((item[key] for key in ("sentence", "message", "text", "reason") if item.get(key)), item))
    return str(item)


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A two-column table of names and values, both plain text."""
    body = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="tag-atelier-facts"><tbody>{body}</tbody></table>'


def plan(result: Mapping[str, Any], words: Words) -> str:
    """What a benchmark would draw, with every skipped tag and why."""
    estimate, tags = result["estimate"], result["tags"]
    rows = [
        (words("Images"), f"{estimate['images']:,}"),
        (words("Batches"), f"{estimate['batches']:,}"),
        (words("Checkpoints"), ", ".join(str(item["name"]) for item in result["checkpoints"])),
        (words("Tags"), f"{len(tags)}: " + ", ".join(str(tag["text"]) for tag in tags[:LONGEST_LIST])),
        (words("Disk space"), size(estimate["disk_bytes"])),
        (words("Smallest difference it can show"), f"{100 * estimate['resolvable_difference']:.0f} %"),
        (words("Example prompt"), str(result["example_prompt"])),
        (words("Control prompt"), str(result["baseline"])),
        (words("Tagger"), str(result["scorer"])[:80]),
    ]
    parts = [facts(rows), _list(words(str(item)) for item in result.get("notes", ()))]
    skipped: Sequence[Mapping[str, Any]] = result.get("skipped", ())
    if skipped:
        shown = [f"{item['name']}: {words(str(item['reason']))}" for item in skipped[:LONGEST_LIST]]
        parts.append(f"<h4>{words.escaped('Skipped tags')}</h4>" + _list(shown) + _rest(len(skipped), words))
    return "".join(parts)


def summary(result: Mapping[str, Any], words: Words) -> str:
    """A merge plan's summary as a table; nested values become one line each, warnings a list below."""
    warnings = result.get("warnings", ())
    rows = [(words(_title(key)), _plain(value)) for key, value in result.items() if key not in ("warnings", "recipe")]
    return facts(rows) + _list(words(sentence_of(item)) for item in warnings)


def size(count: float) -> str:
    """Bytes as people read them.

    >>> size(86_000_000), size(6_938_040_000)
    ('86 MB', '6.9 GB')
    """
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= power:
            return f"{count / power:.1f} {unit}" if count < 10 * power else f"{count / power:.0f} {unit}"
    return f"{count:.0f} B"


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _list(sentences: Iterable[str]) -> str:
    rows = "".join(f"<li>{html.escape(text)}</li>" for text in sentences)
    return f'<ul class="tag-atelier-list">{rows}</ul>' if rows else ""


def _rest(count: int, words: Words) -> str:
    return note(words("… and {count} more.", count=count - LONGEST_LIST)) if count > LONGEST_LIST else ""
