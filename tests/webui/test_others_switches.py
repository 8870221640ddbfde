"""Jobs that change the checkpoint half way while a merge is in the loaded model."""

from __future__ import annotations

import pytest

from tests.webui.client import OURS, Client
from tests.webui.test_live_merge import Before, before, recipe
from tests.webui.test_panel import panel

__all__ = ["before"]

REFINER = {"refiner_checkpoint": "tiny-sd15-b", "refiner_switch_at": 0.5, "steps": 4}


@pytest.mark.parametrize("wanted", ["refiner", "second pass"])
def test_a_switch_half_way_would_undo_a_merge_that_stays(before: Before, client: Client, wanted: str) -> None:
    change = REFINER if wanted == "refiner" else {**client.hires, "hr_checkpoint_name": "tiny-sd15-b.safetensors"}
    client.apply(recipe())
    merged = client.weights()
    answer = client.try_draw(**change)
    assert answer.status == 422 and "'tiny-sd15-b" in answer.json()["detail"] and "restore the model" in answer.json()["detail"]
    assert client.weights() == merged and client.get(f"{OURS}/status")["dirty"] is True
    assert "Tag Atelier merge" in client.draw().infotext
    client.restore()


def test_a_refiner_draws_beside_our_panel(before: Before, client: Client) -> None:
    plain = client.draw("1girl, white hair", **REFINER)
    drawn = client.draw("white hair, 1girl", **REFINER, **panel({}))
    assert drawn.pixels == plain.pixels and "Refiner: tiny-sd15-b" in drawn.infotext
    client.choose("tiny-sd15-a.safetensors")
