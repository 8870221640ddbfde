"""Whether the loaded model's weights can be changed in place; what cannot is refused before anything is touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tag_atelier.errors import HostError, say
from tag_atelier.host.webui.features import has_parts

_PLAIN = ("float16", "bfloat16", "float32", "float64")


def check_changeable(model: Any) -> None:
    """Returns when every weight is a plain number in memory.

    Raises:
        HostError: weights are quantised (fp8, nf4, GGUF), or the UNet is compiled or replaced by another engine (TensorRT).
    """
    engine = _other_engine()
    if engine:
        raise HostError(
            "The UNet is drawn by '{engine}', which does not see changed weights; set SD Unet to None, "
            "or merge to a file, which does not touch the loaded model.",
            engine=engine,
        )
    for module in _networks(model):
        if any(map(_is_compiled, module.modules())):
            raise HostError(
                "The model is compiled, which fixes its weights; switch compiling off, "
                "or merge to a file, which does not touch the loaded model."
            )
        for parameter in module.parameters():
            kind = str(parameter.dtype).removeprefix("torch.")
            if kind not in _PLAIN or type(parameter).__name__ not in ("Parameter", "Tensor"):
                what = kind if "float8" in kind else say("quantised ({type}, {kind})", type=type(parameter).__name__, kind=kind)
                raise HostError(
                    "The loaded model is kept as {what}; load it in fp16, bf16 or fp32, "
                    "or merge to a file, which does not touch the loaded model.",
                    what=what,
                )


def _is_compiled(module: Any) -> bool:
    """By ``torch.compile(module)`` or ``module.compile()``."""
    return type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None


def _networks(model: Any) -> Iterator[Any]:
    if not has_parts(model):
        yield model
        return
    parts = model.forge_objects
    yield from (parts.unet.model.diffusion_model, parts.clip.cond_stage_model, parts.vae.first_stage_model)


def _other_engine() -> str:
    """The UNet replacement that is switched on (A1111 modules/sd_unet.py:8), empty where there is none."""
    current = getattr(sys.modules.get("modules.sd_unet"), "current_unet", None)
    if current is None:
        return ""
    return str(getattr(getattr(current, "option", None), "label", None) or type(current).__name__)
