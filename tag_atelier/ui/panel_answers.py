"""What the panel's buttons answer and what it says after a drawing, bound to the WebUI's own controls. Used by ``panel``."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from tag_atelier.errors import TagAtelierError
from tag_atelier.jobs.families import AUTOMATIC
from tag_atelier.ui import prompt_answers, render
from tag_atelier.ui.compat import listen
from tag_atelier.ui.words import Words

if TYPE_CHECKING:
    from tag_atelier.jobs.sampling import ControlValues

CLIP_SKIP = "Clip skip: "
"""How the WebUI's own "Override settings" begins an entry for it."""
_SET = ("sampling", "scheduler", "steps", "cfg_scale", "width", "height")


class OwnParts(NamedTuple):
    """Components of ours that take part."""

    apply: Any
    clip_skip: Any
    profile: Any
    result: Any
    report: Any


def arranged(atelier: Any, words: Words, text: str | None, profile: str) -> tuple[str, str]:
    """The arranged prompt and what there is to say about it, as HTML."""
    written, said = prompt_answers.arranged(atelier, words, text, profile)
    return written, _family_line(atelier, words, profile) + said


def checked(atelier: Any, words: Words, text: str | None, profile: str) -> str:
    """What the check of a prompt finds, as HTML."""
    return _family_line(atelier, words, profile) + prompt_answers.checked(atelier, words, text, profile)


def _family_line(atelier: Any, words: Words, profile: str) -> str:
    """Which family ``automatic`` stands for now, and how that is known."""
    if profile != AUTOMATIC:
        return ""
    try:
        family = atelier.families.current()
    except TagAtelierError as error:
        return render.problem(error, words)
    return _family_note(words, family.profile_id, family.why)


def _family_note(words: Words, profile_id: str, why: str) -> str:
    return render.note(f"{words('Model family')}: {profile_id}. {words(why)}")


def connect_page(atelier: Any, words: Words, tab: str, ours: OwnParts, parts: Mapping[str, Any]) -> None:
    """Bind the button to the controls of ``tab`` that are there, and the report to the line the WebUI ends a drawing with."""
    log = parts.get(f"html_log_{tab}")
    if log is not None:
        listen(log.change, partial(report, atelier, words, tab), [], [ours.report])
    names = _SET if tab == "txt2img" else _SET[:4]
    controls = {name: parts[f"{tab}_{name}"] for name in names if f"{tab}_{name}" in parts}
    overrides = parts.get(f"{tab}_override_settings")
    outputs = [*controls.values(), *([overrides] if overrides is not None else []), ours.result]
    given = [ours.profile, ours.clip_skip, *(controls[name] for name in ("width", "height") if name in controls)]
    answer = partial(_applied, atelier, words, controls, overrides is not None)
    listen(ours.apply.click, answer, [*given, *([overrides] if overrides is not None else [])], outputs)


def _applied(
    atelier: Any, words: Words, controls: Mapping[str, Any], overrides: bool, profile_id: str, clip_skip: bool, *rest: Any
) -> list[Any]:
    """Values for ``controls``, for the overrides where there are any, and the line that says what was set."""
    from tag_atelier.jobs.sampling import control_values

    present = list(rest[-1] or []) if overrides else []
    size = (int(rest[0] or 0), int(rest[1] or 0)) if "width" in controls else (0, 0)
    try:
        profile = atelier.prompts.profile(profile_id)
    except TagAtelierError as error:
        return [gr.update() for _ in range(len(controls) + overrides)] + [render.problem(error, words)]
    offered = {name: _choices(controls[name]) for name in ("sampling", "scheduler") if name in controls}
    found = control_values(profile.sampling, offered.get("sampling", ()), offered.get("scheduler", ()), size)
    values = {
        "sampling": found.sampler,
        "scheduler": found.scheduler,
        "steps": found.steps,
        "cfg_scale": found.cfg_scale,
        "width": found.width,
        "height": found.height,
    }
    answers: list[Any] = [gr.update() if values[name] is None else gr.update(value=values[name]) for name in controls]
    if overrides:
        answers.append(_overrides(atelier, present, found.clip_skip) if clip_skip else gr.update())
    return [*answers, _said(words, profile.name, found, controls, overrides and clip_skip)]


def _choices(component: Any) -> Sequence[str]:
    """Values that a menu offers: gradio 4 keeps pairs of label and value."""
    return [choice[1] if isinstance(choice, (tuple, list)) else choice for choice in component.choices]


def _overrides(atelier: Any, present: Sequence[str], clip_skip: int) -> Any:
    """The WebUI's list of overrides with ``clip_skip`` in it where the settings have another one."""
    kept = [entry for entry in present if not entry.startswith(CLIP_SKIP)]
    if atelier.host.live_settings().get("clip_skip") != clip_skip:
        kept.append(f"{CLIP_SKIP}{clip_skip}")
    return gr.update(value=kept, choices=kept, visible=bool(kept))


def _said(words: Words, family: str, found: ControlValues, controls: Mapping[str, Any], skip: bool) -> str:
    parts = [part for part in (found.sampler, found.scheduler) if part]
    parts += [words("{steps} steps", steps=found.steps), f"CFG {found.cfg_scale:g}"]
    parts += [f"{found.width}×{found.height}"] if "width" in controls else []
    parts += [f"{CLIP_SKIP}{found.clip_skip}"] if skip else []
    told = words("Set as {family} was tried: {values}.", family=family, values=", ".join(parts))
    missing = "".join(
        f'<div class="tag-atelier-warning">{words.escaped("This WebUI does not offer {name}.", name=name)}</div>'
        for name in found.missing
    )
    return render.good(told) + missing


def report(atelier: Any, words: Words, tab: str) -> str:
    """What the panel did in the last drawing of ``tab``, and what of its settings is off the family's; as HTML."""
    last = atelier.panel.reports.get(tab)
    if last is None:
        return ""
    outcome = last.outcome
    notes = [_translated(words, note) for note in outcome.all_notes()]
    told = "".join(f'<div class="tag-atelier-warning">{html.escape(note)}</div>' for note in notes)
    if outcome.family is None:
        return told
    moved = words("{count} tags moved.", count=outcome.moved) if outcome.moved else words("No tag was moved.")
    why = words(outcome.family.why) if outcome.family.checkpoint else ""
    head = words("Last drawing by {family}: {moved}", family=outcome.family.profile_id, moved=moved)
    return render.good(f"{head} {why}".rstrip()) + told + _remarks(atelier, words, last)


def _translated(words: Words, note: Any) -> str:
    return words(note.template, **note.values)


def _remarks(atelier: Any, words: Words, last: Any) -> str:
    """What lint says of the settings and networks the picture was drawn with."""
    text, other = last.first
    around = {**last.surroundings, "other": other, "live": True}
    request = {"text": text, "profile": last.outcome.family.profile_id, "with": around, "language": words.language}
    try:
        found = atelier.lint(request)["findings"]
    except TagAtelierError as error:
        return render.problem(error, words)
    settings = [row for row in found if row.get("set") or str(row["code"]).startswith(("network_", "cfg_"))]
    return render.findings({"findings": settings}, words) if settings else ""
