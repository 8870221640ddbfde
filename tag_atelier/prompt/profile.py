"""Model families: which slot order, quality words, negative prompt, sampler and size each was trained for.

Reads ``presets/profiles/*.yaml`` (one family each, file name = id) and a user's own folder of the same shape.
Called by arrange, lint, compose, and by page, API and command line to list and choose.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from tag_atelier.errors import PromptError, UnknownName, say
from tag_atelier.plain_values import read_yaml
from tag_atelier.prompt.slots import SLOTS, canonical
from tag_atelier.settings import PRESETS_FOLDER

Place = Literal["front", "end"]

_FOLDER = PRESETS_FOLDER / "profiles"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OTHERS = "others"
_LOG = logging.getLogger(__name__)
_NO_TEXT = "Profile {id}: {where} holds {value}; expected text (put it in quotes)."
_TITLES = ("modelspec.title", "modelspec.architecture", "sd_merge_recipe", "ss_output_name", "ss_sd_model_name")
_KEYS = {
    "name", "base", "order", "sub_slots", "several_triggers", "quality", "negative", "sampler", "triggers", "styles",
    "detect", "hashes", "notes", "sources",
}  # fmt: skip


@dataclass(frozen=True)
class Sampling:
    """What the family's author suggests; sizes in pixels."""

    sampler: str = "Euler a"
    scheduler: str = "Automatic"
    steps: int = 28
    cfg_scale: float = 7.0
    clip_skip: int = 1
    eta: float | None = None
    hires_scale: float | None = None
    sizes: tuple[tuple[int, int], ...] = ((1024, 1024),)
    """(width, height), the suggested one first."""
    steps_range: tuple[float, float] = (20, 40)
    """Fewest and most steps that are usual."""
    cfg_range: tuple[float, float] | None = None
    """Lowest and highest CFG that the author names; None where any is usual."""
    size_step: int = 8
    """Sides should be multiples of this many pixels."""


@dataclass(frozen=True)
class Profile:
    """One model family."""

    id: str
    name: str
    base: Literal["sd15", "sdxl"]
    order: tuple[str, ...]
    """All 19 slots, each once."""
    sub_slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Slot → regular expressions of its tags, written with spaces, in their order; ``others`` stands for the rest."""
    triggers: frozenset[str] = frozenset()
    """The user's own trigger words, in canonical spelling."""
    several_triggers: Place = "front"
    """Where two or more artist triggers go; one alone always follows ``order``."""
    quality: Mapping[str, str] = field(default_factory=dict)
    """Level → words to add; the first one is the default. Empty where the family has none."""
    quality_place: Place = "end"
    negative: Mapping[str, str] = field(default_factory=dict)
    """Preset → negative prompt; the first one is the default."""
    styles: Mapping[str, str] = field(default_factory=dict)
    """Style word → what this family takes it to mean, where that is not what it means elsewhere."""
    sampling: Sampling = Sampling()
    detect: tuple[str, ...] = ()
    """Regular expressions that a checkpoint's name or title matches."""
    hashes: tuple[str, ...] = ()
    """Beginnings of the SHA-256 of checkpoints of this family."""
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """Slot → its place in ``order``, 0…18."""
        return {slot: index for index, slot in enumerate(self.order)}

    def sub_rank(self, slot: str, tag: str) -> int:
        """Place of ``tag`` among the sub-slots of ``slot``; 0 where the profile names none."""
        patterns = self._sub_patterns.get(slot)
        if patterns is None:
            return 0
        spaced = tag.replace("_", " ").lower()
        found = next((index for index, pattern in enumerate(patterns) if pattern and pattern.fullmatch(spaced)), None)
        return patterns.index(None) if found is None else found

    @cached_property
    def _sub_patterns(self) -> Mapping[str, list[re.Pattern[str] | None]]:
        """Compiled; None stands for the others, behind all where the profile does not say."""
        compiled = {}
        for slot, rows in self.sub_slots.items():
            rows = rows if _OTHERS in rows else (*rows, _OTHERS)
            compiled[slot] = [None if row == _OTHERS else re.compile(row) for row in rows]
        return compiled

    def quality_words(self, level: str = "") -> str:
        """Words of ``level`` (empty: the default level); empty where the family has none.

        Raises:
            UnknownName: the family has no such level.
        """
        return self._picked(self.quality, level, "quality level of profile {profile}")

    def negative_words(self, preset: str = "") -> str:
        """Negative prompt of ``preset`` (empty: the default one).

        Raises:
            UnknownName: the family has no such preset.
        """
        return self._picked(self.negative, preset, "negative preset of profile {profile}")

    def _picked(self, table: Mapping[str, str], key: str, kind: str) -> str:
        if not key:
            return next(iter(table.values()), "")
        if key not in table:
            raise UnknownName(kind, key, list(table), profile=self.id)
        return table[key]

    def as_dict(self) -> dict[str, object]:
        """Everything, as plain values."""
        return {
            "id": self.id,
            "name": self.name,
            "base": self.base,
            "order": list(self.order),
            "sub_slots": {slot: list(rows) for slot, rows in self.sub_slots.items()},
            "several_triggers": self.several_triggers,
            "quality": dict(self.quality),
            "quality_place": self.quality_place,
            "negative": dict(self.negative),
            "styles": dict(self.styles),
            "sampling": {key: _plain(value) for key, value in self.sampling.__dict__.items()},
            "triggers": sorted(self.triggers),
            "notes": list(self.notes),
            "sources": list(self.sources),
        }


def load_profiles(user_folder: Path | None = None) -> dict[str, Profile]:
    """All profiles by id: ours, then the user's own, which win. A wrong file of the user's is logged and left out.

    Raises:
        PromptError: a file of ours is not a profile; the sentence names file and key.
    """
    found = {path.stem: _read(path, path.stat().st_mtime_ns) for path in sorted(_FOLDER.glob("*.yaml"))}
    for path in sorted(user_folder.glob("*.yaml")) if user_folder else ():
        try:
            found[path.stem] = _read(path, path.stat().st_mtime_ns)
        except (PromptError, OSError) as error:
            _LOG.warning("%s", error)
    return found


def get_profile(id: str, user_folder: Path | None = None) -> Profile:
    """The profile of this id.

    Raises:
        UnknownName: there is none; the sentence lists those that are there.
        PromptError: the user's own profile of this id is wrong.
    """
    for folder in (*([user_folder] if user_folder else []), _FOLDER):
        for path in folder.glob("*.yaml"):
            if path.stem == id:
                return _read(path, path.stat().st_mtime_ns)
    raise UnknownName("profile", id, sorted(load_profiles(user_folder)))


def detect_profile(
    checkpoint_name: str,
    user_folder: Path | None = None,
    sha256: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Profile | None:
    """The family of a checkpoint, or None: by its hash, else by its name, else by what its header says of itself.

    Of several patterns the one that matches most of the text wins.

    >>> getattr(detect_profile("animagine-xl-4.0-opt.safetensors"), "id", None)
    'animagine-xl-4'
    >>> getattr(detect_profile("my mix", metadata={"modelspec.title": "Pony Diffusion V6 XL"}), "id", None)
    'pony'
    """
    profiles = load_profiles(user_folder)
    for profile in profiles.values():
        if sha256 and any(sha256.lower().startswith(start.lower()) for start in profile.hashes):
            return profile
    said = " / ".join(str((metadata or {}).get(key, "")) for key in _TITLES).strip(" /")
    return _by_pattern(checkpoint_name, profiles.values()) or _by_pattern(said, profiles.values())


def _by_pattern(text: str, profiles: Iterable[Profile]) -> Profile | None:
    best: tuple[int, Profile] | None = None
    for profile in profiles:
        for pattern in profile.detect:
            found = re.search(pattern, text, re.IGNORECASE)
            if found and (best is None or len(found.group()) > best[0]):
                best = (len(found.group()), profile)
    return best[1] if best else None


@lru_cache(maxsize=128)
def _read(path: Path, changed_ns: int) -> Profile:
    try:
        value = read_yaml(path.read_text(encoding="utf-8"), _LOADER)
    except ValueError as error:
        reason = " ".join(str(error).split())
        sentence = "{file} is not readable YAML ({reason}); mend or remove it."
        raise PromptError(sentence, file=path.name, reason=reason) from error
    if isinstance(value, dict) and isinstance(value.get("triggers"), str):
        value["triggers"] = _trigger_lines(path.parent / Path(value["triggers"]).name, path.stem)
    return profile_from_value(value, path.stem)


def _trigger_lines(path: Path, id: str) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        sentence = "Profile {id}: triggers names '{file}', which is no text file beside it ({reason})."
        raise PromptError(sentence, id=id, file=path.name, reason=str(error)) from error


def _plain(value: object) -> object:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def profile_from_value(value: object, id: str) -> Profile:
    """A profile from the plain values of its file, checked.

    Raises:
        PromptError: one sentence that names the key, what it holds and what was expected.
    """
    table = _table(value, id, "file")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        sentence = "Profile {id} has the key '{key}'; expected only {known}."
        raise PromptError(sentence, id=id, key=unknown[0], known=", ".join(sorted(_KEYS)))
    quality = _table(table.get("quality", {}), id, "quality")
    return Profile(
        id=id,
        name=say(_text(table, "name", id, id)),
        base=_choice(table, "base", ("sdxl", "sd15"), id),
        order=_order(table.get("order"), id),
        sub_slots=_sub_slots(_table(table.get("sub_slots", {}), id, "sub_slots"), id),
        triggers=frozenset(canonical(line) for line in _list(table.get("triggers", []), id, "triggers")),
        several_triggers=_choice(table, "several_triggers", ("front", "end"), id),
        quality=_words(quality.get("levels", {}), id, "quality.levels"),
        quality_place=_choice(quality, "place", ("end", "front"), id),
        negative=_words(table.get("negative", {}), id, "negative"),
        styles=_words(table.get("styles", {}), id, "styles"),
        sampling=_sampling(_table(table.get("sampler", {}), id, "sampler"), id),
        detect=_patterns(table.get("detect", []), id, "detect"),
        hashes=_list(table.get("hashes", []), id, "hashes"),
        notes=_list(table.get("notes", []), id, "notes"),
        sources=_list(table.get("sources", []), id, "sources"),
    )


def _table(value: object, id: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        sentence = "Profile {id}: {where} holds {value}; expected a table of names and values."
        raise PromptError(sentence, id=id, where=where, value=_shown(value))
    return value


def _text(table: Mapping[str, Any], key: str, id: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise PromptError(_NO_TEXT, id=id, where=key, value=_shown(value))
    return value


def _choice(table: Mapping[str, Any], key: str, choices: tuple[Any, ...], id: str) -> Any:
    value = table.get(key, choices[0])
    if value not in choices:
        sentence = "Profile {id}: {where} holds {value}; expected one of {known}."
        raise PromptError(sentence, id=id, where=key, value=_shown(value), known=", ".join(choices))
    return value


def _order(value: object, id: str) -> tuple[str, ...]:
    order = _list(value, id, "order")
    wrong = [slot for slot in order if slot not in SLOTS or order.count(slot) > 1]
    wrong += [slot for slot in SLOTS if slot not in order]
    if wrong:
        sentence = "Profile {id}: order does not have '{slot}' exactly once; expected all 19 slots: {known}."
        raise PromptError(sentence, id=id, slot=wrong[0], known=", ".join(SLOTS))
    return order


def _words(value: object, id: str, where: str) -> dict[str, str]:
    table = _table(value, id, where)
    for key, words in table.items():
        if not isinstance(words, str):
            raise PromptError(_NO_TEXT, id=id, where=f"{where}.{key}", value=_shown(words))
    return table


def _list(value: object, id: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        sentence = "Profile {id}: {where} holds {value}; expected a list of texts."
        raise PromptError(sentence, id=id, where=where, value=_shown(value))
    return tuple(value)


def _sub_slots(table: dict[str, Any], id: str) -> dict[str, tuple[str, ...]]:
    for slot in table:
        if slot not in SLOTS:
            sentence = "Profile {id}: sub_slots has the key '{key}'; expected one of {known}."
            raise PromptError(sentence, id=id, key=slot, known=", ".join(SLOTS))
    return {slot: _patterns(rows, id, f"sub_slots.{slot}") for slot, rows in table.items()}


def _patterns(value: object, id: str, where: str) -> tuple[str, ...]:
    patterns = _list(value, id, where)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            sentence = "Profile {id}: {where} holds '{pattern}', no regular expression ({reason})."
            raise PromptError(sentence, id=id, where=where, pattern=pattern, reason=str(error)) from error
    return patterns


def _sampling(table: dict[str, Any], id: str) -> Sampling:
    known = set(Sampling.__dataclass_fields__)
    for key, value in table.items():
        if key not in known:
            sentence = "Profile {id}: sampler has the key '{key}'; expected only {known}."
            raise PromptError(sentence, id=id, key=key, known=", ".join(sorted(known)))
        expected: tuple[type, ...] = (str,) if key in ("sampler", "scheduler") else (int, float)
        if key == "sizes":
            _check_sizes(value, id)
        elif key in ("steps_range", "cfg_range"):
            _check_range(value, id, key)
        elif not isinstance(value, expected) or isinstance(value, bool):
            sentence = "Profile {id}: {where} holds {value}; expected {kind}."
            raise PromptError(sentence, id=id, where=f"sampler.{key}", value=_shown(value), kind=expected[-1].__name__)
    values: dict[str, Any] = {key: tuple(value) if key.endswith("_range") else value for key, value in table.items()}
    if "sizes" in table:
        values["sizes"] = tuple((width, height) for width, height in table["sizes"])
    return Sampling(**values)


def _check_range(value: object, id: str, key: str) -> None:
    numbers = value if isinstance(value, list) and all(type(number) in (int, float) for number in value) else []
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        sentence = "Profile {id}: {where} holds {value}; expected [lowest, highest]."
        raise PromptError(sentence, id=id, where=f"sampler.{key}", value=_shown(value))


def _check_sizes(value: object, id: str) -> None:
    pairs = value if isinstance(value, list) and value else [None]
    for pair in pairs:
        right = isinstance(pair, list) and len(pair) == 2 and all(isinstance(side, int) for side in pair)
        if not right or any(side % 8 or side < 64 for side in pair or ()):
            sentence = "Profile {id}: sampler.sizes holds {value}; expected [width, height] in pixels, multiples of 8."
            raise PromptError(sentence, id=id, value=_shown(pair))


def _shown(value: object) -> str:
    return repr(value)[:60]
