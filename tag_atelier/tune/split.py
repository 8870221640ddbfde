"""Which tags, prompts and seeds a study searches on and which it keeps for validation; what that costs and can show.

Used by ``tune.study``. Loads without numpy and torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tag_atelier.bench.choice import chosen_tags
from tag_atelier.bench.names import label_of
from tag_atelier.bench.sets import nested_sets
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.errors import SpecError
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.prompt.slots import canonical
from tag_atelier.tune.study_spec import StudySpec, with_sets

LEAST_TAGS = 4
"""Of the search, and of validation."""
COARSEST = 0.15
"""Lift: a plan that cannot tell a difference as large as this from chance is refused."""
FRESH_SEEDS = 2001
"""First seed of the confirmation."""
VALIDATION_SEEDS = 1001
_POWER = 1.96 + 0.8416
"""5 % two-sided, 80 % power."""
_DISCORDANT = 0.2
"""Share of asked tags that come out differently on two candidates; as ``bench.plan`` assumes."""


@dataclass(frozen=True)
class Split:
    """The three plans of a study; no tag, prompt and seed of ``validation`` is in the others."""

    search: BenchSpec
    confirm: BenchSpec
    """The search's prompts with seeds of their own."""
    validation: BenchSpec
    rungs: tuple[BenchSpec, ...]
    """The search's first prompts, more and more of them; the last is ``search``."""
    prompts: tuple[str, ...]
    """The first four prompts, to be previewed."""
    unknown: tuple[str, ...] = ()
    """Tags of the plan that the tagger does not know, which are left out."""


def split(spec: StudySpec, catalogue: Catalogue, labels: Collection[str] | None = None) -> Split:
    """Lay out the plans of ``spec``.

    Args:
        labels: what the tagger knows; tags that it does not are left out, since they would be drawn for nothing. None: all.

    Raises:
        SpecError: too few tags or prompts to see anything, or tags that are searched on and validated on.
    """
    chosen, _, _ = chosen_tags(spec.plan, catalogue)
    names, apart = _known(chosen, labels), _known([canonical(tag) for tag in spec.validation.tags], labels)
    both = sorted(set(apart) & set(names)) if spec.validation.tags else []
    if both:
        sentence = "The tag '{tag}' is both searched on and validated on; expected tags of its own for each."
        raise SpecError(sentence, tag=both[0])
    if not spec.validation.tags:
        apart = _set_aside(names, spec.validation.share)
    searched = [name for name in names if name not in apart]
    if len(searched) < LEAST_TAGS:
        sentence = "There are {count} tags to search on; expected at least {least}, so name more."
        raise SpecError(sentence, count=len(searched), least=LEAST_TAGS)
    if len(apart) < LEAST_TAGS:
        sentence = "There are {count} tags to validate on; expected at least {least}, so name more."
        raise SpecError(sentence, count=len(apart), least=LEAST_TAGS)
    search = _fitting(_plan(spec, searched, spec.prompts, spec.plan.seeds), catalogue)
    used = spec.plan.seeds
    seeds = spec.validation.seeds or _fresh(VALIDATION_SEEDS, len(used), used)
    confirm = dataclasses.replace(
        search, name=f"{spec.name}: confirmation", seeds=_fresh(FRESH_SEEDS, len(used), (*used, *seeds))
    )
    validation = _fitting(_plan(spec, apart, spec.validation.prompts, seeds), catalogue)
    rungs = tuple(_first(search, share) for share in spec.halving)
    for each in (search, validation):
        _check_power(each, spec, catalogue)
    unknown = tuple(name for name in (*chosen, *map(canonical, spec.validation.tags)) if not _known([name], labels))
    return Split(search, confirm, validation, rungs, _previews(search, catalogue), unknown)


def _known(names: Sequence[str], labels: Collection[str] | None) -> list[str]:
    return [name for name in names if labels is None or label_of(name, labels).status in ("scored", "alias")]


def asked(plan: BenchSpec, catalogue: Catalogue) -> tuple[int, int]:
    """Prompts of ``plan`` and tags asked for in all of them together, one seed; its sets exclude what excludes each other."""
    sets = _sets(plan, catalogue)
    return len(sets), sum(map(len, sets))


def resolvable(tags_asked: int) -> float:
    """The difference in lift that this many asked tags show with 80 % power at 5 %, 0…1.

    >>> round(resolvable(512), 3), round(resolvable(8), 2)
    (0.055, 0.44)
    """
    return min(1.0, _POWER * math.sqrt(_DISCORDANT / max(1, tags_asked)))


def _set_aside(names: Sequence[str], share: float) -> list[str]:
    """A share of the tags, the same everywhere: by hash, so that no order of the list decides."""
    count = max(LEAST_TAGS, round(share * len(names)))
    return sorted(sorted(names, key=lambda name: hashlib.sha256(f"validation:{name}".encode()).digest())[:count])


def _plan(spec: StudySpec, tags: Sequence[str], prompts: int, seeds: Sequence[int]) -> BenchSpec:
    plan = dataclasses.replace(spec.plan, name=spec.name, tags=tuple(tags), rule=None, seeds=tuple(seeds), checkpoints=())
    return with_sets(plan, spec.tags_per_prompt, prompts)


def _first(plan: BenchSpec, share: float) -> BenchSpec:
    assert plan.sets is not None
    return dataclasses.replace(plan, sets=dataclasses.replace(plan.sets, count=max(1, round(share * plan.sets.count))))


def _fresh(first: int, count: int, used: Sequence[int]) -> tuple[int, ...]:
    """``count`` seeds in a row from ``first`` on, or from a thousand higher, none of which is used."""
    while set(range(first, first + count)) & set(used):
        first += 1000
    return tuple(range(first, first + count))


def _sets(plan: BenchSpec, catalogue: Catalogue) -> list[tuple[str, ...]]:
    """The sets of tags that ``plan`` draws."""
    assert plan.sets is not None
    found, _ = nested_sets(plan.tags, {name: _broader(name, catalogue) for name in plan.tags}, plan.sets)
    return found


def _fitting(plan: BenchSpec, catalogue: Catalogue) -> BenchSpec:
    """``plan`` with as many tags in a prompt as every prompt can hold, since some of them exclude each other."""
    assert plan.sets is not None
    for size in range(min(plan.sets.sizes[0], len(plan.tags)), 0, -1):
        smaller = dataclasses.replace(plan, sets=dataclasses.replace(plan.sets, sizes=(size,)))
        assert smaller.sets is not None
        _, short = nested_sets(plan.tags, {name: _broader(name, catalogue) for name in plan.tags}, smaller.sets)
        if not short:
            return smaller
    raise SpecError("No tag is left to ask for; name more tags.")


def _broader(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    entry = catalogue.get(name)
    return (canonical(entry.broader),) if entry is not None and entry.broader else ()


def _check_power(plan: BenchSpec, spec: StudySpec, catalogue: Catalogue) -> None:
    prompts, tags = asked(plan, catalogue)
    drawn = tags * len(plan.seeds)
    if resolvable(drawn) <= COARSEST:
        return
    each = tags / prompts * len(plan.seeds)
    enough = math.ceil(_DISCORDANT * (_POWER / COARSEST) ** 2 / each)
    where = "prompts" if set(plan.seeds) == set(spec.plan.seeds) else "validation.prompts"
    assert plan.sets is not None
    found = {"prompts": prompts, "drawn": drawn, "shown": f"{resolvable(drawn):.2f}", "coarsest": f"{COARSEST:g}"}
    if prompts < plan.sets.count:
        raise SpecError(
            "{prompts} prompts ask for {drawn} tags in all, which shows differences in lift from {shown} on; expected "
            "{coarsest} or finer, but no more different prompts can be made of {count} tags: name more tags, or more seeds.",
            **found,
            count=len(plan.tags),
        )
    raise SpecError(
        "{prompts} prompts ask for {drawn} tags in all, which shows differences in lift from {shown} on; expected "
        "{coarsest} or finer, so set '{where}' to at least {enough}.",
        **found,
        where=where,
        enough=enough,
    )


def _previews(plan: BenchSpec, catalogue: Catalogue) -> tuple[str, ...]:
    from tag_atelier.bench.tag_text import fill, prompt_form

    sets = _sets(plan, catalogue)[:4]
    return tuple(fill(plan.template, ", ".join(prompt_form(tag, plan.escape) for tag in each)) for each in sets)
