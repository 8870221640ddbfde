"""Baked networks equal what the WebUI's own Lora extension does to the same weights, within one step of the file's dtype."""

from __future__ import annotations

import os
import subprocess
from math import prod
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tag_atelier.merge import lora_formulas
from tag_atelier.merge.header import TensorEntry
from tag_atelier.merge.networks import KINDS, Layer
from tests.webui.checkout import Checkout

ORACLE = Path(__file__).with_name("network_oracle.py")
OUT, IN, RANK = 96, 64, 8
LINEAR, CONV = (OUT, IN), (OUT, IN, 3, 3)

CASES: dict[str, tuple[tuple[int, ...], dict[str, tuple[int, ...]]]] = {
    "lora": (LINEAR, {"lora_up.weight": (OUT, RANK), "lora_down.weight": (RANK, IN), "alpha": ()}),
    "locon": (CONV, {"lora_up.weight": (OUT, RANK, 1, 1), "lora_down.weight": (RANK, IN, 3, 3), "alpha": ()}),
    "locon_tucker": (
        CONV,
        {"lora_up.weight": (OUT, RANK, 1, 1), "lora_down.weight": (RANK, IN, 1, 1), "lora_mid.weight": (RANK, RANK, 3, 3)},
    ),
    "loha": (LINEAR, {f"hada_w{i}_{p}": (OUT, RANK) if p == "a" else (RANK, IN) for i in "12" for p in "ab"} | {"alpha": ()}),
    "loha_tucker": (
        CONV,
        {f"hada_w{i}_{p}": (RANK, OUT) if p == "a" else (RANK, IN) for i in "12" for p in "ab"}
        | {"hada_t1": (RANK, RANK, 3, 3), "hada_t2": (RANK, RANK, 3, 3), "alpha": ()},
    ),
    "lokr": (LINEAR, {"lokr_w1": (8, 8), "lokr_w2_a": (12, RANK), "lokr_w2_b": (RANK, 8), "alpha": ()}),
    "lokr_whole": (LINEAR, {"lokr_w1": (8, 8), "lokr_w2": (12, 8), "alpha": ()}),
    "lokr_both": (
        LINEAR,
        {"lokr_w1_a": (8, 2), "lokr_w1_b": (2, 8), "lokr_w2_a": (12, 4), "lokr_w2_b": (4, 8), "alpha": ()},
    ),
    "lokr_conv": (CONV, {"lokr_w1": (8, 8), "lokr_w2": (12, 8, 3, 3)}),
    "lokr_tucker": (
        CONV,
        {"lokr_w1": (8, 8), "lokr_w2_a": (4, 12), "lokr_w2_b": (4, 8), "lokr_t2": (4, 4, 3, 3), "alpha": ()},
    ),
    "dora": (LINEAR, {"lora_up.weight": (OUT, RANK), "lora_down.weight": (RANK, IN), "alpha": (), "dora_scale": (1, IN)}),
    "dora_conv": (
        CONV,
        {"lora_up.weight": (OUT, RANK, 1, 1), "lora_down.weight": (RANK, IN, 3, 3), "dora_scale": (1, IN, 1, 1)},
    ),
    "full": (LINEAR, {"diff": LINEAR}),
    "ia3": (LINEAR, {"weight": (OUT,), "on_input": ()}),
    "glora": (
        LINEAR,
        {"a1.weight": (RANK, IN), "a2.weight": (IN, RANK), "b1.weight": (RANK, IN), "b2.weight": (OUT, RANK), "alpha": ()},
    ),
    "oft": (LINEAR, {"oft_blocks": (12, 8, 8)}),
    "oft_limited": (LINEAR, {"oft_blocks": (12, 8, 8), "alpha": ()}),
    "oft_conv": (CONV, {"oft_blocks": (12, 8, 8)}),
    "oft_diag": (LINEAR, {"oft_diag": (12, 8, 8), "rescale": (OUT, 1)}),
    "boft": (LINEAR, {"oft_blocks": (3, 12, 8, 8)}),
}


def made(case: str, seed: int) -> dict[str, torch.Tensor]:
    """A weight as checkpoints have them and a network that changes it by about a tenth."""
    shape, names = CASES[case]
    generator = torch.Generator().manual_seed(seed)

    def random(shape: tuple[int, ...], size: float) -> torch.Tensor:
        return size * torch.randn(shape, generator=generator)

    # In float32 as with --no-half: with other dtypes the extension's OFT fails and is passed over in silence.
    tensors = {"weight": random(shape, 0.05).half().float(), "strength": torch.tensor(0.8)}
    for name, of in names.items():
        tensors[f"net/{name}"] = random(of, 0.05 if "oft" in name else 0.15)
    fixed = {
        "alpha": torch.tensor(0.002 if case == "oft_limited" else 4.0),
        "on_input": torch.tensor(False),
        "dora_scale": random(names.get("dora_scale", ()), 0.05).abs() + 0.3,
        "rescale": 1 + random(names.get("rescale", ()), 0.1),
        "diff": random(shape, 0.01),
    }
    return tensors | {f"net/{name}": fixed[name] for name in names if name in fixed}


def ulps(got: torch.Tensor, expected: torch.Tensor) -> int:
    """The largest distance in steps of float16."""

    def ordered(x: torch.Tensor) -> torch.Tensor:
        bits = x.view(torch.int16).int()
        return torch.where(bits < 0, -(bits & 0x7FFF), bits)

    return int((ordered(got) - ordered(expected)).abs().max())


def ours(case: str, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """What evaluate does: everything in float32, rounded once."""
    net = {key.removeprefix("net/"): value.float() for key, value in tensors.items() if key.startswith("net/")}
    kind = next(kind for kind, needed in KINDS if all(name in net for name in needed))
    entries = {name: TensorEntry("F32", tuple(value.shape), 0, 4 * prod(value.shape)) for name, value in net.items()}
    layer = Layer("key", "whole", kind, entries)
    return lora_formulas.changed(tensors["weight"], layer, net, float(tensors["strength"])).half()


@pytest.mark.only("a1111", reason="the LoRA code of Forge and reForge is ComfyUI's")
def test_every_kind_is_within_one_step_of_the_webuis(checkout: Checkout, tmp_path: Path) -> None:
    cases = {case: made(case, seed) for seed, case in enumerate(CASES)}
    save_file(
        {f"{case}/{name}": value.contiguous() for case, tensors in cases.items() for name, value in tensors.items()},
        tmp_path / "in.safetensors",
    )
    command = [checkout.own_python, ORACLE, checkout.root, tmp_path / "in.safetensors", tmp_path / "out.safetensors"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = load_file(tmp_path / "out.safetensors")
    assert set(theirs) == set(CASES)
    distances = {case: ulps(ours(case, tensors), theirs[case].half()) for case, tensors in cases.items()}
    assert max(distances.values()) <= 1, distances
    changed = {case: not torch.equal(theirs[case], tensors["weight"]) for case, tensors in cases.items()}
    assert all(changed.values()), changed
