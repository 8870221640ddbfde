"""What the routes take, as OpenAPI describes it: for /docs, for programs, and for the fuzzer, which sends what fits it.

Called by ``api`` when it mounts a route. It only describes: what a request may hold is decided where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Schema = Mapping[str, object]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_LANGUAGE: Schema = {"type": "string", "enum": ["en", "zh_CN"]}
_FREE: Schema = {"type": "object"}


def _object(needed: tuple[str, ...] = (), **properties: Schema) -> Schema:
    closed: dict[str, object] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**closed, "required": list(needed)} if needed else closed


_PROMPT: Mapping[str, Schema] = {"text": _TEXT, "profile": _TEXT, "negative": _FLAG}
_WITH = _object(
    other=_TEXT, sampler=_TEXT, steps=_WHOLE, cfg_scale=_NUMBER, clip_skip=_WHOLE, width=_WHOLE, height=_WHOLE,
    refiner=_FLAG, networks=_FREE, live=_FLAG,
)  # fmt: skip
_LANES: Mapping[str, Schema] = {**_PROMPT, "with": _WITH, "language": _LANGUAGE, "box": _TEXT}
_EDITS = (
    "move", "remove", "weight", "replace", "add", "off", "on", "forget", "pin", "unpin", "fix", "arrange", "quality",
    "negative_preset",
)  # fmt: skip
_EDIT = _object(
    ("kind",),
    kind={"type": "string", "enum": list(_EDITS)}, index=_WHOLE, to_index=_WHOLE, at=_WHOLE, weight=_NUMBER, text=_TEXT,
    tag=_TEXT, slot=_TEXT, key=_TEXT, code=_TEXT, start=_WHOLE, end=_WHOLE, distribute=_FLAG, level=_TEXT, name=_TEXT,
)  # fmt: skip
_PARAMETERS = _object(
    sampler=_TEXT, scheduler=_TEXT, steps=_WHOLE, cfg_scale=_NUMBER, width=_WHOLE, height=_WHOLE, clip_skip=_WHOLE
)
_PLAN = _object(
    preset=_TEXT, name=_TEXT, template={"type": "string", "example": "1girl, {tag}"}, tags=_TEXTS, baseline=_TEXT,
    negative=_TEXT, seeds={"anyOf": [{"type": "array", "items": _WHOLE}, _TEXT]}, checkpoints=_TEXTS,
    parameters=_PARAMETERS, tagger=_TEXT, titles=_FREE, verdicts=_TEXT,
    batch_size={"anyOf": [{"type": "integer", "minimum": 1, "maximum": 64}, {"type": "string", "enum": ["auto"]}]},
    threshold={"type": "number", "minimum": 0.01, "maximum": 0.99}, escape=_FLAG, axes=_FREE, self_test=_WHOLE, note=_TEXT,
    rule=_object(("slot",), slot=_TEXT, posts_below=_WHOLE, take=_WHOLE, safe=_FLAG, one_person=_FLAG),
    sets=_object(sizes={"type": "array", "items": _WHOLE}, count=_WHOLE, exclusive={"type": "array", "items": _TEXTS}),
    grid=_object(x=_TEXT, y=_TEXT, z=_TEXT),
)  # fmt: skip
_WEIGHT: Schema = {"anyOf": [_NUMBER, _TEXT, {"type": "object", "additionalProperties": _NUMBER}]}
_MERGE = _object(
    ("models",),
    models=_TEXTS, base=_TEXT, method=_TEXT, alpha={"anyOf": [_WEIGHT, {"type": "array", "items": _WEIGHT}]}, layout=_TEXT,
    parameters=_FREE, elements={"type": "array"}, loras={"type": "array"}, options=_FREE, name=_TEXT, notes=_TEXT,
    steps={"type": "array", "items": _FREE},
)  # fmt: skip
_SPEC: Schema = {"anyOf": [_PLAN, _TEXT]}
_RECIPE: Schema = {"anyOf": [_MERGE, _TEXT]}
_STUDY: Schema = {
    "anyOf": [
        _object(
            preset=_TEXT, name=_TEXT, models=_TEXTS, plan=_SPEC, method=_TEXT, base=_TEXT, space=_FREE, sampler=_TEXT,
            trials=_WHOLE, seed=_WHOLE, tags_per_prompt=_WHOLE, prompts=_WHOLE, halving={"type": "array", "items": _NUMBER},
            start=_NUMBER, step=_NUMBER, validation=_FREE, preview=_TEXTS, storage=_TEXT, note=_TEXT,
        ),
        _TEXT,
    ]
}  # fmt: skip
_STUDY_ACTS = ("resume", "pause", "stop", "live")
_VERDICT = _object(("answer",), answer=_TEXT, but=_FLAG, note=_TEXT)

BODIES: Mapping[str, Schema] = {
    "/prompt/arrange": _object(("text",), **_PROMPT, distribute=_FLAG),
    "/prompt/lint": _object(("text",), **_PROMPT, language=_LANGUAGE, **{"with": _WITH}),
    "/prompt/slots": _object(("tags",), tags=_TEXTS),
    "/prompt/lanes": _object(("text",), **_LANES),
    "/prompt/edit": _object(("text", "op"), **_LANES, op=_EDIT),
    "/prompt/artists": _object(text=_TEXT, profile=_TEXT, artists={"type": "array", "items": _FREE}),
    "/prompt/character": _object(
        ("name",), name=_TEXT, profile=_TEXT, language=_LANGUAGE, costume={"anyOf": [_TEXT, _TEXTS]},
        form={"type": "string", "enum": ["tag", "sentence"]},
    ),
    "/prompt/negative": _object(
        profile=_TEXT, preset=_TEXT, text=_TEXT, language=_LANGUAGE, embeddings={"type": "array"}
    ),
    "/prompt/from_picture": _object(
        ("image",), image={"type": "string", "description": "PNG, WebP or JPEG in base64"}, tagger=_FLAG, language=_LANGUAGE
    ),
    "/prompt/memory": _object(correct=_FREE, forget=_TEXT, favourite=_FREE, unfavourite=_TEXT, history=_FREE, clear=_TEXT),
    "/prompt/styles/import": _object(("names",), names=_TEXTS, prompt=_TEXT, negative=_TEXT),
    "/prompt/styles/export": _object(
        ("name", "prompt"), name=_TEXT, prompt=_TEXT, negative=_TEXT, file=_TEXT, replace=_FLAG
    ),
    "/benchmarks/plan": _object(("spec",), spec=_SPEC),
    "/benchmarks": _object(("spec",), spec=_SPEC),
    "/runs/{run_id}/verdicts": _object(
        ("verdicts",), schema=_WHOLE, verdicts={"type": "object", "additionalProperties": _VERDICT}
    ),
    "/taggers": _object(("name",), name=_TEXT),
    "/merges/check": _object(("recipe",), recipe=_RECIPE),
    "/merges": _object(("recipe", "name"), recipe=_RECIPE, name=_TEXT),
    "/recipes": _object(("recipe", "name"), recipe=_RECIPE, name=_TEXT),
    "/live": _object(("recipe",), recipe=_RECIPE),
    "/studies/plan": _object(("study",), study=_STUDY),
    "/studies": _object(("study",), study=_STUDY),
    "/studies/{study_id}/save": _object(("name",), name=_TEXT),
    **{f"/studies/{what}": _object() for what in ("install", *(f"{{study_id}}/{act}" for act in _STUDY_ACTS))},
    "/jobs/{job_id}/cancel": _object(),
}  # fmt: skip
"""Path of a POST → its body."""

QUERIES: Mapping[str, Mapping[str, Schema]] = {
    "/prompt/search": {"q": _TEXT, "limit": _WHOLE, "kinds": _TEXT},
    "/prompt/profile": {"checkpoint": _TEXT, "language": _LANGUAGE},
    "/prompt/settings": {"profile": _TEXT},
    "/runs/compare": {"runs": _TEXT},
}
"""Path of a GET → its query."""

_ERROR = _object(("error", "detail"), error=_TEXT, detail=_TEXT)


def description(method: str, path: str) -> dict[str, object]:
    """What FastAPI does not see by itself of a route that reads its request: parameters, body, the form of errors."""
    given = [{"name": name, "in": "path", "required": True, "schema": dict(_TEXT)} for name in re.findall(r"\{(\w+)\}", path)]
    if method == "GET":
        given += [
            {"name": name, "in": "query", "required": False, "schema": dict(schema)}
            for name, schema in QUERIES.get(path, {}).items()
        ]
    told: dict[str, object] = {"parameters": given} if given else {}
    if method == "POST" and path in BODIES:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(BODIES[path])}}}
    failure = {"description": "One sentence in `detail`", "content": {"application/json": {"schema": dict(_ERROR)}}}
    return {**told, "responses": {"4XX": failure}}
