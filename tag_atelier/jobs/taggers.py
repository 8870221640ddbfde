"""The taggers of this machine and those that can be fetched, when and only when somebody asks. Used by ``jobs.atelier``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tag_atelier.errors import UnknownName, Unsupported
from tag_atelier.jobs.runner import Job, JobRunner
from tag_atelier.ports import Host, Progress
from tag_atelier.settings import Options


class Taggers:
    """Lists taggers and fetches them as jobs."""

    def __init__(self, host: Host, runner: JobRunner, options: Callable[[], Options]) -> None:
        self._host, self._runner, self._options = host, runner, options

    def list(self) -> dict[str, object]:
        """What is here and what can be fetched; asks nothing of the network.

        ``here``: name, and for those we fetched where from and SHA-256. ``known``: those that can be fetched, with their rough
        size; ``suggested``, one of their names; ``source``, the hub or mirror they come from; ``folder``, where they go
        (empty: this host has none).
        """
        from tag_atelier.tagger.download import HUB_TAGGERS, SUGGESTED, recorded, source
        from tag_atelier.tagger.files import find_all

        here = find_all(self._host.tagger_folders)
        known = [
            {"name": name, "repository": tagger.repository, "threshold": tagger.threshold, "size_mb": tagger.size_mb}
            for name, tagger in HUB_TAGGERS.items()
        ]
        return {
            "here": [{"name": found.name, **recorded(found.model.parent)} for found in here],
            "known": known,
            "suggested": SUGGESTED,
            "source": source(self._mirror()),
            "folder": str(self._folder() or ""),
        }

    def _mirror(self) -> str:
        return str(self._options().get("hub_mirror", ""))

    def _folder(self) -> Path | None:
        """The last of the host's tagger folders: without a WebUI the first one may be the user's or the extension's own."""
        folders = self._host.tagger_folders
        return Path(folders[-1]) if folders else None

    def start_download(self, name: str) -> Job:
        """Fetch a known tagger into the last of the host's tagger folders.

        Raises:
            UnknownName: no tagger of that name is known.
            Unsupported: this host has no folder for taggers.
        """
        from tag_atelier.tagger.download import HUB_TAGGERS

        if name not in HUB_TAGGERS:
            raise UnknownName("tagger", name, list(HUB_TAGGERS))
        folder = self._folder()
        if folder is None:
            raise Unsupported("This host has no folder for taggers; name one with --tagger.")
        return self._runner.start("tagger", name, lambda progress: self._fetch(name, folder, progress))

    def _fetch(self, name: str, folder: Path, progress: Progress) -> Mapping[str, object]:
        from tag_atelier.tagger.download import download, recorded

        target = download(name, folder, progress, mirror=self._mirror())
        return {"tagger": name, **recorded(target)}
