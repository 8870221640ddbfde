"""The texts in the header of a merged file: what it was made of and how. Called by stream; does not import torch."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tag_atelier.merge.inputs import Source
from tag_atelier.merge.plan import MergePlan

RECIPE_KEY = "tag_atelier_recipe"
DIGEST_KEY = "tag_atelier_recipe_digest"

_MODELSPEC_ARCHITECTURES = {"sd15": "stable-diffusion-v1", "sdxl": "stable-diffusion-xl-v1-base"}
"""Source: Stability AI's ModelSpec 1.0.0, "modelspec.architecture"."""


def header_texts(plan: MergePlan) -> dict[str, str]:
    """Metadata of the result: ``format`` (loaders look for it), the WebUI's two merge texts, our recipe, minimal modelspec.

    Nothing here depends on the time or the destination: the same recipe and files give the same bytes.
    """
    recipe = plan.recipe
    merge_recipe = {
        "type": "tag-atelier",
        "method": plan.method.name,
        "formula": plan.method.formula,
        "recipe_sha256": recipe.digest,
        **recipe.as_dict(),
    }
    models = {source.sha256 or source.name: _model(source) for source in plan.files}
    marks = {step.key for step in plan.steps if step.block is None}
    return {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        **({"modelspec.prediction_type": "v"} if "v_pred" in marks else {}),
        "modelspec.architecture": _MODELSPEC_ARCHITECTURES[plan.architecture.id],
        "modelspec.implementation": "sgm",
        "modelspec.title": recipe.name or " + ".join(recipe.models),
        "sd_merge_recipe": json.dumps(merge_recipe, ensure_ascii=False, sort_keys=True),
        "sd_merge_models": json.dumps(models, ensure_ascii=False, sort_keys=True),
        RECIPE_KEY: recipe.to_yaml(),
        DIGEST_KEY: recipe.digest,
    }


def _model(source: Source) -> dict[str, object]:
    return {
        "name": source.header.path.name,
        "legacy_hash": None,
        "sd_merge_recipe": _parsed(source.header.metadata, "sd_merge_recipe"),
    }


def _parsed(metadata: Mapping[str, str], key: str) -> object:
    """A parent's own merge text, None where it has none or it is not JSON."""
    try:
        return json.loads(metadata.get(key, "null"))
    except (ValueError, RecursionError):
        return None
