"""What the script at the foot of the tab says; handed to it translated, see ``words.Words.script_table``."""

from __future__ import annotations

ABOUT_SENTENCES = (
    "Copied.", "Copy", "Tell me when long work ends", "Text for an issue",
    "A notification of the browser when a benchmark, merge, search or download ends that took more than ten seconds. Off until "
    "you tick it.",
    "Your browser does not allow notifications from this page; allow them beside its address.",
    "Gathers versions, settings and the last error for an issue. Paths and names of yours are left out; read it before you "
    "paste it.",
)  # fmt: skip
