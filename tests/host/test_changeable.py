"""Which loaded models a live merge refuses to touch, before anything is changed."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from tag_atelier.errors import HostError
from tag_atelier.host.webui.changeable import check_changeable


class Quantised(torch.nn.Parameter):
    """As bitsandbytes and Forge's GGUF keep a weight: a parameter of a class of its own."""


def network(**children: object):
    made = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2))
    for name, child in children.items():
        made.add_module(name, child)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_plain_numbers_are_fine(dtype) -> None:
    check_changeable(network().to(dtype))


@pytest.mark.skipif(not hasattr(torch, "float8_e4m3fn"), reason="this torch has no float8")
def test_fp8_storage_is_refused() -> None:
    kept = torch.nn.Linear(2, 2, bias=False)
    kept.weight = torch.nn.Parameter(torch.zeros(2, 2).to(torch.float8_e4m3fn), requires_grad=False)
    with pytest.raises(HostError, match="kept as float8_e4m3fn; load it in fp16"):
        check_changeable(network(inner=kept))


def test_quantised_weights_are_refused() -> None:
    kept = torch.nn.Linear(2, 2, bias=False)
    kept.weight = Quantised(torch.zeros(2, 2))
    with pytest.raises(HostError, match=r"quantised \(Quantised, float32\)"):
        check_changeable(network(inner=kept))
    kept.weight = torch.nn.Parameter(torch.zeros(2, 1, dtype=torch.uint8), requires_grad=False)
    with pytest.raises(HostError, match="uint8"):
        check_changeable(network(inner=kept))


def test_compiled_models_are_refused() -> None:
    compiled = torch.compile(network(), backend="eager")
    with pytest.raises(HostError, match="compiled"):
        check_changeable(network(inner=compiled))
    in_place = network()
    in_place.compile(backend="eager")
    with pytest.raises(HostError, match="compiled"):
        check_changeable(network(inner=in_place))


def test_another_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimpleNamespace(current_unet=SimpleNamespace(option=SimpleNamespace(label="[TRT] model-a")))
    monkeypatch.setitem(sys.modules, "modules.sd_unet", engine)  # type: ignore[arg-type]
    with pytest.raises(HostError, match=r"\[TRT\] model-a"):
        check_changeable(network())
