"""Runs in the WebUI's own Python: its Lora extension's formulas on given weights. Used by ``test_network_formulas``.

    python network_oracle.py CHECKOUT IN.safetensors OUT.safetensors

IN holds ``<case>/weight`` (what is changed) and ``<case>/net/<name>`` (the network's tensors). Only the modules that the
formulas do not use are stood in for; every number comes from the extension's own files.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def stand_in(name: str, **attributes: object) -> types.ModuleType:
    """An empty module under ``name``."""
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module
    return module


class Absent:
    """A class that nothing is an instance of."""


def main(checkout: Path, given: Path, result: Path) -> None:
    """Write ``<case>`` → the changed weight, in the dtype of the weight."""
    sys.path.insert(0, str(checkout / "extensions-builtin" / "Lora"))
    devices = stand_in("modules.devices", cpu=torch.device("cpu"), dtype=torch.float32)
    parts = {name: stand_in(f"modules.{name}") for name in ("sd_models", "cache", "errors", "hashes", "shared")}
    mmdit = stand_in("modules.models.sd3.mmdit", QkvLinear=Absent)
    sd3 = stand_in("modules.models.sd3", mmdit=mmdit)
    stand_in("modules", devices=devices, models=stand_in("modules.models", sd3=sd3), **parts)
    import network
    import network_full
    import network_glora
    import network_hada
    import network_ia3
    import network_lokr
    import network_lora
    import network_norm
    import network_oft

    kinds = [
        network_lora.ModuleTypeLora(),
        network_hada.ModuleTypeHada(),
        network_ia3.ModuleTypeIa3(),
        network_lokr.ModuleTypeLokr(),
        network_full.ModuleTypeFull(),
        network_norm.ModuleTypeNorm(),
        network_glora.ModuleTypeGLora(),
        network_oft.ModuleTypeOFT(),
    ]  # in the order of the extension's networks.py
    tensors = load_file(given)
    cases = {key.partition("/")[0] for key in tensors}
    changed = {}
    for case in cases:
        weight = tensors[f"{case}/weight"]
        if weight.dim() == 4:
            layer = torch.nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=False)
        else:
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = torch.nn.Parameter(weight, requires_grad=False)
        net = types.SimpleNamespace(te_multiplier=1.0, unet_multiplier=float(tensors[f"{case}/strength"]), dyn_dim=None)
        own = {key.split("/net/")[1]: value for key, value in tensors.items() if key.startswith(f"{case}/net/")}
        weights = network.NetworkWeights(network_key=case, sd_key="diffusion_model_x", w=own, sd_module=layer)
        module = next(made for kind in kinds if (made := kind.create_module(net, weights)) is not None)
        updown, _ = module.calc_updown(weight)
        # the very line of networks.py's network_apply_weights
        changed[case] = (weight.to(dtype=updown.dtype) + updown).to(dtype=weight.dtype).contiguous()
    save_file(changed, result)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
