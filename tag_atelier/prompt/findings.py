"""What lint reports and what its checks look at. Shared by the ``lint`` modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tag_atelier.errors import PromptError
from tag_atelier.language import Language, sentence
from tag_atelier.language import Said as Said
from tag_atelier.language import say as say
from tag_atelier.prompt.slots import canonical

if TYPE_CHECKING:
    from tag_atelier.prompt.catalogue import Catalogue
    from tag_atelier.prompt.grammar import Item, Prompt
    from tag_atelier.prompt.profile import Profile


@dataclass(frozen=True)
class Finding:
    """One thing worth telling the writer."""

    code: str
    start: int
    """Offset of the first character meant."""
    end: int
    """Offset behind the last one."""
    message: Said
    fix: str | None = None
    """What to write instead of ``text[start:end]``; None where only the writer can tell."""
    severity: str = "warning"
    """``error`` (drawn wrongly or not at all), ``warning`` (hardly meant), ``note``."""
    settings: tuple[tuple[str, object], ...] = ()
    """What to set beside the prompt, such as ``("steps", 28)``."""

    def as_dict(self, language: Language = "en") -> dict[str, object]:
        """``{"code", "start", "end", "message", "fix", "severity"}``, and ``"set"`` where there is something to set."""
        message = sentence(self.message.template, language, **self.message.values)
        answer: dict[str, object] = {"code": self.code, "start": self.start, "end": self.end, "message": message}
        answer |= {"fix": self.fix, "severity": self.severity}
        return {**answer, "set": dict(self.settings)} if self.settings else answer


@dataclass(frozen=True)
class Network:
    """What is known about a LoRA or another network beside its name."""

    triggers: tuple[str, ...] = ()
    """Words that it wants in the prompt."""
    weight: float | None = None
    """Its author's preferred weight."""
    character: bool = False
    base: str = ""
    """``sd15`` or ``sdxl``; empty where unknown."""


@dataclass(frozen=True)
class Surroundings:
    """What a prompt is drawn with, as far as it is known; None: not known, and not remarked on."""

    other: str = ""
    """The negative prompt of a positive one, and the other way round."""
    sampler: str | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    clip_skip: int | None = None
    width: int | None = None
    height: int | None = None
    refiner: bool | None = None
    networks: Mapping[str, Network] = field(default_factory=dict)

    @classmethod
    def from_value(cls, value: Mapping[str, object]) -> Surroundings:
        """Plain values as the doors get them.

        Raises:
            PromptError: a key nobody reads, or a value of another kind.
        """
        kinds: dict[str, type | tuple[type, ...]] = {
            "other": str,
            "sampler": str,
            "steps": int,
            "cfg_scale": (int, float),
            "clip_skip": int,
            "width": int,
            "height": int,
            "refiner": bool,
            "networks": Mapping,
        }
        for key, given in value.items():
            if key not in kinds or (given is not None and not isinstance(given, kinds[key])):
                sentence = "'with' holds {key}: {value}; expected any of {known}, each of its kind."
                raise PromptError(sentence, key=key, value=repr(given)[:60], known=", ".join(kinds))
        known = {key: given for key, given in value.items() if given is not None}
        given_networks: Any = known.pop("networks", {})
        networks = {str(name): _network(str(name), facts) for name, facts in given_networks.items()}
        return cls(networks=networks, **known)  # type: ignore[arg-type]


def _network(name: str, value: object) -> Network:
    names = {row.name for row in fields(Network)}
    if not isinstance(value, Mapping) or set(value) - names:
        sentence = "'with' holds for the network '{name}' {value}; expected {known}."
        raise PromptError(sentence, name=name, value=repr(value)[:60], known=", ".join(sorted(names)))
    triggers = value.get("triggers") or ()
    if not isinstance(triggers, (list, tuple)) or not all(isinstance(word, str) for word in triggers):
        sentence = "'with' holds for the network '{name}' the triggers {value}; expected a list of texts."
        raise PromptError(sentence, name=name, value=repr(triggers)[:60])
    weight = value.get("weight")
    if weight is not None and not isinstance(weight, (int, float)):
        sentence = "'with' holds for the network '{name}' the weight {value}; expected a number."
        raise PromptError(sentence, name=name, value=repr(weight)[:60])
    return Network(tuple(triggers), weight, bool(value.get("character")), str(value.get("base") or ""))


@dataclass(frozen=True)
class Text:
    """A prompt and all that a check may want to know about it."""

    text: str
    prompt: Prompt
    profile: Profile
    catalogue: Catalogue
    negative: bool
    surroundings: Surroundings = Surroundings()

    def name(self, tag: str) -> str:
        """The tag's canonical name."""
        return canonical(tag)


def removal(text: str, item: Item) -> tuple[int, int]:
    """Where to cut so that ``item`` goes and no empty item stays behind."""
    start, end = item.start, item.start + len(item.core)
    behind = len(text[end:]) - len(text[end:].lstrip(" "))
    if text[end + behind : end + behind + 1] == ",":
        end += behind + 1
        return start, end + len(text[end:]) - len(text[end:].lstrip(" "))
    before = text[:start].rstrip(" ")
    return (len(before) - 1 if before.endswith(",") else start), end


def apply_fix(text: str, finding: Finding) -> str:
    """``text`` with the finding's fix in place; unchanged where it has none."""
    if finding.fix is None:
        return text
    return text[: finding.start] + finding.fix + text[finding.end :]
