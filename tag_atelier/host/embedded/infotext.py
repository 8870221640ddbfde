"""Generation parameters in the WebUI's text form. Used by ``sampler`` and ``server``."""

from __future__ import annotations

from tag_atelier.ports import MERGE_INFOTEXT, Checkpoint, RenderRequest, SamplingParameters

VERSION = "tag-atelier-embedded"


def infotext(request: RenderRequest, parameters: SamplingParameters, checkpoint: Checkpoint, merged: bool = False) -> str:
    """Prompt, negative prompt and a line of ``Name: value`` pairs, as the WebUI writes below its images.

    ``merged``: the loaded model's weights are not those of ``checkpoint`` alone.
    """
    pairs: dict[str, object] = {
        "Steps": parameters.steps,
        "Sampler": parameters.sampler,
        "Schedule type": parameters.scheduler,
        "CFG scale": parameters.cfg_scale,
        "Seed": request.seed,
        "Size": f"{parameters.width}x{parameters.height}",
    }
    if checkpoint.sha256:
        pairs["Model hash"] = checkpoint.sha256[:10]
    pairs["Model"] = checkpoint.name
    if parameters.clip_skip > 1:
        pairs["Clip skip"] = parameters.clip_skip
    if parameters.eta is not None:
        pairs["Eta"] = parameters.eta
    if merged:
        pairs[MERGE_INFOTEXT] = "live"
    pairs["Version"] = VERSION
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    lines.append(", ".join(f"{name}: {value}" for name, value in pairs.items()))
    return "\n".join(lines)
