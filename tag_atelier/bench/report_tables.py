"""The report as Markdown, CSV and JSON. Used by ``bench.report`` only."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from tag_atelier.bench.deviation import Deviation, percent_text
from tag_atelier.bench.multi import headline_point
from tag_atelier.bench.report_data import (
    DASH,
    ReportData,
    headline,
    measured,
    one_decimal,
    percent,
    percent_range,
    points,
    points_range,
    spaced,
)
from tag_atelier.bench.score import CheckpointScore, TagScore
from tag_atelier.bench.store import StoredCell

CSV_COLUMNS = (
    "checkpoint", "checkpoint_sha256", "tag", "slot", "posts", "seed", "status", "probability", "hit",
    "control_rate", "lift", "rank", "kept", "keepable", "lost", "came_unasked", "state", "reason", "prompt", "image",
)  # fmt: skip


def markdown(data: ReportData) -> str:
    """The report as Markdown with tables; tags are escaped, so that ``:|`` breaks none."""
    say = data.say
    first, *rest = headline(data)
    parts = [f"# {escaped(data.name)}", f"**{escaped(first)}**"]
    parts.extend(escaped(line) for line in rest)
    parts.extend([f"> {escaped(say(data.note))}"] if data.note else [])
    for passage in data.passages:
        parts.extend([f"## {say(passage.title)}", "\n".join(f"    {line}" for line in passage.text.splitlines())])
    parts.extend([f"## {say('Checkpoints')}", _leaderboard(data)])
    for item, found in data.deviations():
        parts.extend([f"### {escaped(item.name)}", deviation_table(data, found), escaped(card_sentence(data, item, found))])
    if data.evaluation.curve:
        parts.extend([f"## {say('Many tags in one prompt')}", _curve_table(data)])
    parts.extend([f"## {say('Tags')}", _tag_table(data)])
    if data.evaluation.pairs:
        parts.extend([f"## {say('Pairs')}", _pair_table(data)])
    for title, lines in left_out(data):
        parts.extend([f"## {title}", "\n".join(f"- {escaped(line)}" for line in lines)])
    parts.extend([f"## {say('How it was measured')}", "\n".join(f"- {escaped(a)}: {escaped(b)}" for a, b in facts(data))])
    return "\n\n".join(parts) + "\n"


def csv_text(data: ReportData) -> str:
    """One line per planned picture. Texts that a spreadsheet would take for a formula get an apostrophe in front."""
    scores, tags = data.score_of(), {tag["name"]: tag for tag in data.tags}
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(CSV_COLUMNS)
    for stored in data.cells:
        cell = stored.cell
        name = ", ".join(cell.tags)
        checkpoint, tag, score = data.checkpoints[cell.checkpoint], tags.get(name, {}), scores.get((cell.checkpoint, name))
        status = "baseline" if not name else "set" if len(cell.tags) > 1 else _status(data, name)
        values = [checkpoint.name, checkpoint.identity, name, tag.get("slot", ""), tag.get("posts") or "", cell.seed, status]
        values += _score_columns(data, score, cell.seed)
        values += _change_columns(data, stored)
        values += [stored.state, stored.reason, cell.prompt, stored.image.name if stored.image else ""]
        writer.writerow([_harmless(value) for value in values])
    return buffer.getvalue()


def json_text(data: ReportData) -> str:
    """Plan, manifest and every number, in full precision; NaN is null."""
    found = data.evaluation
    value = {
        "plan": data.plan,
        "manifest": data.manifest,
        "headline": headline(data),
        "partial": found.partial,
        "threshold": found.threshold,
        "seeds": found.seeds,
        "scored": found.scored,
        "unscored": found.unscored,
        "labels": {tag: dataclasses.asdict(label) for tag, label in found.labels.items()},
        "deviations": {
            item.name: [{**dataclasses.asdict(line), "percent": line.percent} for line in lines]
            for item, lines in data.deviations()
        },
        "self_test": dict(data.self_test),
        "diversity": {
            title: {item.name: value._asdict() if value else None for item, value in zip(data.checkpoints, values, strict=True)}
            for title, values in data.diversity_columns()
        },
        "curve": [{**dataclasses.asdict(p), "recall": p.recall._asdict(), "realised": p.realised} for p in found.curve],
        "states": found.states,
        "checkpoints": [
            {
                **dataclasses.asdict(item),
                "accuracy": item.accuracy._asdict(),
                "lift": item.lift._asdict(),
                "keeping": item.keeping._asdict() if item.keeping else None,
                "came_unasked": item.came_unasked._asdict() if item.came_unasked else None,
                "versus_others": item.versus_others._asdict() if item.versus_others else None,
                "by_slot": {slot: interval._asdict() for slot, interval in item.by_slot.items()},
                "hits": item.hits,
                "drawn": item.drawn,
                "control_rate": item.control_rate,
                "first_ranks": item.first_ranks._asdict(),
            }
            for item in data.checkpoints
        ],
        "pairs": [{**dataclasses.asdict(pair), "difference": pair.difference._asdict()} for pair in found.pairs],
    }
    return json.dumps(_finite(value), ensure_ascii=False, indent=1, default=str) + "\n"


def left_out(data: ReportData) -> list[tuple[str, list[str]]]:
    """What is in no number, with its reason: unscored, skipped, rejected and failed; headings with their lines."""
    say = data.say
    bad = [stored for stored in data.cells if stored.state in ("rejected", "failed")]
    lists = [
        (say("Unknown to the tagger"), [spaced(tag) for tag in data.evaluation.unscored]),
        (say("Skipped tags"), [f"{spaced(item['name'])}: {say(item['reason'])}" for item in data.plan.get("skipped", [])]),
        (
            say("Rejected and failed pictures"),
            [
                f"{data.checkpoints[item.cell.checkpoint].name} · {spaced(''.join(item.cell.tags)) or say('Baseline')} · "
                f"{say('seed {seed}', seed=item.cell.seed)}: {data.reason(item)}"
                for item in bad
            ],
        ),
        (say("Notes"), [say(item["template"], **item["values"]) for item in data.plan.get("remarks", [])]),
    ]
    return [(title, lines) for title, lines in lists if lines]


def facts(data: ReportData) -> list[tuple[str, str]]:
    """The manifest as pairs of name and value."""
    say, plan, manifest = data.say, data.plan, data.manifest
    spec, parameters = plan.get("spec", {}), manifest.get("parameters", {})
    pairs = [
        (say("Prompt"), spec.get("template", "")),
        (say("Baseline"), plan.get("baseline", "")),
        (say("Negative prompt"), spec.get("negative", "") or DASH),
        (say("Seeds"), ", ".join(str(seed) for seed in manifest.get("seeds", []))),
        (say("Sampling"), _sampling(data, parameters)),
        (say("Batch size"), str(manifest.get("batch_size", ""))),
        (say("Drawn alone instead"), batching_line(data)),
        (say("Tagger"), " · ".join([str(manifest.get("scorer", "")), *manifest.get("scorer_providers", [])])),
        (say("Threshold"), f"{data.evaluation.threshold:.4g}"),
        (say("Host"), f"{_host(data)} · Tag Atelier {manifest.get('tag_atelier', '')}"),
        (say("Date"), str(manifest.get("finished_at") or manifest.get("started_at", ""))),
    ]
    return [*pairs, *((item.name, item.identity) for item in data.checkpoints)]


def _host(data: ReportData) -> str:
    machines = int(data.manifest.get("machines") or 0)
    several = f" · {data.say('{count} machines', count=machines)}" if machines > 1 else ""
    return f"{data.manifest.get('host', '')}{several}"


def batching_line(data: ReportData) -> str:
    """What drawing in batches changed, as one sentence."""
    found = data.self_test
    if not found:
        alone = data.manifest.get("machines") or data.manifest.get("batch_size", 1) == 1
        return data.say("all of them were") if alone else data.say("not compared")
    difference = f"{found['difference']:.2f}"
    if found["flips"] is None:
        return data.say(
            "{cells} pictures differ by {difference} of 255 levels on average.", cells=found["cells"], difference=difference
        )
    return data.say(
        "{cells} pictures differ by {difference} of 255 levels on average; {flips} of {judged} verdicts differ.",
        cells=found["cells"],
        difference=difference,
        flips=found["flips"],
        judged=found["judged"],
    )


def _leaderboard(data: ReportData) -> str:
    say = data.say
    header = ["Tier", "Checkpoint", "Accuracy", "95 % interval", "Hits", "False alarms", "Lift (points)"]
    header += ["Keeping", "Came unasked", "Against the others"]
    columns = data.diversity_columns()
    header += [title for title, _ in columns]
    rows = [
        [
            str(item.tier),
            item.name,
            percent(item.accuracy.value),
            percent_range(item.accuracy),
            f"{item.hits} / {item.drawn}",
            percent(item.control_rate),
            f"{points(item.lift.value)} ({points_range(item.lift)})",
            f"{percent(item.keeping.value)} ({percent_range(item.keeping)})" if item.keeping else DASH,
            one_decimal(item.came_unasked),
            f"{points(item.versus_others.value)} ({points_range(item.versus_others)})" if item.versus_others else DASH,
            *(measured(values[list(data.checkpoints).index(item)]) for _, values in columns),
        ]
        for item in data.evaluation.ranked
    ]
    return markdown_table([say(title) for title in header], rows)


def _tag_table(data: ReportData) -> str:
    scores = data.score_of()
    rows = []
    for tag in data.tags:
        chinese = data.chinese_name.get(tag["name"], "")
        row = [f"{spaced(tag['name'])} {chinese}".strip(), f"{tag['posts']:,}" if tag.get("posts") else DASH]
        for position in range(len(data.checkpoints)):
            row.append(_verdict(data, scores.get((position, tag["name"]))))
        rows.append(row)
    return markdown_table([data.say("Tag"), data.say("Posts"), *(item.name for item in data.checkpoints)], rows)


def deviation_table(data: ReportData, lines: Sequence[Deviation]) -> str:
    """The page's table as Markdown: direction, accuracy, mean of the others, deviation."""
    header = [data.say(title) for title in ("Direction", "Accuracy", "Mean of the others", "Deviation")]
    return markdown_table(header, [deviation_row(data, line) for line in lines])


def deviation_row(data: ReportData, line: Deviation) -> list[str]:
    """One line of it as texts."""
    shares = [f"{value:.3f}" if math.isfinite(value) else DASH for value in (line.accuracy, line.mean)]
    return [data.say(line.direction), *shares, percent_text(line.percent)]


def card_sentence(data: ReportData, item: CheckpointScore, lines: Sequence[Deviation]) -> str:
    """The sentence for a model card; says less where less is known."""
    *by_direction, overall = lines
    known = [line.percent for line in by_direction if math.isfinite(line.percent)]
    if not known or not math.isfinite(overall.percent):
        return data.say("{name}: the others draw none of these tags, so there is no deviation from them.", name=item.name)
    text = data.say(
        "{name}: accuracy {overall} against the mean of the others, from {lowest} to {highest} by direction.",
        name=item.name,
        overall=percent_text(overall.percent),
        lowest=percent_text(min(known)),
        highest=percent_text(max(known)),
    )
    point = headline_point([point for point in data.evaluation.curve if point.name == item.name])
    if point is None:
        return text
    return f"{text} {data.say('{rate} at {size} tags.', rate=percent(point.recall.value), size=point.size)}"


def curve_rows(data: ReportData) -> list[list[str]]:
    """The curve as texts: checkpoint, tags, pictures, recall, interval, false alarms, realised, first and second half."""
    return [
        [
            point.name,
            str(point.size),
            str(point.sets),
            percent(point.recall.value),
            percent_range(point.recall),
            percent(point.control_rate),
            f"{point.realised:.1f}" if math.isfinite(point.realised) else DASH,
            f"{percent(point.first_half)} / {percent(point.second_half)}",
        ]
        for point in data.evaluation.curve
    ]


CURVE_HEADER = (
    "Checkpoint", "Tags in the prompt", "Pictures", "Seen", "95 % interval", "False alarms", "Tags beyond what comes unasked",
    "First / second half of the prompt",
)  # fmt: skip


def _curve_table(data: ReportData) -> str:
    return markdown_table([data.say(title) for title in CURVE_HEADER], curve_rows(data))


def _verdict(data: ReportData, score: TagScore | None) -> str:
    if score is None:
        return data.say("unscored")
    if not any(value is not None for value in score.probabilities) and score.drawn:
        return f"{score.hits} / {score.drawn}"
    shown = [
        DASH if value is None else f"{'✓' if value >= data.evaluation.threshold else '✗'} {value:.2f}"
        for value in score.probabilities
    ]
    return " · ".join(shown)


def _pair_table(data: ReportData) -> str:
    header = ["First", "Second", "Difference (points)", "95 % interval", "Only the first", "Only the second", "p (Holm)"]
    rows = [
        [
            pair.first,
            pair.second,
            points(pair.difference.value),
            points_range(pair.difference),
            str(pair.only_first),
            str(pair.only_second),
            p_value(pair.p_holm),
        ]
        for pair in data.evaluation.pairs
    ]
    return markdown_table([data.say(title) for title in header], rows)


def p_value(p: float) -> str:
    """A p as papers print it.

    >>> p_value(0.0625), p_value(0.00004)
    ('0.062', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], raw: bool = False) -> str:
    """A Markdown table; ``raw`` where the texts are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(value if raw or row is lines[1] else escaped(value) for value in row) + " |" for row in lines
    )


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, also inside a table.

    >>> escaped(":|")
    ':\\|'
    """
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, "\\" + sign)
    return text.replace("\n", " ")


def _score_columns(data: ReportData, score: TagScore | None, seed: int) -> list[object]:
    position = data.evaluation.seeds.index(seed) if seed in data.evaluation.seeds else None
    if score is None or position is None or score.probabilities[position] is None:
        return ["", "", "", "", ""]
    probability = score.probabilities[position] or 0.0
    drawn_before = sum(value is not None for value in score.probabilities[:position])
    hit = int(probability >= data.evaluation.threshold)
    rates = [f"{value:.6f}" if math.isfinite(value) else "" for value in (score.control_rate, score.lift)]
    return [f"{probability:.6f}", hit, *rates, score.ranks[drawn_before]]


def _change_columns(data: ReportData, stored: StoredCell) -> list[object]:
    reading = data.evaluation.seen.get(stored.cell.key)
    if reading is None or reading.change is None:
        return ["", "", "", ""]
    return [reading.change.kept, reading.change.keepable, " ".join(reading.change.lost), reading.change.came]


def _status(data: ReportData, tag: str) -> str:
    if tag in data.evaluation.labels:
        return data.evaluation.labels[tag].status
    return "scored" if tag in data.evaluation.scored else "unscored"


def _harmless(value: object) -> object:
    risky = isinstance(value, str) and value[:1] in ("=", "+", "@", "-", "\t", "\r")
    return f"'{value}" if risky else value


def _sampling(data: ReportData, parameters: Any) -> str:
    steps = data.say("{steps} steps", steps=parameters.get("steps"))
    skip = data.say("clip skip {number}", number=parameters.get("clip_skip"))
    size = f"{parameters.get('width')}×{parameters.get('height')}"
    parts = [parameters.get("sampler"), parameters.get("scheduler"), steps, f"CFG {parameters.get('cfg_scale')}", size, skip]
    hires = parameters.get("hires")
    return " · ".join([*map(str, parts), *([f"hires ×{hires['scale']} {hires['upscaler']}"] if hires else [])])


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
