"""Finding values that are no numbers, of every dtype, by their bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tag_atelier.merge.evaluate import _is_finite
from tag_atelier.merge.tensor_file import TORCH_DTYPES


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "F16", "BF16"])
def test_every_value_of_eight_and_sixteen_bits(dtype: str) -> None:
    width = TORCH_DTYPES[dtype].itemsize
    bits = np.arange(2 ** (8 * width), dtype=f"u{width}")[:: 1 if width == 1 else 31]
    values = torch.from_numpy(bits.view(f"i{width}").copy()).view(TORCH_DTYPES[dtype]).float()
    expected = torch.isfinite(values).tolist()
    assert [_is_finite(memoryview(each.tobytes()), dtype) for each in bits] == expected
    assert 0 < sum(expected) < len(expected)


@pytest.mark.parametrize("dtype", ["F32", "F64"])
@pytest.mark.parametrize(
    ("value", "finite"),
    [
        (0.0, True),
        (-0.0, True),
        (3e38, True),
        (-3e38, True),
        (float("inf"), False),
        (-float("inf"), False),
        (float("nan"), False),
    ],
)
def test_one_value_among_others(dtype: str, value: float, finite: bool) -> None:
    tensor = torch.tensor([1.0, -2.0, value, 0.5], dtype=TORCH_DTYPES[dtype])
    assert _is_finite(memoryview(tensor.numpy().tobytes()), dtype) is finite
    assert _is_finite(memoryview((-tensor).numpy().tobytes()), dtype) is finite


def test_nothing_is_finite() -> None:
    assert _is_finite(memoryview(b""), "F16")
