"""The result of an earlier step of a recipe as if it were a file: its header, and the plan that makes it without rounding.

Called by plan and stream; ``step_reader`` computes the bytes. Does not import torch.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from tag_atelier.merge.header import DTYPE_BYTES, Header, TensorEntry

if TYPE_CHECKING:
    from tag_atelier.merge.plan import MergePlan, Step


def result_header(plan: MergePlan) -> Header:
    """Header of the file that would hold the plan's result in full precision; tensors lie one behind the other from 0."""
    tensors, start = {}, 0
    for step in plan.steps:
        dtype = _exact_dtype(plan, step)
        size_bytes = prod(step.shape) * DTYPE_BYTES[dtype]
        tensors[step.key] = TensorEntry(dtype, step.shape, start, size_bytes, step.dtype)
        start += size_bytes
    return Header(Path(plan.recipe.name), tensors, start, 0, {})


def in_full_precision(plan: MergePlan) -> MergePlan:
    """The plan with results that are not rounded to A's dtype: the recipe's last step rounds, once."""
    return replace(plan, steps=tuple(replace(step, dtype=_exact_dtype(plan, step)) for step in plan.steps))


def _exact_dtype(plan: MergePlan, step: Step) -> str:
    """float32, float64 where A has no less; copies keep the dtype they have in their source."""
    if not step.changed:
        return plan.sources[0].header.tensors[step.key].dtype
    return "F64" if step.dtype in ("F32", "F64") else "F32"
