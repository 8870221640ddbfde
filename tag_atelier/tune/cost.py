"""What a study costs and can show, said before it starts. Used by ``tune.study``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tag_atelier.bench.plan import megapixel_steps
from tag_atelier.bench.spec import BenchSpec
from tag_atelier.prompt.catalogue import Catalogue
from tag_atelier.tune.space import Space
from tag_atelier.tune.split import Split, asked, resolvable
from tag_atelier.tune.study_spec import StudySpec


def cost(spec: StudySpec, plans: Split, spaces: Mapping[str, Space], catalogue: Catalogue) -> dict[str, Any]:
    """Plain values, as ``tune.study.Study.cost`` lists them."""
    per_trial = [pictures(plan, catalogue) for plan in plans.rungs]
    validation = pictures(plans.validation, catalogue)
    parents = len(spec.models)
    final = per_trial[-1] + 2 * pictures(plans.confirm, catalogue) + (1 + parents) * validation
    total = spec.trials * per_trial[-1] + final
    power = [resolvable(asked(plan, catalogue)[1] * len(plan.seeds)) for plan in (plans.search, plans.validation)]
    return {
        "trials": spec.trials,
        "pictures": total,
        "pictures_per_trial": per_trial,
        "validation_pictures": validation,
        "megapixel_steps": round(total * megapixel_steps(spec.plan.parameters), 1),
        "dimensions": {stage: len(space.dimensions) for stage, space in spaces.items()},
        "groups": {stage: [group.name for group in space.groups] for stage, space in spaces.items()},
        "search_tags": list(plans.search.tags),
        "validation_tags": list(plans.validation.tags),
        "unknown_tags": list(plans.unknown),
        "resolvable_difference": {"search": round(power[0], 4), "validation": round(power[1], 4)},
        "preview_prompts": list(spec.preview or plans.prompts),
    }


def pictures(plan: BenchSpec, catalogue: Catalogue) -> int:
    """Pictures of one candidate: every prompt and the one without a tag, with every seed."""
    return (asked(plan, catalogue)[0] + 1) * len(plan.seeds)
