"""Reads the body of ``POST /sdapi/v1/txt2img`` into our values. Used by ``server``. Loads without torch."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tag_atelier.errors import RequestError
from tag_atelier.jobs.values import read_flag, read_text
from tag_atelier.ports import RenderRequest, SamplingParameters

LARGEST_BATCH = 64
_LARGEST_SEED = 2**32 - 1
_OVERRIDES = ("sd_model_checkpoint", "CLIP_stop_at_last_layers", "sd_vae")
_WITHOUT_EFFECT = ("save_images", "do_not_save_samples", "do_not_save_grid", "override_settings_restore_afterwards")
"""This host saves nothing and keeps no settings, so these mean nothing here, whatever they say."""
_KNOWN = (
    *("prompt", "negative_prompt", "seed", "steps", "cfg_scale", "width", "height", "sampler_name", "sampler_index"),
    *("scheduler", "batch_size", "n_iter", "eta", "override_settings", "send_images", *_WITHOUT_EFFECT),
)


@dataclass(frozen=True)
class DrawRequest:
    """What one call asks for."""

    batches: tuple[tuple[RenderRequest, ...], ...]
    """``n_iter`` batches of ``batch_size`` images; seeds count up from the given one, as in the WebUI."""
    parameters: SamplingParameters
    checkpoint: str
    """Name of the checkpoint to draw with; "" for the loaded one."""
    send_images: bool


def read_draw_request(body: Mapping[str, object]) -> DrawRequest:
    """``body`` with the WebUI's names and defaults. Unknown fields may stand there empty or false, as clients send them.

    Raises:
        RequestError: a field of another type or range, or one that asks for what this host cannot do.
    """
    unknown = sorted(key for key, value in body.items() if key not in _KNOWN and value)
    if unknown:
        raise RequestError(
            "This host cannot do what {unknown} ask(s) for; expected only: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(_KNOWN),
        )
    overrides = _overrides(body)
    parameters = SamplingParameters(
        sampler=read_text(body, "sampler_name", read_text(body, "sampler_index", "Euler") or "Euler") or "Euler",
        scheduler=read_text(body, "scheduler", "Automatic") or "Automatic",
        steps=_whole(body, "steps", 50, 1, 1000),
        cfg_scale=_number(body, "cfg_scale", 7.0),
        width=_whole(body, "width", 512, 8, 4096),
        height=_whole(body, "height", 512, 8, 4096),
        clip_skip=_whole(overrides, "CLIP_stop_at_last_layers", 1, 1, 12),
        eta=None if body.get("eta") is None else _number(body, "eta", 0.0),
        vae=read_text(overrides, "sd_vae", "Automatic"),
    )
    batch_size, count = _whole(body, "batch_size", 1, 1, LARGEST_BATCH), _whole(body, "n_iter", 1, 1, LARGEST_BATCH)
    seed = _whole(body, "seed", -1, -1, _LARGEST_SEED)
    first = random.randrange(_LARGEST_SEED) if seed == -1 else seed
    prompt, negative = read_text(body, "prompt", ""), read_text(body, "negative_prompt", "")
    images = [RenderRequest(prompt, negative, first + number) for number in range(batch_size * count)]
    batches = tuple(tuple(images[start : start + batch_size]) for start in range(0, len(images), batch_size))
    checkpoint = read_text(overrides, "sd_model_checkpoint", "")
    return DrawRequest(batches, parameters, checkpoint, read_flag(body, "send_images", True))


def _overrides(body: Mapping[str, object]) -> dict[str, object]:
    overrides = body.get("override_settings") or {}
    if not isinstance(overrides, Mapping):
        raise RequestError('\'override_settings\' is not an object; expected for example {"sd_model_checkpoint": "name"}.')
    unknown = sorted(str(key) for key in overrides if key not in _OVERRIDES)
    if unknown:
        raise RequestError(
            "This host has no setting {unknown}; expected some of: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(_OVERRIDES),
        )
    return {str(key): value for key, value in overrides.items() if value is not None}


def _whole(values: Mapping[str, object], key: str, default: int, least: int, most: int) -> int:
    value = values.get(key)
    value = default if value is None else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RequestError(
            "'{key}' is {value!r}; expected a whole number from {least} to {most}.",
            key=key,
            value=value,
            least=least,
            most=most,
        )
    return value


def _number(values: Mapping[str, object], key: str, default: float) -> float:
    value = values.get(key)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1000 <= value <= 1000:
        raise RequestError("'{key}' is {value!r}; expected a number.", key=key, value=value)
    return float(value)
