"""Optuna's samplers by the names of ``study_spec.SAMPLERS``. Used by ``tune.study``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tag_atelier.errors import HostError
from tag_atelier.tune.schedule import REPLAYED
from tag_atelier.tune.space import Space
from tag_atelier.tune.study_spec import StudySpec

_FIRST = 8
"""Candidates drawn at random before a model of the scores is believed."""


def sampler_of(spec: StudySpec, space: Space) -> Callable[[], Any] | None:
    """Makes the sampler of a stage; None where candidates follow from the finished ones (``schedule``)."""
    return None if spec.sampler in REPLAYED else lambda: _sampler(spec, space)


def _sampler(spec: StudySpec, space: Space) -> Any:
    import optuna

    samplers = optuna.samplers
    if spec.sampler == "tpe":
        return samplers.TPESampler(seed=None, n_startup_trials=_FIRST, multivariate=True, constant_liar=True)
    if spec.sampler == "nsga2":
        return samplers.NSGAIISampler(population_size=_FIRST)
    try:
        return samplers.GPSampler(n_startup_trials=_FIRST)
    except ImportError as error:
        raise HostError("The sampler 'gp' needs the package 'scipy'; run: pip install scipy, or choose cma.") from error
