"""The page's sentences in the reader's language. Inside a WebUI labels stay English: it translates those itself."""

from __future__ import annotations

import html
import json
from typing import Any

from tag_atelier.language import Language, Said, sentence, system_language
from tag_atelier.merge.notices import WHY_REPLACED
from tag_atelier.prompt.arrange import REASONS
from tag_atelier.prompt.lanes import SLOT_NAMES
from tag_atelier.settings import DEFAULTS
from tag_atelier.ui.about_words import ABOUT_SENTENCES
from tag_atelier.ui.bench_words import BENCH_SENTENCES, RUN_NOTES
from tag_atelier.ui.menu_words import MENU_WORDS
from tag_atelier.ui.prompt_words import LANE_SENTENCES
from tag_atelier.ui.search_words import SEARCH_SENTENCES, STUDY_SENTENCES

SCRIPT_SENTENCES = (
    "Benchmark this merge", "Puts the merge and its models into the benchmark's plan and goes there.",
    "Cancel", "Cancelling…", "queued", "running", "done", "failed", "cancelled", "{seconds} s left", "{minutes} min left",
    "{hours} h {minutes} min left", "Delete the recipe '{name}' for good?", "Forget the preset '{name}' for good?",
    "{done} of {total}", "Open the report", "Resume", "Written: {path}", "The connection was lost: {reason}",
    "No runs yet. Choose a plan and checkpoints, then press Start.", "No model is loaded.",
    "The loaded model is as it came from its file.", "The loaded model carries a merge. Restore puts its own weights back.",
    "Another extension made the loaded model in memory; it is in no file.",
    "virtual checkpoint", "Use this recipe", "Delete", "Saved recipes", "Merges that were written", "{model} is merged",
    "Restore", "Save…",
    "{count} tensors are A's own: {why}.",
    "None yet. “Save the recipe” keeps the text above under a name.",
    "None yet. Merges to a file are listed here with their recipes.", "Name of the new checkpoint, or of the recipe",
)  # fmt: skip
"""What ``javascript/tag_atelier.js`` says; handed to it translated, so that it needs no table of its own."""


class Words:
    """Says English sentences in one language.

    >>> Words("en")("{count} tags moved.", count=3)
    '3 tags moved.'
    """

    def __init__(self, language: Language = "en", in_webui: bool = False) -> None:
        self.language, self.in_webui = language, in_webui

    def __call__(self, english: str, **values: object) -> str:
        """``english`` in the reader's language, fields filled in."""
        return sentence(english, self.language, **values)

    def said(self, text: str) -> str:
        """A finished sentence in the reader's language, where it remembers what it is made of."""
        return self(text.template, **text.values) if isinstance(text, Said) else self(text)

    def label(self, english: str) -> str:
        """A control's label: English in a WebUI, whose saved defaults are keyed by it and which translates it itself."""
        return english if self.in_webui else sentence(english, self.language)

    def escaped(self, english: str, **values: object) -> str:
        """Like a call, ready to be put into HTML."""
        return html.escape(self(english, **values))

    def script_table(self) -> str:
        """JSON object of the script's sentences in the reader's language."""
        own = (*SCRIPT_SENTENCES, *ABOUT_SENTENCES, *LANE_SENTENCES, *BENCH_SENTENCES, *SEARCH_SENTENCES)
        menus = (*MENU_WORDS.values(), *SLOT_NAMES.values())
        said = (*own, *RUN_NOTES, *STUDY_SENTENCES, *WHY_REPLACED, *REASONS.values(), *menus)
        return json.dumps({english: self(english) for english in said}, ensure_ascii=False)


def words_of(atelier: Any, in_webui: bool = False) -> Words:
    """The words of the language in the atelier's options.

    ``auto`` is English in a WebUI, which then translates what stands on the page as a whole, and the system's language else.
    """
    language = str({**DEFAULTS, **atelier.options()}["language"])
    if language == "auto" and not in_webui:
        language = system_language()
    return Words("zh_CN" if language == "zh_CN" else "en", in_webui)
