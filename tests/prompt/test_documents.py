"""docs/prompt_rules.md names every reason, lint code, slot and profile, and its example profile loads."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.profile import load_profiles, profile_from_value
from tag_atelier.prompt.slots import SLOTS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "prompt_rules.md").read_text(encoding="utf-8")


def test_every_code_slot_and_profile_is_described() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tag_atelier" / "prompt").glob("lint*.py")))
    codes = set(re.findall(r'(?:Finding|_setting)\(\s*"([a-z_]+)"', sources))
    assert len(codes) > 40
    missing = [name for name in (*sorted(codes), *REASONS, *SLOTS, *load_profiles()) if f"`{name}`" not in PAGE]
    assert missing == []


def test_the_example_profile_loads() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    profile = profile_from_value(yaml.safe_load(example), "mine")
    assert (profile.quality_words(), profile.quality_place, profile.sampling.sizes) == (
        "masterpiece, best quality",
        "front",
        ((832, 1216),),
    )
