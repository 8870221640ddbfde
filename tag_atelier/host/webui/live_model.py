"""The loaded model's weights: changed in place, put back bit for bit. Callers hold ``Host.exclusive`` or a running job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modules import devices, sd_models
from modules.processing import StableDiffusionProcessing, StableDiffusionProcessingTxt2Img

from tag_atelier.errors import HostError
from tag_atelier.host.webui import networks
from tag_atelier.host.webui.changeable import check_changeable
from tag_atelier.host.webui.checkpoints import from_info
from tag_atelier.host.webui.features import is_forge
from tag_atelier.host.webui.weights import Target, is_text_encoder, targets
from tag_atelier.ports import Checkpoint, Values

if TYPE_CHECKING:
    import torch

VAE_PREFIX = "first_stage_model."

_CACHES = (
    (StableDiffusionProcessing, "cached_c"),
    (StableDiffusionProcessing, "cached_uc"),
    (StableDiffusionProcessingTxt2Img, "cached_hr_c"),
    (StableDiffusionProcessingTxt2Img, "cached_hr_uc"),
)


def forget_conditionings() -> None:
    """Empty the conditioning caches: their key holds the prompt and the checkpoint, not the weights.

    In place, since every processing object points at the same lists (A1111 modules/processing.py:188, 251).
    """
    for owner, name in _CACHES:
        cache = getattr(owner, name)
        cache[:] = [None] * len(cache)


class WebuiLiveModel:
    """Implements ``ports.LiveModel``."""

    def __init__(self) -> None:
        self.version = 0
        self._originals: dict[str, list[torch.Tensor]] = {}
        self._model: Any = None
        """The model object that was changed, None when none is; another one may be loaded by now."""
        self._filename = ""
        self._vae_file: Any = None
        """The separate VAE file whose tensors ``_originals`` holds under the VAE's keys; None: the checkpoint's own."""
        self._empty_prompt: Any = None

    def checkpoint(self) -> Checkpoint:
        """What is loaded; loads it first on Forge, where nothing is before the first job."""
        info = _loaded_model().sd_checkpoint_info
        self.settle()
        return from_info(info)

    def keys(self) -> Sequence[str]:
        """Checkpoint names of all parameters."""
        return list(targets(_loaded_model()))

    @property
    def dirty(self) -> bool:
        """True from the first overwrite to the restore."""
        return bool(self._originals)

    def overwrite(self, tensors: Iterable[tuple[str, torch.Tensor | Values]]) -> None:
        """See ``ports.LiveModel.overwrite``."""
        import torch

        self.settle()
        model = _loaded_model()
        check_changeable(model)
        self.version += 1
        if self._model is None:
            self._remember(model)
        with torch.inference_mode():
            try:
                networks.take_out(model)
                found = targets(model)
                for key, tensor in tensors:
                    if key not in found:
                        raise HostError(
                            "The loaded model has no tensor '{key}'; expected one of the checkpoint's names.", key=key
                        )
                    self._change(key, found[key], tensor)
                if any(map(is_text_encoder, self._originals)):
                    _renew_empty_prompt(model)
            except BaseException:
                self._put_back()
                raise
        forget_conditionings()

    def restore(self, keys: Collection[str] | None = None) -> None:
        """See ``ports.LiveModel.restore``."""
        self.settle()
        if self._model is None:
            return
        if keys is None or set(self._originals) <= set(keys):
            self._put_back()
            return
        text_encoder = any(map(is_text_encoder, keys))
        self._copy_back(set(keys))
        if text_encoder:
            _renew_empty_prompt(self._model)
        self.version += 1
        forget_conditionings()

    def settle(self) -> None:
        """Notice that the WebUI switched models: its new weights are not ours to restore, the old model's are.

        Called when a model was loaded and at the start of every job, so that nothing stays changed for long.
        """
        if self._model is None:
            return
        current = sd_models.model_data.sd_model
        if current is not self._model and not _is_kept(self._model):
            self._drop()
        elif current is not self._model:
            self._put_back()
        elif current.sd_checkpoint_info.filename != self._filename:
            self._drop()

    def reloaded(self) -> None:
        """A model was loaded, or only another VAE: the WebUI calls it the same (A1111 modules/sd_vae.py:280)."""
        self.settle()
        if self._model is not None and self._is_original():
            self._drop()

    def _is_original(self) -> bool:
        """Whether the changed model was read from its file again, so that nothing of ours is in it any more."""
        import torch

        with torch.inference_mode():
            return all(torch.equal(place.tensor.cpu(), original) for place, original in self._places())

    def _places(self, keys: Collection[str] | None = None) -> Iterator[tuple[Target, torch.Tensor]]:
        """Originals with the places where they belong now; none for what the WebUI has thrown away meanwhile."""
        found, other_vae = targets(self._model), _vae_file(self._model) != self._vae_file
        for key, originals in self._originals.items():
            if keys is not None and key not in keys:
                continue
            in_file = other_vae and key.startswith(VAE_PREFIX)
            places = self._kept_vae(key) if in_file else found.get(key, [])
            yield from zip(places, originals, strict=False)

    def _remember(self, model: Any) -> None:
        self._model, self._filename = model, model.sd_checkpoint_info.filename
        self._vae_file = _vae_file(model)
        self._empty_prompt = getattr(model, "cond_stage_model_empty_prompt", None)

    def _change(self, key: str, places: list[Target], tensor: torch.Tensor | Values) -> None:
        import torch

        direct = not isinstance(tensor, torch.Tensor) and all(place.takes(tensor) for place in places)
        if not direct and not isinstance(tensor, torch.Tensor):
            values, device = tensor, places[0].tensor.device
            tensor = torch.empty(values.shape, dtype=values.dtype, device="cpu" if device.type == "meta" else device)
            values.fill(tensor)
        parts = [] if direct else [place.part(tensor) for place in places]
        for part, place in zip(parts, places, strict=False):
            if part.shape != place.tensor.shape:
                raise HostError(
                    "'{key}' is {shape}; the loaded model has {expected}.",
                    key=key,
                    shape=tuple(part.shape),
                    expected=tuple(place.tensor.shape),
                )
        if key not in self._originals:
            self._originals[key] = [place.tensor.detach().to("cpu", copy=True) for place in places]
        for i, place in enumerate(places):
            if direct:
                tensor.fill(place.tensor)  # type: ignore[union-attr]
            else:
                place.tensor.copy_(parts[i])

    def _copy_back(self, keys: Collection[str] | None = None) -> None:
        """Copy originals back. A model that the WebUI has thrown away meanwhile has nothing to be put back into."""
        import torch

        with torch.inference_mode():
            networks.take_out(self._model)
            for place, original in self._places(keys):
                if not place.tensor.is_meta:
                    place.tensor.copy_(original)
        for key in list(self._originals if keys is None else keys):
            self._originals.pop(key, None)

    def _put_back(self) -> None:
        """Copy every original back and forget the model."""
        model = self._model
        self._copy_back()
        if self._empty_prompt is not None:
            model.cond_stage_model_empty_prompt = self._empty_prompt
        self._drop()

    def _kept_vae(self, key: str) -> list[Target]:
        """Where A1111 keeps the checkpoint's own VAE while a VAE file stands in for it (modules/sd_vae.py:45-50)."""
        kept = getattr(self._model, "base_vae", None)
        if kept is None or self._vae_file is not None:
            return []
        return [Target(kept[key[len(VAE_PREFIX) :]])]

    def _drop(self) -> None:
        self.version += 1
        self._originals.clear()
        self._model = self._empty_prompt = self._vae_file = None
        forget_conditionings()


def _renew_empty_prompt(model: Any) -> None:
    """A1111 pads with the empty prompt's conditioning, which it computes at load only (modules/sd_models.py:868-869)."""
    import torch

    if not is_forge():
        with devices.autocast(), torch.no_grad():
            model.cond_stage_model_empty_prompt = sd_models.get_empty_cond(model)


def _vae_file(model: Any) -> Any:
    """The VAE file loaded in place of the checkpoint's own (A1111 modules/sd_vae.py:234); always None on Forge."""
    return getattr(model, "loaded_vae_file", None)


def _is_kept(model: Any) -> bool:
    """Whether the WebUI keeps it in memory beside the loaded one; Forge keeps one model, reForge tears the others apart."""
    return any(kept is model for kept in getattr(sd_models.model_data, "loaded_sd_models", ()))


def _loaded_model() -> Any:
    if is_forge():
        sd_models.forge_model_reload()
    model = sd_models.model_data.sd_model
    if model is None or getattr(model, "sd_checkpoint_info", None) is None:
        raise HostError("No model is loaded; choose a checkpoint in the WebUI first.")
    return model
