"""Turns a study's page into what the doors show: trials, parents, importance, convergence, answer, honest result.

Used by ``tune.study``. Sentences are English here and translated where they are shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tag_atelier.tune.book import ANSWER_FRESH, ANSWER_SEARCH, ANSWER_VALIDATION, Page
from tag_atelier.tune.findings import convergence, importance, paired, paired_by_prompt
from tag_atelier.tune.ledger import SEARCHING, Attempt
from tag_atelier.tune.sentences import ENDED_EARLY, EXPLAINS_LITTLE, HALFWAY, MEAN_OF_BEST, outcome
from tag_atelier.tune.status import Answer, ParentLine, Result, Score, StudyStatus, Trial, TrialState
from tag_atelier.tune.worker import PREVIEWS

_EXPLAINS_LITTLE = 0.3


def overview(page: Page, cost: Mapping[str, Any]) -> StudyStatus:
    """Everything a door shows of the study at this moment; ``cost`` as ``Study.cost`` gave it, or empty."""
    spec, counted = page.book.spec, page.counted()
    candidates = [each for each in counted if each.stage in ("parents", *SEARCHING)]
    stage = next((name for name in reversed(SEARCHING) if page.tried(name)), "search")
    tried = [each for name in page.book.spaces for each in page.tried(name).values()]
    weighed, explained = importance(list(page.tried(stage).values()), page.book.spaces.get(stage, page.book.spaces["search"]))
    planned = int(cost.get("pictures", 0))
    drawn = sum(int(each.outcome["pictures"]) for each in counted)
    workers = tuple(sorted({each.worker for each in page.running.values()}))
    return StudyStatus(
        name=spec.name,
        phase=page.phase(),
        running=bool(workers),
        workers=workers,
        planned_trials=spec.trials,
        finished_trials=len(candidates),
        pictures_planned=max(planned, drawn),
        pictures_drawn=drawn,
        eta_s=_eta(page, counted),
        parents=_parents(page),
        trials=tuple(_trials(page, candidates)),
        convergence=convergence(tried),
        importance=weighed,
        explained=explained,
        answer=_answer(page),
        result=_result(page),
        preview_prompts=tuple(cost.get("preview_prompts", ())),
        notes=tuple(_notes(page, weighed, explained)),
    )


def answer_weights(page: Page) -> Mapping[str, Mapping[str, float]]:
    """Model → group → weight of the answer so far; empty before there is one."""
    found = page.answer()
    return {} if found is None else page.book.spaces[found[0]].shares(found[1])


def _trials(page: Page, candidates: Sequence[Attempt]) -> list[Trial]:
    numbers = {(each.stage, each.number): position for position, each in enumerate(candidates, start=1)}
    found = []
    for attempts in page.attempts.values():
        for each in attempts:
            if each.stage not in ("parents", *SEARCHING) or not each.slot:
                continue
            found.append(_trial(each, numbers.get((each.stage, each.number), 0)))
    return sorted(found, key=lambda trial: (trial.number == 0, trial.number))


def _trial(attempt: Attempt, number: int) -> Trial:
    outcome = attempt.outcome if number else {}
    share = float(outcome.get("share", 0))
    state: TrialState = "running" if attempt.state == "running" else "lost"
    if number:
        state = "done" if share >= 1 else "stopped early"
    return Trial(
        number=number,
        candidate=attempt.slot,
        phase="parents" if attempt.stage == "parents" else "refine" if attempt.stage == "refine" else "search",
        state=state,
        score=_score(outcome.get("lift")),
        objective=outcome.get("objective"),
        share=share,
        weights=outcome.get("weights", {}),
        recipe=str(outcome.get("recipe", "")),
        diversity=outcome.get("diversity"),
        seconds=float(outcome.get("seconds", 0)),
        overhead_s=float(outcome.get("overhead_s", 0)),
        worker=attempt.worker,
        improved=bool(outcome.get("improved", False)),
        previews=_previews(outcome),
    )


def _previews(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{PREVIEWS}/{name}" for name in outcome.get("previews", ()))


def _parents(page: Page) -> tuple[ParentLine, ...]:
    best = page.best_parent
    return tuple(
        ParentLine(
            name,
            _score(page.finished.get(f"parent-{i + 1}", {}).get("lift")),
            _score(page.finished.get(f"parent-{i + 1}-validation", {}).get("lift")),
            i == best,
        )
        for i, name in enumerate(page.book.spec.models)
    )


def _answer(page: Page) -> Answer | None:
    recipe = page.answer_recipe()
    if recipe is None:
        return None
    kind = HALFWAY if page.book.spec.sampler == "cma" else MEAN_OF_BEST
    search, fresh = (_score(page.finished.get(name, {}).get("lift")) for name in (ANSWER_SEARCH, ANSWER_FRESH))
    return Answer(recipe.to_yaml(), answer_weights(page), kind, search, fresh, _previews(page.finished.get(ANSWER_SEARCH, {})))


def _result(page: Page) -> Result | None:
    best = page.best_parent
    answer = page.finished.get(ANSWER_VALIDATION)
    if answer is None or best is None or page.next_slot() is not None:
        return None
    searched = page.finished[ANSWER_SEARCH]
    validated = [page.finished[f"{slot.name}-validation"] for slot in page.book.schedule.parents()]
    strongest = max(range(len(validated)), key=lambda i: validated[i]["lift"][0] or 0.0)
    parent = validated[strongest]
    difference = paired(_known(answer["lifts"]), _known(parent["lifts"]))
    by_prompt = paired_by_prompt(_numbers(answer["recalls"]), _numbers(parent["recalls"]))
    gain = paired(_known(searched["lifts"]), _known(page.finished[f"parent-{best + 1}"]["lifts"])).value
    validation, search = _score(answer["lift"]), _score(searched["lift"])
    assert validation is not None and search is not None, "every finished slot has a lift"
    name = page.book.spec.models[strongest]
    template, filled = outcome(name, difference, by_prompt)
    return Result(
        tags=sum(value is not None for value in answer["lifts"].values()),
        pictures=int(answer["pictures"]),
        search=search,
        validation=validation,
        optimism=gain - difference.value,
        best_parent=name,
        difference=difference,
        difference_by_prompt=by_prompt,
        beats_best_parent=difference.low > 0,
        sentence=template.format(**filled),
    )


def _notes(page: Page, weighed: Mapping[str, float], explained: float) -> list[str]:
    notes = []
    if page.stopped:
        notes.append(ENDED_EARLY)
    if weighed and explained < _EXPLAINS_LITTLE:
        notes.append(EXPLAINS_LITTLE)
    return notes


def _eta(page: Page, counted: Sequence[Attempt]) -> float | None:
    """Seconds left at the pace of the last candidates, by as many workers as are at it."""
    if not counted:
        return None
    recent = [float(each.outcome["seconds"]) for each in counted[-8:]]
    left = 0 if page.stopped else page.book.spec.trials - len([each for each in counted if each.stage != "confirm"])
    final = [slot.name for slots in page.final_steps() for slot in slots]
    missing = sum(name not in page.finished for name in final) if final else 4 + len(page.book.spec.models)
    return (max(0, left) + missing) * sum(recent) / len(recent) / max(1, len(page.running))


def _score(lift: Sequence[float | None] | None) -> Score | None:
    if not lift:
        return None
    value, low, high = (math.nan if each is None else float(each) for each in lift)
    return Score(value, low, high)


def _known(lifts: Mapping[str, float | None]) -> dict[str, float]:
    return {tag: value for tag, value in lifts.items() if value is not None}


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
