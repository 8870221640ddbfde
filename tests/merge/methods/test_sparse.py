from __future__ import annotations

import pytest
import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.sparse import breadcrumbs, dare, della, ties

ZERO = torch.zeros(4)


def test_ties_by_hand() -> None:
    b, c = torch.tensor([4.0, 1.0, -3.0, 0.0]), torch.tensor([2.0, -5.0, 3.5, 0.1])
    # Half of each is kept: b 4, −3; c −5, 3.5. Where both are left the signs differ and c's mass wins.
    x = Operands(torch.ones(4), [b, c], [1.0, 1.0], ZERO, {"density": 0.5})
    assert ties(x).tolist() == [5.0, -4.0, 4.5, 1.0]
    both = Operands(torch.zeros(1), [torch.tensor([4.0]), torch.tensor([2.0])], [0.5, 1.0], torch.zeros(1), {"density": 1.0})
    assert ties(both).tolist() == [2.0]
    nothing = Operands(torch.ones(4), [b], [1.0], ZERO, {"density": 0.0})
    assert ties(nothing).tolist() == [1.0] * 4


def test_breadcrumbs_by_hand() -> None:
    b = torch.tensor([8.0, 1.0, -3.0, 0.5])
    x = Operands(torch.ones(4), [b], [2.0], ZERO, {"smallest": 0.5, "largest": 0.25})
    assert breadcrumbs(x).tolist() == [1.0, 1.0, -5.0, 1.0]


@pytest.mark.parametrize(("method", "more"), [(dare, {}), (della, {"spread": 0.4})])
def test_what_is_kept_makes_up_for_what_is_dropped(method, more: dict[str, float]) -> None:
    size = 1.0 + 0.1 * torch.rand(200, 500, generator=torch.Generator().manual_seed(1))
    x = Operands(torch.zeros_like(size), [size], [0.5], torch.zeros_like(size), {"drop": 0.7, **more}, "key")
    result = method(x)
    dropped = float((result == 0).float().mean())
    assert abs(dropped - 0.7) < 0.01
    assert abs(float(result.mean()) - 0.5 * float(size.mean())) < 0.01


def test_dare_drops_nothing_and_rescales_exactly() -> None:
    b, base = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 0.5])
    assert dare(Operands(torch.ones(2), [b], [0.5], base, {"drop": 0.0})).tolist() == [2.0, 1.25]
    kept = dare(Operands(torch.zeros(1000), [torch.ones(1000)], [0.5], torch.zeros(1000), {"drop": 0.75}, "key"))
    assert set(kept.tolist()) == {0.0, 2.0}


def test_della_keeps_the_large() -> None:
    size = torch.arange(1.0, 1001.0).expand(100, 1000)
    x = Operands(torch.zeros_like(size), [size], [1.0], torch.zeros_like(size), {"drop": 0.5, "spread": 0.8}, "key")
    dropped = (della(x) == 0).float().mean(dim=0)
    assert abs(float(dropped[:100].mean()) - 0.86) < 0.02
    assert abs(float(dropped[-100:].mean()) - 0.14) < 0.02


def test_masks_belong_to_key_model_and_place() -> None:
    def mask(key: str = "key", letter: str = "b", start: int = 0, count: int = 64) -> list[bool]:
        one = torch.ones(count)
        x = Operands(torch.zeros(count), [one], [1.0], torch.zeros(count), {"drop": 0.5}, key, letter, start)
        return (dare(x) != 0).tolist()

    assert mask() == mask()
    assert mask() != mask(key="other")
    assert mask() != mask(letter="c")
    for start in (1, 4, 7, 30):
        assert mask(start=start, count=20) == mask()[start : start + 20]
    # Fixed for good: another numpy or torch must draw the same.
    assert "".join("01"[kept] for kept in mask(count=16)) == "0000111100110010"
