"""Every option with its default, range and label; hosts turn the table into their own form. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EXTENSION_FOLDER = Path(__file__).resolve().parent.parent
PRESETS_FOLDER = EXTENSION_FOLDER / "presets"


@dataclass(frozen=True)
class Setting:
    """One option of the settings page."""

    key: str
    default: bool | int | float | str
    label: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def option_name(self) -> str:
        """Key in the WebUI's options: ``tag_atelier_<key>``."""
        return f"tag_atelier_{self.key}"


SETTINGS: tuple[Setting, ...] = (
    Setting("profile", "aidxl", "Model family where the checkpoint does not tell its own"),
    Setting("batch_size", 4, "Images per benchmark batch", 1, 64),
    Setting("threshold", 0.35, "Tagger probability that counts as drawn", 0.01, 0.99),
    Setting("tagger", "", "Tagger folder name (empty: the first one found)"),
    Setting("tagger_gpu", False, "Run the tagger on the GPU"),
    Setting("hub_mirror", "", "Mirror of the model hub (empty: HF_ENDPOINT, else the hub itself)"),
    Setting("hide_sensitive", True, "Hide explicit tags in search and in what the tagger sees"),
    Setting("language", "auto", "Language of reports", choices=("auto", "en", "zh_CN")),
)

Options = Mapping[str, bool | int | float | str]
"""Setting key → value, as a host keeps them."""

DEFAULTS: Options = {setting.key: setting.default for setting in SETTINGS}
