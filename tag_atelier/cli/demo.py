"""``demo``: the whole loop on the miniature world: messy prompt → arranged → benchmark → block merge → benchmark → report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MESSY = "blue eyes, masterpiece, (white dress:1.2), forest, 1girl, smile, from above, holding sword, twintails, cowboy shot"
RECIPE = (
    "method: weighted_sum\nmodels: [{a}, {b}]\nalpha: {{BASE: 0, IN04: 0.3, IN08: 0.7, M00: 0.5, OUT00: 0.6, OUT03: 0.4}}\n"
)
PLAN = "demo"


def add_commands(commands: Any) -> None:
    """Add the command."""
    demo = commands.add_parser("demo", help="run the whole loop once and write demo/out/report.html")
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path("demo/out"))
    demo.set_defaults(run=_demo)
