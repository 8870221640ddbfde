"""What all training scripts share: a seeded, resumable loop with a falling learning rate, averaged weights and a log."""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

Loss = Callable[[int], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How one part is trained."""

    name: str
    steps: int
    batch: int
    rate: float
    """The highest learning rate, reached after ``warm_up`` steps; it falls to a fiftieth along a cosine."""
    seed: int = 20261121
    warm_up: int = 100
    averaging: float = 0.998
    """How much of the averaged weights a step leaves."""
    save_every_s: float = 120.0


def arguments(description: str, halves: Sequence[str] = ()) -> argparse.Namespace:
    """``--work DIR``, where states and logs are kept, ``--threads``, ``--steps``, and ``--half`` where there are some.

    Sets up logging and torch's threads.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, required=True, help="folder outside the repository for states and logs")
    parser.add_argument("--threads", type=int, default=1, help="one for each core that is really free (default: 1)")
    parser.add_argument("--steps", type=int, help="other than the recipe's number")
    if halves:
        parser.add_argument("--half", choices=halves, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    given.work.mkdir(parents=True, exist_ok=True)
    return given


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate of ``step``.

    >>> recipe = Recipe("x", steps=300, batch=1, rate=1.0)
    >>> [round(rate_at(recipe, step), 2) for step in (0, 99, 200, 300)]
    [0.01, 1.0, 0.51, 0.02]
    """
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Average:
    """Exponentially averaged copies of a network's parameters. Source: Kingma & Ba 2015, section 7.2."""

    def __init__(self, network: nn.Module) -> None:
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def update(self, network: nn.Module, keep: float) -> None:
        """Move towards the network's present weights by ``1 - keep``."""
        state = network.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.values[name] for name in names], [state[name] for name in names], 1 - keep)


def state_path(work: Path, name: str) -> Path:
    """Where the training of ``name`` keeps its state."""
    return work / f"{name}.state.pt"


def averaged(work: Path, name: str) -> dict[str, Tensor]:
    """The averaged weights that the training of ``name`` last saved."""
    state: dict[str, Any] = torch.load(state_path(work, name), map_location="cpu", weights_only=True)
    found: dict[str, Tensor] = state["average"]
    return found


def train(recipe: Recipe, network: nn.Module, loss_of: Loss, work: Path) -> None:
    """Take the recipe's steps, going on from the last saved state if there is one.

    ``loss_of(step)`` returns the loss (a scalar with gradients) of the step's own batch, made from recipe seed and step
    alone, so that a resumed training sees the same pictures as one that ran through.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    average, first, spent = Average(network), 0, 0.0
    path = state_path(work, recipe.name)
    if path.is_file():
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average.values, first, spent = state["average"], state["step"], state["seconds"]
        logger.info("%s goes on at step %d", recipe.name, first)
    begun = saved = time.monotonic()
    total = 0.0
    for step in range(first, recipe.steps):
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(recipe, step)
        loss = loss_of(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, min(recipe.averaging, (step + 1) / (step + 10)))
        total += loss.item()
        seconds = spent + time.monotonic() - begun
        if (step + 1) % 50 == 0:
            _log(work, recipe, step + 1, total / 50, seconds)
            total = 0.0
        if time.monotonic() - saved > recipe.save_every_s or step + 1 == recipe.steps:
            _save(path, network, optimiser, average, step + 1, seconds)
            saved = time.monotonic()


def _log(work: Path, recipe: Recipe, step: int, loss: float, seconds: float) -> None:
    logger.info("%s step %d of %d: loss %.5f after %.0f s", recipe.name, step, recipe.steps, loss, seconds)
    with (work / f"{recipe.name}.loss.csv").open("a", encoding="utf-8") as file:
        file.write(f"{step},{step * recipe.batch},{loss:.6f},{seconds:.1f}\n")


def _save(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, average: Average, step: int, seconds: float
) -> None:
    beside = path.with_name(path.name + ".part")
    state = {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.values,
        "step": step,
        "seconds": seconds,
    }
    torch.save(state, beside)
    beside.replace(path)
