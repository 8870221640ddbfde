"""The controls of the selectable script "Rare-tag benchmark": exactly one argument, a plan."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tag_atelier.jobs.atelier import Atelier

EXAMPLE = "preset: rare-8\n# checkpoints: [first, second]\n# parameters: {steps: 20, width: 832, height: 1216}\n"


def build(atelier: Atelier) -> list[Any]:
    """The one control; empty fields are filled from the job's own prompt, size, steps, sampler and seed."""
    return [
        gr.Textbox(
            value=EXAMPLE,
            label="Plan (YAML or JSON)",
            lines=6,
            info="A preset, or a template with {tag} and a list of tags. Long runs are better started in the Tag Atelier tab.",
            elem_id="tag_atelier_script_plan",
        )
    ]
