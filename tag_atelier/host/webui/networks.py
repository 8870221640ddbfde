"""Takes LoRA out of the loaded weights before we change them, and makes the WebUI forget what it remembered of them.

Without this a change is silently lost or the model stays corrupted (A1111 extensions-builtin/Lora/networks.py:411-454,
Forge backend/patcher/lora.py:344-388).
"""

from __future__ import annotations

import sys
from typing import Any

from tag_atelier.host.webui.features import is_forge


def take_out(model: Any) -> None:
    """Put the weights back to the model's own; the next LoRA job makes its backup from what they are then."""
    if is_forge():
        _refresh_forge(model)
        return
    lora = sys.modules.get("networks")
    if lora is None:
        return
    for module in _patched_modules(model):
        if getattr(module, "network_current_names", ()) != ():
            lora.network_restore_weights_from_backup(module)
        lora.network_reset_cached_weight(module)


def _patched_modules(model: Any) -> list[Any]:
    return [module for module in model.modules() if getattr(module, "network_layer_name", None) is not None]


def _refresh_forge(model: Any) -> None:
    original = model.forge_objects_original
    for patcher in (original.unet, original.clip.patcher):
        patcher.lora_loader.refresh(lora_patches={}, offload_device=patcher.offload_device, force_refresh=True)
    model.current_lora_hash = str([])
    model.forge_objects = original.shallow_copy()
    model.forge_objects_after_applying_lora = original.shallow_copy()
