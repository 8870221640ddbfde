"""All that the prompt page asks for, put together; loaded when somebody asks. Built by ``jobs.atelier``."""

from __future__ import annotations

from collections.abc import Callable

from tag_atelier.jobs.benchmarks import FindScorer
from tag_atelier.jobs.families import Families
from tag_atelier.jobs.prompt_desk import PromptDesk
from tag_atelier.jobs.prompt_notes import PromptNotes
from tag_atelier.jobs.prompt_page import PromptPage
from tag_atelier.jobs.prompt_picture import PromptPicture
from tag_atelier.jobs.prompt_search import PromptSearch
from tag_atelier.jobs.prompt_styles import PromptStyles
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.ports import Host
from tag_atelier.settings import Options


class PromptRoom:
    """One object for the doors."""

    def __init__(
        self, host: Host, prompts: Prompts, families: Families, options: Callable[[], Options], find_scorer: FindScorer
    ) -> None:
        self.page = PromptPage(prompts, host.prompt_files)
        self.search = PromptSearch(prompts, host.prompt_files, options)
        self.desk = PromptDesk(host, prompts, families)
        self.styles = PromptStyles(host.prompt_files)
        self.picture = PromptPicture(host, prompts, options, find_scorer)
        self.notes = PromptNotes(prompts.memory)
