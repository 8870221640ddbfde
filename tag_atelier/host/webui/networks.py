"""Takes LoRA out of the loaded weights before we change them, and makes the WebUI forget what it remembered of them.

Without this a change is silently lost or the model stays corrupted (A1111 extensions-builtin/Lora/networks.py:411-454,
Forge backend/patcher/lora.py:344-388).
"""

from __future__ import annotations

import sys
from typing import Any

from tag_atelier.host.webui.features import has_parts


def take_out(model: Any) -> None:
    """Put the weights back to the model's own; the next LoRA job makes its backup from what they are then."""
    if has_parts(model):
        _clear_parts(model)
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


def _clear_parts(model: Any) -> None:
    original = model.forge_objects_original
    for patcher in (original.unet, original.clip.patcher):
        if not hasattr(patcher, "lora_loader"):
            if patcher.backup:  # reForge: one for all copies of a patcher (ldm_patched/modules/model_patcher.py:280)
                patcher.detach()
            continue
        patcher.lora_loader.refresh(lora_patches={}, offload_device=patcher.offload_device, force_refresh=True)
    model.current_lora_hash = str([])
    model.forge_objects = original.shallow_copy()
    model.forge_objects_after_applying_lora = original.shallow_copy()
