"""Searches everything that can be put into a prompt: tags, characters, artists, series, embeddings, LoRA.

Built by ``jobs.atelier``; the routes and the command line call it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tag_atelier.errors import RequestError
from tag_atelier.jobs.installed import LOOK_AGAIN_S, find_embeddings, network_names
from tag_atelier.jobs.prompts import Prompts
from tag_atelier.jobs.values import read_text, refuse_unknown
from tag_atelier.ports import PromptFiles
from tag_atelier.prompt.catalogue import Catalogue, TagEntry
from tag_atelier.prompt.characters import load_characters
from tag_atelier.prompt.explicit import is_explicit
from tag_atelier.prompt.labels import Label
from tag_atelier.prompt.search import search
from tag_atelier.prompt.slots import canonical
from tag_atelier.prompt.user_catalogue import UserCatalogue
from tag_atelier.settings import DEFAULTS, Options

KINDS = ("general", "character", "artist", "copyright", "embedding", "lora")
MOST_ENTRIES = 200
_LONGEST_QUERY = 200

_Ranked = tuple[int, int, str, dict[str, object]]


class PromptSearch:
    """One search over our catalogue, the user's own lists and the installed files."""

    def __init__(
        self,
        prompts: Prompts,
        files: PromptFiles = PromptFiles(),  # noqa: B008
        options: Callable[[], Options] = lambda: DEFAULTS,
    ) -> None:
        self._prompts, self._files, self._options = prompts, files, options

    def ask(self, query: Mapping[str, object]) -> dict[str, object]:
        """``find`` for the texts of a query: ``q``, ``limit``, and ``kinds`` with commas between them."""
        refuse_unknown(query, ("q", "limit", "kinds"), "The query")
        limit = read_text(query, "limit", "20")
        if not limit.isdecimal():
            raise RequestError("'limit' is '{limit}'; expected a number from 1 to {most}.", limit=limit[:40], most=MOST_ENTRIES)
        kinds = [kind.strip() for kind in read_text(query, "kinds", "").split(",") if kind.strip()]
        return self.find(read_text(query, "q"), int(limit[:6]), kinds or KINDS)

    def find(self, query: str, limit: int = 20, kinds: Sequence[str] = KINDS) -> dict[str, object]:
        """``{entries: […]}``: whole names first, then beginnings, words inside and other names; each by posts.

        Explicit tags are found by their whole name only, unless the setting offers them.

        Raises:
            RequestError: an unknown kind, or a limit out of range.
        """
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise RequestError("'kinds' names '{kind}'; expected any of {known}.", kind=unknown[0], known=", ".join(KINDS))
        if not 1 <= limit <= MOST_ENTRIES:
            raise RequestError("'limit' is {limit}; expected a number from 1 to {most}.", limit=limit, most=MOST_ENTRIES)
        query = query.strip()[:_LONGEST_QUERY]
        if not query:
            return {"entries": []}
        catalogue = self._prompts.catalogue
        best: dict[str, _Ranked] = {}
        for row in (*self._own(catalogue, query, limit, kinds), *self._labels(catalogue, query, limit, kinds),
                    *self._installed(query, kinds)):  # fmt: skip
            known = best.get(row[2])
            if known is None or row[:2] < known[:2]:
                best[row[2]] = row if known is None else (*row[:3], {**row[3], **known[3]})
        hidden = _hidden_of(catalogue)
        rows = [row for row in sorted(best.values(), key=lambda row: row[:3]) if row[2] not in hidden]
        entries = [row[3] for row in rows if row[0] == 0 or not self._hides(row[2], bool(row[3]["safe"]))]
        return {"entries": entries[:limit]}

    def _own(self, catalogue: Catalogue, query: str, limit: int, kinds: Sequence[str]) -> Iterator[_Ranked]:
        left = limit + len(_hidden_of(catalogue))
        for entry in search(catalogue, query, len(catalogue.entries)):
            kind = "general"
            if entry.slot == "character":
                kind = "copyright" if catalogue.is_series(entry.name) else "character"
            if kind in kinds:
                left -= not self._hides(entry.name, entry.safe)
                if left < 0:
                    break
                yield _grade(query, (entry.name, entry.zh)), -entry.posts, entry.name, _of_tag(entry, kind)
        for character in load_characters().rows if "character" in kinds else ():
            known = catalogue.get(character.name)
            if known is not None and any(query in name for name in character.zh[1:]):
                yield _grade(query, character.zh), -known.posts, known.name, _of_tag(known, "character")

    def _hides(self, name: str, safe: bool) -> bool:
        return bool(self._options().get("hide_sensitive", True)) and is_explicit(name, safe)

    def _labels(self, catalogue: Catalogue, query: str, limit: int, kinds: Sequence[str]) -> Iterator[_Ranked]:
        labels = self._prompts.labels
        for label in labels.search(query, kinds, limit + 20) if len(labels) else ():
            zh = labels.zh.get(label.name, "")
            entry = catalogue.get(label.name) or TagEntry(
                label.name, catalogue.slot(label.name).slot, zh, label.posts, "", True, True, False
            )
            shown = _of_tag(entry._replace(zh=entry.zh or zh), label.kind)
            yield _grade(query, (label.name, zh)), -label.posts, label.name, {**shown, "also": _also(label, query)}

    def _installed(self, query: str, kinds: Sequence[str]) -> Iterator[_Ranked]:
        needle = query.lower()
        names = (
            [("embedding", one.name) for one in find_embeddings(self._files.embeddings, LOOK_AGAIN_S)]
            if "embedding" in kinds
            else []
        )
        names += [("lora", name) for name in network_names(self._files.networks, LOOK_AGAIN_S)] if "lora" in kinds else []
        for kind, name in names:
            if needle in name.lower():
                insert = name if kind == "embedding" else f"<lora:{name}:1>"
                facts: dict[str, object] = {"tag": name, "zh": "", "slot": "unknown", "posts": 0, "also": [], "kind": kind}
                yield (
                    (1 if name.lower().startswith(needle) else 2),
                    0,
                    f"{kind}:{name}",
                    {**facts, "insert": insert, "safe": True},
                )


def _hidden_of(catalogue: Catalogue) -> frozenset[str]:
    """Tags that the user does not want to be offered."""
    return catalogue.hidden if isinstance(catalogue, UserCatalogue) else frozenset()


def _grade(query: str, names: Sequence[str]) -> int:
    """0 the whole name, 1 its beginning, 2 a word inside, 3 found by another name."""
    needles = (query, canonical(query))
    if any(needle in names for needle in needles):
        return 0
    if any(name.startswith(needle) for name in names if name for needle in needles):
        return 1
    return 2 if any(needle in name for name in names for needle in needles) else 3


def _of_tag(entry: TagEntry, kind: str) -> dict[str, object]:
    facts: dict[str, object] = {"tag": entry.name, "zh": entry.zh, "slot": entry.slot, "posts": entry.posts}
    return {**facts, "also": [], "kind": kind, "insert": entry.text, "safe": entry.safe}


def _also(label: Label, query: str) -> list[str]:
    """Other names that the query begins or is part of, else the first few."""
    needle = canonical(query)
    return [name for name in label.also if needle in name] or list(label.also[:3])
