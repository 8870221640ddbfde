"""Random sequences of everything that reaches into the loaded model; afterwards weights and picture are bit for bit as before.

A few in every run; ``TAG_ATELIER_SEQUENCES=100`` for more, ``TAG_ATELIER_SEED`` for others.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.webui.background import drawing
from tests.webui.client import OURS, PROBE, Client
from tests.webui.server import Server
from tests.webui.test_live_merge import LORA, recipe
from tests.webui.test_more_merges import plot
from tests.webui.test_panel import panel

COUNT = int(os.environ.get("TAG_ATELIER_SEQUENCES", "4"))
SEED = int(os.environ.get("TAG_ATELIER_SEED", "0"))
LONGEST = 6
Action = Callable[[Client, random.Random], object]


def some_recipe(dice: random.Random) -> dict[str, object]:
    blocks = ["CLIP_L", "TIME", "IN00", "IN05", "M00", "OUT03", "OUT11", "OUT", "VAE", "UNET", "BASE"]
    alpha: object = {block: round(dice.random(), 2) for block in dice.sample(blocks, dice.randint(1, 4))}
    wanted = recipe(alpha=dice.choice([alpha, round(dice.random(), 2), "GRAD_V"]))
    return {**wanted, "method": dice.choice(["weighted_sum", "weighted_sum", "sum_twice", "slerp"])}


def apply(client: Client, dice: random.Random) -> None:
    client.job("POST", "/live", {"recipe": some_recipe(dice)})


def apply_and_cancel(client: Client, dice: random.Random) -> None:
    started = client.post(f"{OURS}/live", {"recipe": some_recipe(dice)})
    client.post(f"{OURS}/jobs/{started['id']}/cancel")
    client.wait(started["id"])


def fail_while_drawing(client: Client, dice: random.Random) -> None:
    client.post(f"{PROBE}/plan", {"fail": dice.choice(["sample", "setup_conds", "init"])})
    client.try_draw(**(panel({"merge": some_recipe(dice)}) if dice.random() < 0.5 else {}))
    client.post(f"{PROBE}/plan", {"fail": ""})


def interrupt(client: Client, _dice: random.Random) -> None:
    with drawing(client):  # without a merge of its own, which may be refused, and then nothing is drawn
        client.post("/sdapi/v1/interrupt")


def draw_by_override(client: Client, dice: random.Random) -> None:
    client.try_draw(override_settings={"sd_model_checkpoint": dice.choice(["tiny-sd15-b", "sequence.merge"])})


ACTIONS: dict[str, Action] = {
    "apply": apply,
    "apply and cancel": apply_and_cancel,
    "restore": lambda client, _: client.restore(),
    "draw": lambda client, _: client.draw(),
    "draw with a network": lambda client, _: client.draw(LORA),
    "draw merged": lambda client, dice: client.try_draw(**panel({"merge": some_recipe(dice)})),
    "draw merged with a network": lambda client, dice: client.try_draw(LORA, **panel({"merge": some_recipe(dice)})),
    "draw by override": draw_by_override,
    "fail": fail_while_drawing,
    "interrupt": interrupt,
    "choose another": lambda client, _: client.choose("tiny-sd15-b.safetensors"),
    "choose the first": lambda client, _: client.choose("tiny-sd15-a.safetensors"),
    "choose a recipe": lambda client, _: client.choose("sequence.merge"),
    "plot": lambda client, dice: plot(
        client, "Tag Atelier merge block", f"M00 {dice.random():.2f}, OUT03 1", **panel({"merge": some_recipe(dice)})
    ),
}


@pytest.fixture
def recipe_in_the_list(client: Client) -> Iterator[None]:
    """A virtual checkpoint for as long as a test runs."""
    client.post(f"{OURS}/recipes", {"name": "sequence", "recipe": recipe(alpha={"M00": 0.6, "CLIP_L": 0.3})})
    yield
    client.choose("tiny-sd15-a.safetensors")
    client.request("DELETE", f"{OURS}/recipes/sequence")


def settle(client: Client) -> None:
    client.choose("tiny-sd15-a.safetensors")
    client.restore()
    client.draw()  # takes a network out of the weights


@pytest.mark.usefixtures("recipe_in_the_list")
def test_random_sequences_leave_the_weights_as_they_were(client: Client) -> None:
    settle(client)
    weights, picture = client.weights(), client.draw().pixels
    for number in range(COUNT):
        dice = random.Random(SEED * 1000 + number)
        done = dice.choices(list(ACTIONS), k=dice.randint(2, LONGEST))
        for name in done:
            ACTIONS[name](client, dice)
        settle(client)
        assert client.get(f"{OURS}/status")["dirty"] is False, (number, done)
        assert client.weights() == weights, (number, done)
        assert client.draw().pixels == picture, (number, done)


@pytest.mark.only("a1111", reason="Forge and reForge manage memory by themselves and have no such flags")
@pytest.mark.parametrize("flag", ["--medvram", "--lowvram"])
def test_with_a_model_that_moves_between_memories(boot: Callable[..., Server], flag: str) -> None:
    server = boot(flag.strip("-"), "link", flag, "--nowebui")
    try:
        client = server.client
        client.draw()
        weights, plain = client.weights(), client.draw().pixels
        client.apply(recipe())
        merged = client.draw().pixels
        client.restore()
        assert client.weights() == weights and client.draw().pixels == plain != merged
        assert client.draw(**panel({"merge": recipe()})).pixels == merged
        assert client.weights() == weights and client.draw().pixels == plain
    finally:
        server.stop()
