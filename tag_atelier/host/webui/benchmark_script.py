"""The selectable script "Rare-tag benchmark": one argument, a plan; the job's own settings fill what it leaves out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modules import processing, scripts

from tag_atelier.errors import Cancelled, RequestError, TagAtelierError
from tag_atelier.host.webui import options
from tag_atelier.host.webui.panel_script import StateProgress
from tag_atelier.host.webui.refusal import refuse
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.benchmarks import Benchmarks
from tag_atelier.language import sentence, tell
from tag_atelier.plain_values import Unreadable, read_yaml

TITLE = "Rare-tag benchmark"

BuildControls = Callable[[Atelier], "list[Any]"]


def make_benchmark_script(atelier: Atelier, build_controls: BuildControls) -> type[scripts.Script]:
    """The Script class to register, for txt2img."""

    class BenchmarkScript(scripts.Script):
        """Runs a plan inside one job; long runs are better started from the tab."""

        def title(self) -> str:
            return TITLE

        def show(self, is_img2img: bool) -> bool:
            return not is_img2img

        def ui(self, is_img2img: bool) -> list[Any]:
            return build_controls(atelier)

        def run(self, p: Any, plan: Any) -> processing.Processed:
            try:
                return _run(atelier, p, plan)
            except TagAtelierError as error:
                refuse(p, error)

    return BenchmarkScript


def _run(atelier: Atelier, p: Any, plan: Any) -> processing.Processed:
    spec = _with_defaults(p, _read(plan))
    # The running job holds the queue already, and it is not re-entrant.
    inside = dataclasses.replace(atelier.host, exclusive=None)
    benchmarks = Benchmarks(inside, atelier.prompts, atelier.runner, atelier.options)
    try:
        summary = benchmarks.run_now(spec, None, StateProgress())
    except Cancelled as error:
        told = tell(error.said, options.language())
        p.comment(told)
        return processing.Processed(p, [], seed=_seed(p), info=told)
    folder = Path(str(summary["folder"]))
    p.extra_generation_params["Tag Atelier run"] = summary["run"]
    p.extra_generation_params["Tag Atelier report"] = str(folder / "report.html")
    info = sentence(
        "Rare-tag benchmark {run}: the report is {path}", options.language(), run=summary["run"], path=folder / "report.html"
    )
    pictures = _pictures(folder)
    return processing.Processed(p, pictures, seed=_seed(p), info=info, infotexts=[info] * max(1, len(pictures)))


def _read(plan: Any) -> dict[str, object]:
    """The plan as a mapping; on the page it is a text, over HTTP an object or a text."""
    if isinstance(plan, str):
        try:
            plan = read_yaml(plan) if plan.strip() else {}
        except Unreadable as error:
            raise RequestError("The plan is neither JSON nor YAML: {error}", error=str(error)) from error
    if not isinstance(plan, Mapping):
        raise RequestError('The plan of \'{title}\' is no mapping; expected for example {{"preset": "rare-8"}}.', title=TITLE)
    return {str(key): value for key, value in plan.items()}


def _with_defaults(p: Any, spec: dict[str, object]) -> dict[str, object]:
    """Lay the plan over what the job itself says: sizes, steps, sampler, seed, and the prompt where it holds {tag}."""
    if not spec:
        spec = {"preset": "rare-8"}
    if "preset" in spec:
        return spec
    defaults: dict[str, object] = {"name": TITLE, "negative": p.negative_prompt}
    if isinstance(p.prompt, str) and "{tag}" in p.prompt:
        defaults["template"] = p.prompt
    if _seed(p) >= 0:
        defaults["seeds"] = [_seed(p)]
    parameters = spec.get("parameters", {})
    if isinstance(parameters, Mapping):
        parameters = {**_parameters(p), **parameters}
    return {**defaults, **spec, "parameters": parameters}


def _parameters(p: Any) -> dict[str, object]:
    return {
        "sampler": p.sampler_name,
        "scheduler": p.scheduler or "Automatic",
        "steps": p.steps,
        "cfg_scale": p.cfg_scale,
        "width": p.width,
        "height": p.height,
    }


def _seed(p: Any) -> int:
    return int(p.seed) if isinstance(p.seed, (int, float)) else -1


def _pictures(folder: Path) -> list[Any]:
    """What the gallery shows: the contact sheet with its marks, then the labelled grid."""
    from PIL import Image

    pictures = []
    for path in (folder / "sheet.png", folder / "grid.png"):
        if path.exists():
            with Image.open(path) as opened:
                pictures.append(opened.convert("RGB"))
    return pictures
