"""The report's pictures: a card per tag with all checkpoints side by side, and the viewer. Used by ``bench.report_page``."""

from __future__ import annotations

from html import escape
from typing import Any

from tag_atelier.bench import report_people
from tag_atelier.bench.reasons import pieces, reasons
from tag_atelier.bench.report_data import Mark, ReportData, spaced
from tag_atelier.bench.report_html import pressed
from tag_atelier.bench.score import TELLS_NOTHING, TagScore
from tag_atelier.bench.store import StoredCell


def section(data: ReportData) -> str:
    """All cards with their filters."""
    say, cells, scores = data.say, data.cell_at(), data.score_of()
    about = {tag["name"]: tag for tag in data.tags}
    cards = [_card(data, tags, about.get("".join(tags), {}), cells, scores) for tags in data.rows]
    filters = [
        ("all", "All"),
        ("miss", "Missed by some"),
        ("differ", "Checkpoints differ"),
        ("unscored", "Unknown to the tagger"),
    ]
    buttons = "".join(
        f'<button type="button" data-filter="{key}"{pressed(key == "all")}>{escape(say(title))}</button>'
        for key, title in filters
    )
    return (
        f'<section><div class="line"><h2>{escape(say("Pictures"))}</h2><div class="filters" role="group">'
        f"{buttons}{report_people.buttons(data)}</div></div>"
        f'<div class="cards" style="--columns:{max(1, len(data.checkpoints))};--shape:{_shape(data)}">'
        f"{''.join(cards)}</div></section>"
    )


def _card(
    data: ReportData,
    tags: tuple[str, ...],
    about: dict[str, Any],
    cells: dict[tuple[int, tuple[str, ...], int], StoredCell],
    scores: dict[tuple[int, str], TagScore],
) -> str:
    title, say = data.title(tags), data.say
    figures, verdicts, marks = [], set(), []
    for seed in data.evaluation.seeds:
        for position, item in enumerate(data.checkpoints):
            stored = cells.get((position, tags, seed))
            mark = data.mark(stored)
            verdicts.add(mark.verdict)
            marks.append(mark.verdict[0])
            figures.append(_figure(data, stored, f"{title} · {item.name} · {say('seed {seed}', seed=seed)}", mark))
    known = not tags or any(tag in data.evaluation.scored for tag in tags)
    kinds = ["miss"] if verdicts & {"miss", "some"} else []
    kinds += ["differ"] if len(verdicts & {"hit", "miss", "some"}) > 1 else []
    kinds += [] if known else ["unscored"]
    chinese = data.chinese_name.get("".join(tags), "")
    heads = "".join(f"<span title='{escape(item.name)}'>{escape(item.name)}</span>" for item in data.checkpoints)
    return (
        f'<article class="card{"" if tags else " baseline"}" data-kinds="{" ".join(kinds)}" '
        f'data-marks="{"".join(marks)}"><h3>{escape(title)}'
        f"{f' <small>{escape(chinese)}</small>' if chinese else ''}</h3>"
        f'<p class="muted small">{_card_facts(data, tags, about, scores)}</p>'
        f'<div class="grid heads">{heads}</div><div class="grid">{"".join(figures)}</div>'
        f"{_why(data, tags, about, scores) if verdicts & {'miss', 'some'} else ''}</article>"
    )


def _card_facts(data: ReportData, tags: tuple[str, ...], about: dict[str, Any], scores: dict[tuple[int, str], TagScore]) -> str:
    """What is known of a card's tag: facts with dots between them, then badges."""
    say, name = data.say, "".join(tags[:1])
    if not tags:
        return escape(say("the prompt without a tag"))
    if len(tags) > 1:
        return ""
    lines = [escape(data.slot(about["slot"]))] if about.get("slot", "unknown") != "unknown" else []
    lines += [escape(say("{count} posts", count=f"{about['posts']:,}"))] if about.get("posts") else []
    cut = pieces(str(about.get("text", "")))
    if cut:
        shown = escape(say("{count} pieces: {pieces}", count=len(cut), pieces=" | ".join(cut)))
        lines.append(f'<span class="pieces" title="{escape(say("How the tokenizer cuts the tag"))}">{shown}</span>')
    alarms = [scores[position, name].control_rate for position in range(len(data.checkpoints)) if (position, name) in scores]
    unasked = any(rate >= TELLS_NOTHING for rate in alarms)
    badges = [f'<span class="badge warn">{escape(say("there unasked"))}</span>'] if unasked else []
    if data.published is not None and name in data.published.answers:
        said = say("by eye elsewhere: {answer}", answer=say(data.published.answers[name]))
        badges.append(f'<span class="badge" title="{escape(say(data.published.source))}">{escape(said)}</span>')
    label = data.evaluation.labels.get(name)
    if label is not None:
        sentence = "looked for as {label}" if label.status == "alias" else "only the broader {label} is known: in no number"
        badges.append(f'<span class="badge">{escape(say(sentence, label=spaced(label.name)))}</span>')
    elif name not in data.evaluation.scored:
        badges.append(f'<span class="badge">{escape(say("unscored"))}</span>')
    return " ".join([" · ".join(lines), *badges])


def _why(data: ReportData, tags: tuple[str, ...], about: dict[str, Any], scores: dict[tuple[int, str], TagScore]) -> str:
    """What may have kept a tag out of its pictures, folded up; empty for sets of tags, and where nothing is known."""
    own = [scores[position, name] for position in range(len(data.checkpoints)) for name in tags if (position, name) in scores]
    found = reasons(data, about, own) if len(tags) == 1 else []
    if not found:
        return ""
    items = "".join(f"<li>{escape(data.say(reason.sentence, **reason.values))}</li>" for reason in found)
    return f'<details class="why"><summary>{escape(data.say("Why it may have failed"))}</summary><ul>{items}</ul></details>'


def _figure(data: ReportData, stored: StoredCell | None, title: str, mark: Mark) -> str:
    if stored is None or stored.state != "done":
        state = data.say(stored.state) if stored is not None else data.say("planned")
        reason = data.reason(stored) if stored is not None else ""
        return f'<div class="blank" title="{escape(reason)}">{escape(state)}</div>'
    label = f'<span class="mark">{mark.text}</span>' if mark.text else ""
    full = f"{data.images}{stored.image.name}" if stored.image is not None and data.images else ""
    return (
        f'<button type="button" class="shot {mark.verdict}" data-title="{escape(title)}" data-full="{escape(full)}" '
        f'data-key="{stored.cell.key}" data-value="{mark.value:.4f}" data-change="{escape(data.change_line(stored))}" '
        f'data-infotext="{escape(stored.infotext)}"><img src="{escape(data.picture(stored))}" alt="{escape(title)}" '
        f'loading="lazy" decoding="async">{label}{report_people.badge(data, stored)}</button>'
    )


def dialog(data: ReportData) -> str:
    """The viewer that opens with a picture: full parameters, what changed, and the keys to judge it."""
    say = data.say
    return (
        '<dialog id="viewer"><div class="line"><h3></h3><button type="button" class="close" '
        f'aria-label="{escape(say("Close"))}">×</button></div><div class="view"><img alt=""><div>'
        '<p class="small change"></p><pre></pre>'
        f'<p><button type="button" class="copy" data-done="{escape(say("Copied"))}">{escape(say("Copy parameters"))}</button> '
        f'<a target="_blank" rel="noopener">{escape(say("Full size"))}</a></p>{report_people.keys(data)}</div></div></dialog>'
    )


def _shape(data: ReportData) -> str:
    parameters = data.manifest.get("parameters", {})
    return f"{parameters.get('width', 1)}/{parameters.get('height', 1)}"
