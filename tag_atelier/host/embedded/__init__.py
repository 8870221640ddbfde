"""A host of our own, without a WebUI: diffusers on a folder of checkpoints, CUDA when there is one, else the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tag_atelier.ports import Host


def build(checkpoint_folder: Path, data_folder: Path, tagger_folders: Sequence[Path] = (), device: str | None = None) -> Host:
    """The embedded host's ports. ``device`` is torch's name ("cpu", "cuda:0"); None takes the GPU when there is one.

    Loads torch and diffusers, but no checkpoint.
    """
    import torch

    from tag_atelier.host.embedded.activity import Activity
    from tag_atelier.host.embedded.catalogue import EmbeddedCheckpoints
    from tag_atelier.host.embedded.live_model import EmbeddedLiveModel
    from tag_atelier.host.embedded.sampler import EmbeddedSampler, check_parameters

    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    checkpoints = EmbeddedCheckpoints(checkpoint_folder, data_folder, chosen)
    activity = Activity()
    return Host(
        name="embedded",
        sampler=EmbeddedSampler(checkpoints, data_folder, activity),
        checkpoints=checkpoints,
        data_folder=data_folder,
        tagger_folders=tuple(tagger_folders),
        live_model=EmbeddedLiveModel(checkpoints),
        exclusive=activity.exclusive,
        interrupt=activity.interrupt,
        check_parameters=check_parameters,
    )
