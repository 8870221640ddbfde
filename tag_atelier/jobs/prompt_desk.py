"""What helps to write a prompt: artist mixer, character helper, negative builder, the profile of a checkpoint.

Built by ``jobs.atelier``; the routes call it. Plain values in, plain values out.
"""

from __future__ import annotations

from collections.abc import Mapping

from tag_atelier.errors import RequestError, UnknownName
from tag_atelier.jobs.families import Families
from tag_atelier.jobs.installed import find_embeddings
from tag_atelier.jobs.prompts import Prompts, read_language
from tag_atelier.jobs.values import read_object, read_text, refuse_unknown
from tag_atelier.language import Language, sentence
from tag_atelier.ports import Host
from tag_atelier.prompt.artists import Artist, find_artists, mix
from tag_atelier.prompt.characters import Character, load_characters
from tag_atelier.prompt.findings import Said, say
from tag_atelier.prompt.negatives import Embedding, build_negative
from tag_atelier.prompt.profile import Profile
from tag_atelier.prompt.slots import canonical

NO_PRESET = "none"
"""As a preset: the embeddings alone."""
_SENTENCE_PROFILES = ("aidxl",)
_NO_CHARACTERS = ("aidxl-0.6",)


class PromptDesk:
    """The helpers beside the lanes."""

    def __init__(self, host: Host, prompts: Prompts, families: Families) -> None:
        self._host, self._prompts, self._families = host, prompts, families

    def artists(self, request: object) -> dict[str, object]:
        """``{artists?: [{name, weight?}], profile?, text?}`` → ``{text, artists}``; without ``artists`` only reads them."""
        values = read_object(request, "The request")
        refuse_unknown(values, ("artists", "profile", "text"), "The request")
        profile, text = self._profile(values), read_text(values, "text", "")
        given = values.get("artists")
        if given is not None:
            text = mix(text, _artists(given), profile, self._prompts.catalogue)
        found = find_artists(text, profile, self._prompts.catalogue)
        shown = [
            {"name": artist.name, "weight": artist.weight, "index": chip.index, "start": chip.start, "end": chip.end}
            for chip, artist in found
        ]
        return {"text": text, "artists": shown}

    def character(self, request: object) -> dict[str, object]:
        """``{name, profile?, costume?, form?}`` → both triggers, characteristics, clothes; see docs/http_api.md.

        Raises:
            UnknownName: nobody of this name is in our table or the user's lists.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, ("name", "profile", "costume", "form", "language"), "The request")
        form = read_text(values, "form", "tag")
        if form not in ("tag", "sentence"):
            raise RequestError("'form' is '{form}'; expected tag or sentence.", form=form)
        profile, character = self._profile(values), self._character(read_text(values, "name"))
        costume, clothes = self._costume(values.get("costume"))
        trigger = character.sentence_form if form == "sentence" else character.tag_form
        parts = [trigger, *character.features, *clothes]
        return {
            "name": character.name,
            "zh": list(character.zh),
            "series": character.series,
            "tag": character.tag_form,
            "sentence": character.sentence_form,
            "features": self._tags(character.features),
            "outfit": self._tags(character.outfit),
            "costume": costume,
            "text": ", ".join(dict.fromkeys(parts)),
            "note": _said(_note(profile, form), read_language(values)),
        }

    def negative(self, request: object) -> dict[str, object]:
        """``{profile?, preset?, embeddings?, text?}`` → ``{text, used, left, installed}``.

        ``embeddings``: names, or ``{name, base?}``; those that are installed are looked up. None given: none is used.
        ``preset``: one of the profile's, ``default`` for its first one, ``none`` for no words.
        """
        values = read_object(request, "The request")
        refuse_unknown(values, ("profile", "preset", "embeddings", "text", "language"), "The request")
        profile, preset, language = self._profile(values), read_text(values, "preset", "default"), read_language(values)
        preset = "" if preset == NO_PRESET else preset
        installed = {one.name: one for one in find_embeddings(self._host.prompt_files.embeddings)}
        wanted = _embeddings(values.get("embeddings") or [], installed)
        text, used, left = build_negative(read_text(values, "text", ""), profile, preset, wanted, self._prompts.catalogue)
        return {
            "text": text,
            "used": used,
            "left": [{"name": name, "why": _said(why, language)} for name, why in left],
            "installed": [one._asdict() for one in installed.values()],
            "presets": list(profile.negative),
        }

    def detected(self, query: Mapping[str, object]) -> dict[str, object]:
        """``{checkpoint?, language?}`` → ``{id, name, why, how, checkpoint}``; of what draws next where none is named.

        Raises:
            UnknownName: there is no such checkpoint.
        """
        refuse_unknown(query, ("checkpoint", "language"), "The query")
        checkpoint = read_text(query, "checkpoint", "")
        family = self._families.of(self._host.checkpoints.resolve(checkpoint)) if checkpoint else self._families.current()
        return {
            "id": family.profile_id,
            "name": self._prompts.profile(family.profile_id).name,
            "why": sentence(family.why, read_language(query)),
            "how": family.how,
            "checkpoint": family.checkpoint,
        }

    def settings(self, query: Mapping[str, object]) -> dict[str, object]:
        """``{profile?}`` → the profile's sampler, steps, CFG, sizes and clip skip, and the words it offers."""
        refuse_unknown(query, ("profile",), "The query")
        return self._profile(query).as_dict()

    def _profile(self, values: Mapping[str, object]) -> Profile:
        return self._prompts.profile(read_text(values, "profile", "aidxl"))

    def _character(self, name: str) -> Character:
        known = load_characters().get(name)
        if known is not None:
            return known
        entry = self._prompts.catalogue.get(name)
        if entry is None or entry.slot != "character" or self._prompts.catalogue.is_series(entry.name):
            raise UnknownName("character", name[:100], remedy="Write the tag as Danbooru does, or the Chinese name.")
        return Character(entry.name, "girl", (entry.zh,) if entry.zh else (), entry.broader, (), ())

    def _costume(self, given: object) -> tuple[str, list[str]]:
        """Tag of the costume, empty for plain clothes, and the clothes."""
        if given is None or given == "":
            return "", []
        if isinstance(given, list) and all(isinstance(tag, str) for tag in given):
            return "", [tag for tag in given if tag.strip()]
        if not isinstance(given, str):
            raise RequestError("'costume' is neither a character's name nor a list of tags; expected one of the two.")
        other = self._character(given)
        return other.costume_tag, list(other.outfit) or [other.costume_tag]

    def _tags(self, tags: tuple[str, ...]) -> list[dict[str, object]]:
        catalogue = self._prompts.catalogue
        known = [(tag, catalogue.get(tag)) for tag in tags]
        return [
            {"tag": canonical(tag), "insert": tag, "slot": catalogue.slot(tag).slot, "zh": entry.zh if entry else ""}
            for tag, entry in known
        ]


def _artists(given: object) -> list[Artist]:
    rows = given if isinstance(given, list) else None
    if rows is None or not all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows):
        raise RequestError('\'artists\' is no list of objects; expected for example [{"name": "ask", "weight": 0.9}].')
    artists = []
    for row in rows:
        weight = row.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            sentence = "The weight of '{name}' is {weight}; expected a number such as 0.9."
            raise RequestError(sentence, name=row["name"], weight=repr(weight)[:40])
        artists.append(Artist(row["name"], float(weight)))
    return artists


def _embeddings(given: object, installed: Mapping[str, Embedding]) -> list[Embedding]:
    if not isinstance(given, list):
        raise RequestError("'embeddings' is no list; expected names, or objects with name and base.")
    wanted = []
    for row in given:
        name = row.get("name") if isinstance(row, dict) else row
        base = row.get("base", "") if isinstance(row, dict) else ""
        if not isinstance(name, str) or not name.strip() or not isinstance(base, str):
            sentence = "'embeddings' holds {row}; expected a name, or an object with name and base."
            raise RequestError(sentence, row=repr(row)[:60])
        known = installed.get(name, Embedding(name))
        wanted.append(known._replace(base=base or known.base))
    return wanted


def _note(profile: Profile, form: str) -> Said | None:
    if profile.id in _NO_CHARACTERS:
        return say("{family} was trained on no characters; describe hair, eyes and clothes.", family=profile.name)
    if form == "sentence" and profile.id not in _SENTENCE_PROFILES:
        return say("{family} was trained on tags; the sentence form is known to AIDXL from 0.8 on.", family=profile.name)
    return None


def _said(said: Said | None, language: Language) -> str:
    return sentence(said.template, language, **said.values) if said is not None else ""
