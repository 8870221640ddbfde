from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.similarity import column_cosines, cosine_a, cosine_b, extract

A = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
B = torch.tensor([[2.0, 1.0, 1.0], [0.0, -1.0, 1.0]])
# Columns: the same direction, perpendicular, and nothing in A.


def test_column_cosines_by_hand() -> None:
    assert column_cosines(Operands(A, [B], [0.5])).tolist() == [1.0, 0.0, 0.0]


def test_cosine_a_by_hand() -> None:
    # m = 1/3, (s + m)/2 = 2/3, 1/6, 1/6; minus 0.1 is how much of A there is.
    k = torch.tensor([2 / 3 - 0.1, 1 / 6 - 0.1, 1 / 6 - 0.1])
    for weight in (0.1, -0.1):
        assert torch.allclose(cosine_a(Operands(A, [B], [weight])), B + k * (A - B))


def test_cosine_b_by_hand() -> None:
    m = 2.0 / (3.0 * 8.0) ** 0.5
    k = torch.tensor([(1 + m) / 2, m / 2, m / 2])
    assert torch.allclose(cosine_b(Operands(A, [B], [0.1])), B + (k - 0.1) * (A - B))
    assert torch.allclose(cosine_b(Operands(A, [B], [-0.1])), B + (k + 0.1).clamp(0, 1) * (A - B))


def test_the_range_of_the_model_is_what_counts() -> None:
    x = Operands(A, [B], [0.1], parameters={"similarity_low": 1 / 6, "similarity_high": 2 / 3})
    k = torch.tensor([0.9, 0.0, 0.0])
    assert torch.allclose(cosine_a(x), B + k * (A - B), atol=1e-6)
    flat = Operands(A, [B], [0.25], parameters={"similarity_low": 0.5, "similarity_high": 0.5})
    assert torch.allclose(cosine_a(flat), B + 0.75 * (A - B))


def test_extract_by_hand() -> None:
    a = torch.zeros(3, 2)
    b, c = torch.tensor([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]]), torch.tensor([[4.0, 0.0], [0.0, 4.0], [-4.0, 0.0]])
    common = extract(Operands(a, [b, c], [1.0, 0.0], parameters={"beta": 0.0, "gamma": 1.0}))
    assert common.tolist() == [[2, 0], [1, 0], [0, 0]]
    single = extract(Operands(a, [b, c], [0.5, 0.5], parameters={"beta": 1.0, "gamma": 2.0}))
    assert single.tolist() == [[0, 0], [0.75, 1.5], [-1, 0]]
