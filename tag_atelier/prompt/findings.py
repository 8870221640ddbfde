"""What lint reports and what its checks look at. Shared by ``lint`` and ``lint_words``."""

from __future__ import annotations

from dataclasses import dataclass

from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.grammar import Prompt
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import canonical


@dataclass(frozen=True)
class Finding:
    """One thing worth telling the writer."""

    code: str
    start: int
    """Offset of the first character meant."""
    end: int
    """Offset behind the last one."""
    message: str
    fix: str | None = None
    """What to write instead of ``text[start:end]``; None where only the writer can tell."""
    severity: str = "warning"
    """``error`` (drawn wrongly or not at all), ``warning`` (hardly meant), ``note``."""

    def as_dict(self) -> dict[str, object]:
        """``{"code", "start", "end", "message", "fix", "severity"}``."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Text:
    """A prompt and all that a check may want to know about it."""

    text: str
    prompt: Prompt
    profile: Profile
    catalogue: Catalogue
    negative: bool

    def name(self, tag: str) -> str:
        """The tag's canonical name."""
        return canonical(tag)


def apply_fix(text: str, finding: Finding) -> str:
    """``text`` with the finding's fix in place; unchanged where it has none."""
    if finding.fix is None:
        return text
    return text[: finding.start] + finding.fix + text[finding.end :]
