"""The loaded model's weights: changed in place, put back bit for bit. Callers hold ``Host.exclusive``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import torch

from tag_atelier.errors import HostError
from tag_atelier.host.embedded.catalogue import EmbeddedCheckpoints
from tag_atelier.host.embedded.model import LoadedModel
from tag_atelier.ports import Checkpoint, Values


class EmbeddedLiveModel:
    """Implements ``ports.LiveModel``. There are no networks and no cached conditionings to forget here.

    The originals are kept with the loaded model, so that they go when another one is loaded.
    """

    def __init__(self, checkpoints: EmbeddedCheckpoints) -> None:
        self._checkpoints = checkpoints
        self._changes = 0
        self._seen: LoadedModel | None = None

    def checkpoint(self) -> Checkpoint:
        """What is loaded."""
        return self._loaded().checkpoint

    def keys(self) -> Sequence[str]:
        """Checkpoint names of all parameters."""
        return list(self._loaded().targets)

    @property
    def dirty(self) -> bool:
        """True from the first overwrite to the restore or to another load."""
        model = self._checkpoints.model
        return model is not None and bool(model.originals)

    @property
    def version(self) -> int:
        """See ``ports.LiveModel.version``; another model in memory is a change too."""
        if self._seen is not self._checkpoints.model:
            self._seen, self._changes = self._checkpoints.model, self._changes + 1
        return self._changes

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        """See ``ports.LiveModel.overwrite``."""
        model = self._loaded()
        self._changes += 1
        try:
            with torch.no_grad():
                for key, tensor in tensors:
                    _change(model, key, tensor)
        except BaseException:
            self.restore()
            raise

    def restore(self, keys: Collection[str] | None = None) -> None:
        """See ``ports.LiveModel.restore``."""
        model = self._checkpoints.model
        if model is None or not model.originals:
            return
        self._changes += 1
        with torch.no_grad():
            for key in [key for key in model.originals if keys is None or key in keys]:
                for target, original in zip(model.targets[key], model.originals.pop(key), strict=True):
                    target.parameter.copy_(original)

    def _loaded(self) -> LoadedModel:
        if self._checkpoints.model is None:
            raise HostError("No model is loaded; load a checkpoint first.")
        return self._checkpoints.model


def _change(model: LoadedModel, key: str, tensor: torch.Tensor | Values) -> None:
    places = model.targets.get(key)
    if places is None:
        raise HostError("The loaded model has no tensor '{key}'; expected one of the checkpoint's names.", key=key)
    if tuple(tensor.shape) != model.shapes[key]:
        raise HostError(
            "'{key}' is {shape}; the loaded checkpoint has {expected}.",
            key=key,
            shape=tuple(tensor.shape),
            expected=model.shapes[key],
        )
    if key not in model.originals:
        model.originals[key] = [place.parameter.detach().to("cpu", copy=True) for place in places]
    if not isinstance(tensor, torch.Tensor):
        values, first = tensor, places[0].parameter
        if len(places) == 1 and first.dtype == values.dtype and tuple(first.shape) == values.shape and first.is_contiguous():
            values.fill(first)
            return
        tensor = torch.empty(values.shape, dtype=values.dtype, device=first.device)
        values.fill(tensor)
    for place in places:
        place.parameter.copy_(place.fit(tensor))
