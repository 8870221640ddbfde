"""The one error tree. Every room raises these; doors turn them into one sentence and a status.

::

    TagAtelierError                 400  anything a person can put right
    ├── RequestError                422  malformed JSON, unknown argument, value out of range
    ├── UnknownName                 404  a tag, profile, checkpoint, method, block, preset or job that is not there
    ├── PromptError                 422  a prompt that cannot be read the way it was asked for
    ├── SpecError                   422  a benchmark plan that cannot be run
    ├── RecipeError                 422  a merge recipe that cannot be carried out
    ├── CheckpointError             422  a checkpoint file that is truncated, pickled or of another architecture
    ├── TaggerError                 424  the tagger is missing or does not look like one
    ├── HostError                   502  the host refused or failed
    │   └── Unsupported             422  this host never can do that; another one may
    ├── Busy                        409  another job holds the model
    └── Cancelled                   499  somebody pressed stop; not a failure

A message is one sentence: what was found, what was expected, what to do. It is given as an English template and the values
of its fields, so that a door can say it in the reader's language::

    raise RecipeError("The recipe gives '{twice}' twice; give it once.", twice=name)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

_SHOWN, _COMPARED = 8, 2000
"""Names that an error lists, and among how many it looks for the nearest."""


class Said(str):
    """An English sentence that remembers what was filled into it, so that ``language`` can say it in another one.

    What was filled in may be ``Said`` too.
    """

    template: str
    values: dict[str, object]


def say(template: str, **values: object) -> Said:
    """``template`` with its fields filled in.

    >>> say("'{tag}' stands here twice.", tag="hat")
    "'hat' stands here twice."
    """
    said = Said(template.format(**values) if values else template)
    said.template, said.values = template, values
    return said


def say_all(parts: Sequence[str], between: str = ", ") -> str:
    """A handful of ``parts``, some of them ``Said``, with ``between`` between them, as other languages have it.

    >>> say_all([say("a VAE"), "b"], " or ")
    'a VAE or b'
    """
    template = f"{{one}}{between}{{other}}"
    return reduce(lambda one, other: say(template, one=one, other=other), parts) if parts else ""


class TagAtelierError(Exception):
    """Base of all errors that a person can put right; ``str(error)`` is the sentence to show."""

    status = 400
    """HTTP status that the API answers with."""

    def __init__(self, template: str, **values: object) -> None:
        """``template`` is English with ``{field}`` for each of ``values`` (none: it is taken as it is), or already ``Said``."""
        self.said = template if isinstance(template, Said) else say(template, **values)
        super().__init__(self.said)

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take other arguments than the sentence that Exception would hand back to them.
        return _revive, (type(self), self.__dict__)


def _revive(kind: type[TagAtelierError], state: dict[str, object]) -> TagAtelierError:
    error = kind.__new__(kind, state["said"])
    error.__dict__.update(state)
    return error


class RequestError(TagAtelierError):
    """Malformed JSON, an unknown argument, or a value out of range."""

    status = 422


class UnknownName(TagAtelierError):
    """A name that was looked up and is not there."""

    status = 404

    def __init__(self, kind: str, name: str, known: Sequence[str] = (), remedy: str = "", **values: object) -> None:
        """``kind`` is a singular noun ("checkpoint"); of many known names eight are listed, the nearest first.

        A kind's sentence is translated as a whole, as ``"Unknown checkpoint '{name}'; {expected}."``; it may have fields of
        its own ("block of {architecture}"), which ``values`` fill in. ``remedy`` is a sentence without fields, or ``Said``.
        """
        unknown = say(f"Unknown {kind} '{{name}}'; {{expected}}.", name=name, expected=_expected(name, known), **values)
        told = remedy if isinstance(remedy, Said) else say(remedy)
        super().__init__(say("{unknown} {remedy}", unknown=unknown, remedy=told) if remedy else unknown)
        self.kind, self.name = kind, name


def _expected(name: str, known: Sequence[str]) -> Said:
    if not known:
        return say("there is none of that name")
    if len(known) <= _SHOWN:
        return say("expected one of: {names}", names=", ".join(known))
    names = ", ".join(_nearest(name, known))
    return say("expected one of: {names}, … ({count} in all)", names=names, count=len(known))


def _nearest(name: str, known: Sequence[str]) -> list[str]:
    """``_SHOWN`` of ``known``: those that are spelled much like ``name``, the nearest first, then the first of the others."""
    from difflib import get_close_matches

    by_form = {each.casefold(): each for each in known[:_COMPARED]}
    near = [by_form[form] for form in get_close_matches(name.casefold()[:60], by_form, n=_SHOWN)]
    return [*near, *(each for each in known[: 2 * _SHOWN] if each not in near)][:_SHOWN]


class PromptError(TagAtelierError):
    """A prompt that cannot be read the way it was asked for."""

    status = 422


class SpecError(TagAtelierError):
    """A benchmark plan that cannot be run."""

    status = 422


class RecipeError(TagAtelierError):
    """A merge recipe that cannot be carried out."""

    status = 422


class CheckpointError(TagAtelierError):
    """A checkpoint file that is truncated, pickled, or of another architecture."""

    status = 422


class TaggerError(TagAtelierError):
    """The tagger is missing, or its files do not look like a tagger's."""

    status = 424


class HostError(TagAtelierError):
    """The host refused or failed."""

    status = 502


class Unsupported(HostError):
    """This host is not made for what was asked; asking again will not help."""

    status = 422


class Busy(TagAtelierError):
    """Another job holds the model."""

    status = 409


class Cancelled(TagAtelierError):
    """Somebody pressed stop. Not a failure: what is stored stays stored."""

    status = 499
