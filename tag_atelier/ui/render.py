"""Results as small pieces of HTML in the page's own look. Everything that came from outside is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tag_atelier.errors import TagAtelierError
from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.lanes import SLOT_NAMES
from tag_atelier.ui.words import Words

LONGEST_LIST = 60
"""Rows of a list on the page; the rest is counted, the whole is in the report or the API's answer."""


def problem(error: TagAtelierError, words: Words) -> str:
    """An error's sentence."""
    return f'<div class="tag-atelier-problem" role="alert">{html.escape(words.said(error.said))}</div>'


def note(text: str) -> str:
    """A quiet sentence, such as an empty state."""
    return f'<div class="tag-atelier-quiet">{html.escape(text)}</div>'


def good(text: str) -> str:
    """A sentence that says that something worked."""
    return f'<div class="tag-atelier-good">{html.escape(text)}</div>'


def arrangement(result: Mapping[str, Any], words: Words) -> str:
    """What arranging did: changed or not, every reason given, and which tags moved."""
    reasons = [words(REASONS.get(str(code), str(code))) for code in result.get("reasons", ())]
    moves: Sequence[Mapping[str, Any]] = result.get("moves", ())
    if result.get("changed"):
        head = good(words("The tags are in this family's order now."))
    elif reasons:
        head = ""
    else:
        head = good(words("The tags were in this family's order already."))
    told = "".join(f'<div class="tag-atelier-warning">{html.escape(reason)}</div>' for reason in reasons)
    return head + told + _moves(moves, words)


def _moves(moves: Sequence[Mapping[str, Any]], words: Words) -> str:
    if not moves:
        return ""
    named = [(html.escape(str(move["tag"])), words.escaped(slot_name(move["slot"]))) for move in moves[:LONGEST_LIST]]
    chips = "".join(f'<span class="tag-atelier-chip">{tag} <small>{slot}</small></span>' for tag, slot in named)
    title = words.escaped("Moved, with the slot each tag belongs to")
    return f'<h4>{title}</h4><div class="tag-atelier-chips">{chips}</div>' + _rest(len(moves), words)


def slot_name(slot: object) -> str:
    """The English name of a slot; its id where it has none, as ``unknown``."""
    return SLOT_NAMES.get(str(slot), str(slot))


def findings(result: Mapping[str, Any], words: Words) -> str:
    """What the check of a prompt found, with the tags that another one says too, or that it found nothing."""
    doubled = [_doubled(pair, words) for pair in result.get("overlaps", ())]
    found: Sequence[Any] = [*result.get("findings", ()), *doubled]
    if not found:
        return good(words("The check found nothing to remark."))
    rows = "".join(_finding(item, words) for item in found[:LONGEST_LIST])
    return f'<ul class="tag-atelier-findings">{rows}</ul>' + _rest(len(found), words)


def _doubled(pair: Mapping[str, str], words: Words) -> Mapping[str, Any]:
    """An overlap as a finding."""
    message = words("“{narrow}” says “{broad}” too; both count.", narrow=pair["narrow"], broad=pair["broad"])
    return {"severity": "note", "message": message, "fix": None}


def _finding(item: Mapping[str, Any], words: Words) -> str:
    severity = html.escape(str(item["severity"]))
    badge = f'<span class="tag-atelier-badge tag-atelier-badge-{severity}">{words.escaped(severity)}</span>'
    fix = item.get("fix")
    better = f" → <code>{html.escape(str(fix) or words('leave it out'))}</code>" if fix is not None else ""
    return f"<li>{badge} <span>{words.escaped(str(item['message']))}{better}</span></li>"


def facts(rows: Iterable[tuple[str, ...]]) -> str:
    """A two-column table of names and values, all plain text; a third text of a row becomes its value's tooltip."""
    body = "".join(_fact(*row) for row in rows)
    return f'<table class="tag-atelier-facts"><tbody>{body}</tbody></table>'


def _fact(name: str, value: str, hint: str = "") -> str:
    title = f' title="{html.escape(hint)}"' if hint else ""
    return f"<tr><th>{html.escape(name)}</th><td{title}>{html.escape(value)}</td></tr>"


def plan(result: Mapping[str, Any], words: Words) -> str:
    """What a benchmark would draw, with every skipped tag and why."""
    estimate, tags = result["estimate"], result["tags"]
    rows = [
        (words("Images"), f"{estimate['images']:,}"),
        (words("Batches"), f"{estimate['batches']:,}"),
        (words("Checkpoints"), ", ".join(str(item["name"]) for item in result["checkpoints"])),
        (words("Tags"), f"{len(tags)}: " + ", ".join(str(tag["text"]) for tag in tags[:LONGEST_LIST])),
        (words("Disk space"), size(estimate["disk_bytes"])),
        *([(words("Time to draw it, about"), duration(estimate["seconds"], words))] if "seconds" in estimate else []),
        (words("Smallest difference it can show"), f"{100 * estimate['resolvable_difference']:.0f} %"),
        (words("Example prompt"), str(result["example_prompt"])),
        (words("Control prompt"), str(result["baseline"])),
        (words("Tagger"), str(result["scorer"]).split(" ")[0], str(result["scorer"])),
    ]
    parts = [facts(rows), _list(words.said(item) for item in result.get("notes", ()))]
    skipped: Sequence[Mapping[str, Any]] = result.get("skipped", ())
    if skipped:
        shown = [f"{item['name']}: {words(str(item['reason']))}" for item in skipped[:LONGEST_LIST]]
        parts.append(f"<h4>{words.escaped('Skipped tags')}</h4>" + _list(shown) + _rest(len(skipped), words))
    return "".join(parts)


def merge(result: Mapping[str, Any], words: Words) -> str:
    """What a merge would do: models, method, how much changes, and what to be warned of."""
    rows = [(f"{words('Model')} {item['letter'].upper()}", f"{item['name']} ({size(item['size_bytes'])})" )
            for item in result["models"]]  # fmt: skip
    rows += [
        (words("Formula"), words(str(result["formula"]))),
        (words("Architecture"), str(result["architecture"])),
        (words("Tensors"), words("{changed} of {all} change", changed=result["changed_keys"], all=result["keys"])),
        (words("Read from disk"), size(result["read_bytes"])),
        (words("Size of the new file"), size(result["write_bytes"])),
        (words("Time to write it, about"), duration(result.get("seconds", 0), words)),
        (words("Recipe digest"), str(result["digest"])[:16]),
    ]
    return _warned(result, words) + facts(rows) + _list(words.said(item) for item in result["notes"])


def _warned(result: Mapping[str, Any], words: Words) -> str:
    said = (html.escape(words.said(item)) for item in result["warnings"])
    return "".join(f'<div class="tag-atelier-warning">{text}</div>' for text in said)


def merge_cost(result: Mapping[str, Any], words: Words) -> str:
    """How large and how long, in a line, with what to be warned of: shown while the form is being filled."""
    line = words(
        "{changed} of {all} tensors change; {read} are read, {written} written, in about {time}.",
        changed=result["changed_keys"],
        all=result["keys"],
        read=size(result["read_bytes"]),
        written=size(result["write_bytes"]),
        time=duration(result.get("seconds", 0), words),
    )
    return _warned(result, words) + note(line)


def duration(seconds: float, words: Words) -> str:
    """Seconds as people say them; never less than one."""
    if seconds < 90:
        return words("{count} s", count=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 90:
        return words("{count} min", count=minutes)
    return words("{hours} h {minutes} min", hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def size(count: float) -> str:
    """Bytes as people read them.

    >>> size(86_000_000), size(6_938_040_000)
    ('86 MB', '6.9 GB')
    """
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= power:
            return f"{count / power:.1f} {unit}" if count < 10 * power else f"{count / power:.0f} {unit}"
    return f"{count:.0f} B"


def _list(sentences: Iterable[str]) -> str:
    rows = "".join(f"<li>{html.escape(text)}</li>" for text in sentences)
    return f'<ul class="tag-atelier-list">{rows}</ul>' if rows else ""


def _rest(count: int, words: Words) -> str:
    return note(words("… and {count} more.", count=count - LONGEST_LIST)) if count > LONGEST_LIST else ""
