"""What a study shows: trials, parents, convergence, importance, answer and honest result, as plain data for every door.

Made by ``tune.study`` and ``tune.answer``; loads without optuna, numpy and torch. Scores are mean lifts over tags, −1…1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Phase = Literal["parents", "search", "refine", "confirm", "validation", "done"]
"""parents: every model alone; search, refine: candidates of the first and of the finer stage; confirm: the answer on the
search's prompts with fresh seeds; validation: answer and parents on tags, prompts and seeds that nobody searched on."""
TrialState = Literal["running", "done", "stopped early", "lost"]
"""stopped early: not in the better half of a halving; lost: its worker died, and another trial of the same candidate stands
for it, so it is shown but never counted."""


@dataclass(frozen=True)
class Score:
    """One mean lift (share of hits less share of false alarms, mean over tags) and how sure it is."""

    value: float
    """−1…1."""
    low: float
    high: float
    """95 % interval, tags resampled; NaN where nothing is known."""

    def as_list(self) -> list[float | None]:
        """Value, low, high; None for NaN, which JSON has not."""
        return [None if each != each else round(each, 5) for each in (self.value, self.low, self.high)]


@dataclass(frozen=True)
class Trial:
    """One candidate and what the benchmark says of it."""

    number: int
    """In the order of finishing, from 1; 0 while it runs or where it is lost."""
    candidate: str
    """Which candidate it is, such as ``search-3-5`` or ``parent-1``: tried again under this name when a worker dies."""
    phase: Phase
    state: TrialState
    score: Score | None
    """On the search's prompts drawn so far; None while nothing is."""
    objective: float | None
    """The paired lift over the best parent, less the penalty on negative weights; of a parent, its lift."""
    share: float
    """Share of the prompts that were drawn, 0…1; less than 1 after an early stop."""
    weights: Mapping[str, Mapping[str, float]]
    """Model → group → weight, the first model's share included where the weights sum to 1."""
    recipe: str
    """As YAML; empty while it runs."""
    diversity: float | None = None
    """Mean distance (1 − cosine of the tagger's probabilities) of pictures of one prompt with different seeds; nsga2 only."""
    seconds: float = 0.0
    overhead_s: float = 0.0
    """Of these, spent outside sampling and tagging."""
    worker: str = ""
    improved: bool = False
    """It was the best of the fully drawn so far."""
    previews: tuple[str, ...] = ()
    """Pictures of the preview prompts, as paths below the study's folder, in the prompts' order."""


@dataclass(frozen=True)
class ParentLine:
    """One model alone."""

    name: str
    search: Score | None
    validation: Score | None
    is_best: bool
    """The one with the highest search score, against which the answer is held."""


@dataclass(frozen=True)
class Convergence:
    """Where the search stood after one finished trial."""

    trial: int
    best: float
    """Highest objective of a fully drawn candidate so far: the luckiest, shown but never the answer."""
    mean: float
    """Mean objective of the last eight: where the search looks."""


@dataclass(frozen=True)
class Answer:
    """The average of good points that the search recommends."""

    recipe: str
    """As YAML."""
    weights: Mapping[str, Mapping[str, float]]
    kind: str
    """How it was averaged, in words."""
    search: Score | None = None
    """On the search's own prompts and seeds; None before it was drawn."""
    confirmed: Score | None = None
    """On the search's prompts with fresh seeds."""
    previews: tuple[str, ...] = ()
    """As of a trial; empty before they are drawn."""


@dataclass(frozen=True)
class Result:
    """What validation says. Differences are paired: same tags, prompts and seeds."""

    tags: int
    pictures: int
    """Of the answer alone; tags and pictures that the search never saw."""
    search: Score
    """Of the answer, on the search's prompts."""
    validation: Score
    """Of the answer, on the validation's prompts."""
    optimism: float
    """How much more the answer gains over the best parent on the search's prompts than over the best on validation's."""
    best_parent: str
    """The one with the highest lift on validation, which need not be the one that was best on the search's prompts."""
    difference: Score
    """Answer less best parent on validation, tags resampled."""
    difference_by_prompt: Score
    """The same, prompts resampled: says whether it holds for other prompts of these same tags."""
    beats_best_parent: bool
    """``difference`` lies above 0 with its whole interval."""
    sentence: str
    """The outcome in one sentence; says when nothing beat the best parent."""


@dataclass(frozen=True)
class StudyStatus:
    """A study at one moment."""

    name: str
    phase: Phase
    running: bool
    """Some worker told of itself within the last minutes."""
    workers: tuple[str, ...]
    planned_trials: int
    finished_trials: int
    """Candidates that count: parents and search, without confirmation and validation."""
    pictures_planned: int
    """Of the whole study, at most: halving saves a part of them."""
    pictures_drawn: int
    eta_s: float | None
    """Seconds left at the pace so far; None before the first trial is finished."""
    parents: tuple[ParentLine, ...]
    trials: tuple[Trial, ...]
    """By number, then those that run."""
    convergence: tuple[Convergence, ...]
    importance: Mapping[str, float]
    """Group → share of what the weights explain of the score, 0…1, largest first; empty below 10 trials."""
    explained: float
    """Share of the scores' variance that this fit explains, 0…1; low: believe the importance little."""
    answer: Answer | None
    """None before anything was searched; after each trial it is taken anew."""
    result: Result | None
    """None before validation is over."""
    preview_prompts: tuple[str, ...]
    notes: tuple[str, ...]
    """Sentences: what the study cannot show, what was stopped early."""

    def as_dict(self) -> dict[str, object]:
        """Plain values for HTTP, page and report; a score is ``[value, low, high]``, NaN is None."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> object:
    if isinstance(value, Score):
        return value.as_list()
    if dataclasses.is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if value != value else round(value, 5)
    return value
