"""What both forms of a study's report show: the study's plain data, its sentences in one language. Used by ``tune.report*``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tag_atelier.language import Language, sentence
from tag_atelier.tune.sentences import outcome
from tag_atelier.tune.status import Score, StudyStatus, Trial
from tag_atelier.tune.study_spec import SAMPLERS, StudySpec

DASH = "–"
PHASES: Mapping[str, str] = {
    "parents": "Parents",
    "search": "Search",
    "refine": "Finer search",
    "confirm": "Confirmation",
    "validation": "Validation",
    "done": "Done",
}
"""What the phases are called."""


@dataclass(frozen=True)
class Strip:
    """One column of previews."""

    parent: str
    """Name of the model alone; empty for a candidate and the answer."""
    trial: int
    """Number of the candidate; 0 for the answer."""
    pictures: tuple[str, ...]
    """Data addresses in the preview prompts' order; empty where a picture is missing."""


@dataclass(frozen=True)
class StudyData:
    """One study, read once."""

    spec: StudySpec
    status: StudyStatus
    cost: Mapping[str, Any]
    """As ``Study.cost`` gave it."""
    language: Language
    strips: tuple[Strip, ...] = ()

    def say(self, english: str, **values: object) -> str:
        """``english`` in the report's language."""
        return sentence(english, self.language, **values)

    @property
    def headline(self) -> str:
        """How it ended, or where it is."""
        result, status = self.status.result, self.status
        if result is not None:
            template, values = outcome(result.best_parent, result.difference, result.difference_by_prompt)
            return self.say(template, **values)
        return self.say(
            "Not finished: {done} of {planned} candidates were tried; the numbers below are of the search alone.",
            done=status.finished_trials,
            planned=status.planned_trials,
        )

    @property
    def phase(self) -> str:
        """Where the study is, in words."""
        return self.say(PHASES[self.status.phase])

    def lines(self) -> list[str]:
        """What to know beside the headline."""
        result = self.status.result
        found = []
        if result is not None:
            found = [
                self.say(
                    "Lift on what it was chosen by: {search}; on {tags} tags in {pictures} pictures never seen: {validation}.",
                    search=shown(result.search),
                    tags=result.tags,
                    pictures=result.pictures,
                    validation=shown(result.validation),
                ),
                self.say(
                    "Optimism, its gain over the best parent on the search's prompts less that on validation's: {optimism}.",
                    optimism=f"{result.optimism:+.3f}",
                ),
                self.say(
                    "For other prompts of the same validation tags the difference is {difference}.",
                    difference=shown(result.difference_by_prompt),
                ),
            ]
        return [*found, *(self.say(note) for note in self.status.notes)]

    def counts(self) -> str:
        """What was drawn, in one line."""
        status = self.status
        return self.say(
            "{trials} of {planned} candidates · {pictures} pictures · {models}",
            trials=status.finished_trials,
            planned=status.planned_trials,
            pictures=status.pictures_drawn,
            models=" + ".join(self.spec.models),
        )

    def scores(self) -> list[tuple[str, str, str, str]]:
        """Name, and lift on the search's prompts, with fresh seeds, and on validation; answer first."""
        answer, result = self.status.answer, self.status.result
        rows = []
        if answer is not None:
            validation = result.validation if result is not None else None
            rows.append((self.say("The answer"), shown(answer.search), shown(answer.confirmed), shown(validation)))
        for parent in self.status.parents:
            name = self.say("{name} (best on the search's prompts)", name=parent.name) if parent.is_best else parent.name
            rows.append((name, shown(parent.search), DASH, shown(parent.validation)))
        return rows

    def kind(self) -> str:
        """How the answer was made of the candidates, as a sentence; empty before there is one."""
        answer = self.status.answer
        return self.say("{phrase}.", phrase=self.say(answer.kind)) if answer is not None else ""

    def weights(self) -> tuple[list[str], list[list[str]]]:
        """Titles and rows of the answer's weights: a row per group, a column per model."""
        answer = self.status.answer
        if answer is None:
            return [], []
        models = [name for name in self.spec.models if name in answer.weights]
        groups = list(dict.fromkeys(group for name in models for group in answer.weights[name]))
        rows = [
            [group, *(f"{answer.weights[name][group]:.3f}" if group in answer.weights[name] else DASH for name in models)]
            for group in groups
        ]
        return [self.say("Group"), *models], rows

    def trial_row(self, trial: Trial) -> tuple[str, ...]:
        """Number, candidate, phase, state, lift, over the best parent, share of prompts, seconds."""
        own = trial.phase == "parents" or trial.objective is None
        return (
            str(trial.number or DASH),
            trial.candidate,
            self.say(PHASES[trial.phase]),
            self.say(trial.state),
            shown(trial.score),
            DASH if own else f"{trial.objective:+.3f}",
            f"{trial.share:.0%}",
            f"{trial.seconds:.1f}" if trial.seconds else DASH,
        )

    def facts(self) -> list[tuple[str, str]]:
        """How it was measured: names and values."""
        spec, plan, cost = self.spec, self.spec.plan, self.cost
        drawn = plan.parameters
        return [
            (self.say("Sampler of the search"), self.say(SAMPLERS[spec.sampler])),
            (self.say("Template"), plan.template),
            (self.say("Tags per prompt"), str(spec.tags_per_prompt)),
            (self.say("Prompts"), f"{spec.prompts} · {', '.join(f'{share:.0%}' for share in spec.halving)}"),
            (self.say("Seeds"), ", ".join(map(str, plan.seeds))),
            (self.say("Searched tags"), ", ".join(map(str, cost.get("search_tags", ())))),
            (self.say("Validation tags"), ", ".join(map(str, cost.get("validation_tags", ())))),
            (
                self.say("Smallest difference it can show"),
                " · ".join(f"{value:.3f}" for value in cost.get("resolvable_difference", {}).values()),
            ),
            (
                self.say("Drawn with"),
                f"{drawn.sampler}, {drawn.steps}, CFG {drawn.cfg_scale:g}, {drawn.width}×{drawn.height}",
            ),
        ]


def shown(score: Score | None) -> str:
    """A lift with its interval.

    >>> shown(Score(0.1, 0.05, 0.15)), shown(None), shown(Score(0.1, float("nan"), float("nan")))
    ('+0.100 (+0.050 … +0.150)', '–', '+0.100')
    """
    if score is None or not math.isfinite(score.value):
        return DASH
    if not math.isfinite(score.low):
        return f"{score.value:+.3f}"
    return f"{score.value:+.3f} ({score.low:+.3f} … {score.high:+.3f})"
