"""The table of routes under ``/tag-atelier/v1``: what each is called, does and answers with. ``api`` mounts it.

A handler translates between a request's path, query or body and one method of the atelier; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tag_atelier.errors import RequestError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.runs import run_names
from tag_atelier.jobs.values import LARGEST_BODY, read_text, refuse_unknown

LARGEST_PICTURE_BODY = 28_000_000
"""Bytes of a request that carries a picture in base64."""

Handler = Callable[[Atelier, Mapping[str, str], Mapping[str, object]], object]


@dataclass(frozen=True)
class Route:
    """One route: what it is called, what it does, what it answers with."""

    method: str
    path: str
    summary: str
    handler: Handler
    status: int = 200
    largest_body: int = LARGEST_BODY


def _arrange(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.arrange(body)


def _lint(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.lint(body)


def _slots(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    refuse_unknown(body, ("tags",), "The request")
    tags = body.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise RequestError("'tags' is not a list of strings; expected for example [\"white hair\"].")
    return {"slots": atelier.slots(tags)}


def _lanes(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.page.lanes(body)


def _edit(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.page.edit(body)


def _search(atelier: Atelier, _path: Mapping[str, str], query: Mapping[str, object]) -> object:
    return atelier.prompt_room.search.ask(query)


def _artists(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.desk.artists(body)


def _character(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.desk.character(body)


def _negative(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.desk.negative(body)


def _from_picture(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.picture.read(body)


def _memory(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.prompt_room.notes.show()


def _remember(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.notes.change(body)


def _styles(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.prompt_room.styles.list()


def _import_styles(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.styles.put_in(body)


def _export_style(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.prompt_room.styles.save(body)


def _profile(atelier: Atelier, _path: Mapping[str, str], query: Mapping[str, object]) -> object:
    return atelier.prompt_room.desk.detected(query)


def _settings(atelier: Atelier, _path: Mapping[str, str], query: Mapping[str, object]) -> object:
    return atelier.prompt_room.desk.settings(query)


def _diagnostics(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    from tag_atelier.jobs.diagnostics import diagnostics

    return diagnostics(atelier)


def _names(atelier: Atelier, _path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.names()


def _status(atelier: Atelier, _path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.status()


def _given(body: Mapping[str, object], key: str, known: tuple[str, ...]) -> object:
    refuse_unknown(body, known, "The request")
    if key not in body:
        raise RequestError("'{key}' is missing; expected an object with {known}.", key=key, known=" and ".join(known))
    return body[key]


def _plan_benchmark(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.plan_benchmark(_given(body, "spec", ("spec",)))


def _start_benchmark(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.start_benchmark(_given(body, "spec", ("spec",)))


def _check_merge(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.check_merge(_given(body, "recipe", ("recipe",)))


def _start_merge(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    recipe = _given(body, "recipe", ("recipe", "name"))
    return atelier.start_merge(recipe, read_text(body, "name"))


def _start_live(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.start_live_merge(_given(body, "recipe", ("recipe",)))


def _merges(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.merges.kept()


def _save_recipe(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.merges.save_recipe(_given(body, "recipe", ("recipe", "name")), read_text(body, "name"))


def _delete_recipe(atelier: Atelier, path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.merges.delete_recipe(path["name"])


def _restore(atelier: Atelier, _path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.restore_live()


def _jobs(atelier: Atelier, _path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return {"jobs": [job.as_dict() for job in atelier.runner.list()]}


def _job(atelier: Atelier, path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.job(path["job_id"])


def _cancel(atelier: Atelier, path: Mapping[str, str], _body: Mapping[str, object]) -> object:
    return atelier.runner.cancel(path["job_id"])


def _runs(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return {"runs": atelier.benchmarks.stored.listed()}


def _compare_runs(atelier: Atelier, _path: Mapping[str, str], query: Mapping[str, object]) -> object:
    return atelier.benchmarks.stored.compare(run_names(query.get("runs")))


def _delete_run(atelier: Atelier, path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.benchmarks.stored.delete(path["run_id"])


def _cells(atelier: Atelier, path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.benchmarks.stored.cells(path["run_id"])


def _verdicts(atelier: Atelier, path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.benchmarks.stored.verdicts(path["run_id"])


def _judge(atelier: Atelier, path: Mapping[str, str], body: Mapping[str, object]) -> object:
    refuse_unknown(body, ("verdicts", "schema"), "The request")
    return atelier.benchmarks.stored.add_verdicts(path["run_id"], body)


def _report(atelier: Atelier, path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.benchmarks.stored.report_file(path["run_id"], path["name"])


def _picture(atelier: Atelier, path: Mapping[str, str], size: str) -> object:
    return atelier.benchmarks.stored.picture_file(path["run_id"], path["name"], size)


def _taggers(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.taggers.list()


def _fetch_tagger(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.taggers.start_download(str(_given(body, "name", ("name",))))


def _studies(atelier: Atelier, _path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.studies.listed()


def _plan_study(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.studies.plan(_given(body, "study", ("study",)))


def _start_study(atelier: Atelier, _path: Mapping[str, str], body: Mapping[str, object]) -> object:
    return atelier.studies.start(_given(body, "study", ("study",)))


def _of_study(name: str) -> Handler:
    """A handler that calls the method ``name`` of the studies with a study's id and nothing else."""

    def handler(atelier: Atelier, path: Mapping[str, str], _given: Mapping[str, object]) -> object:
        return getattr(atelier.studies, name)(path["study_id"])

    return handler


def _save_study(atelier: Atelier, path: Mapping[str, str], body: Mapping[str, object]) -> object:
    refuse_unknown(body, ("name",), "The request")
    return atelier.studies.save(path["study_id"], read_text(body, "name"))


def _study_file(atelier: Atelier, path: Mapping[str, str], _query: Mapping[str, object]) -> object:
    return atelier.studies.file(path["study_id"], path["name"])


def _preview(atelier: Atelier, path: Mapping[str, str], size: str) -> object:
    return atelier.studies.shelf.picture(path["study_id"], path["name"], size)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/status", "Host, loaded checkpoint, live merge, running jobs", _status),
    Route("GET", "/diagnostics", "Versions, machine and last error, to be pasted into an issue", _diagnostics),
    Route("GET", "/names", "Checkpoints, profiles, taggers, methods and presets that can be named", _names),
    Route("POST", "/prompt/arrange", "Put a prompt into a family's tag order", _arrange),
    Route("POST", "/prompt/lint", "Say what in a prompt will not do what it looks like", _lint),
    Route("POST", "/prompt/slots", "The slot of each tag", _slots),
    Route("POST", "/prompt/lanes", "A prompt as chips in lanes, with all that is known of each", _lanes),
    Route("POST", "/prompt/edit", "One edit of a prompt, and its lanes afterwards", _edit),
    Route(
        "GET", "/prompt/search", "Tags, characters, artists, series, embeddings and LoRA by the beginning of a word", _search
    ),
    Route("POST", "/prompt/artists", "Artists of a prompt: read them, or write them in the family's form and place", _artists),
    Route("POST", "/prompt/character", "A character's triggers, characteristics and clothes", _character),
    Route("POST", "/prompt/negative", "A negative prompt with the embeddings that fit", _negative),
    Route(
        "POST",
        "/prompt/from_picture",
        "The prompt in a picture, or what the tagger sees",
        _from_picture,
        200,
        LARGEST_PICTURE_BODY,
    ),
    Route("GET", "/prompt/memory", "Corrections, favourites, history, pins, chips switched off", _memory),
    Route("POST", "/prompt/memory", "Change one of them", _remember),
    Route("GET", "/prompt/styles", "The WebUI's styles", _styles),
    Route("POST", "/prompt/styles/import", "Put styles into prompts", _import_styles),
    Route("POST", "/prompt/styles/export", "Add a style to the WebUI's styles", _export_style),
    Route("GET", "/prompt/profile", "The model family of a checkpoint", _profile),
    Route("GET", "/prompt/settings", "What a family's author advises", _settings),
    Route("POST", "/benchmarks/plan", "What a benchmark would draw", _plan_benchmark),
    Route("POST", "/benchmarks", "Start or take up a benchmark", _start_benchmark, 202),
    Route("GET", "/runs", "Stored benchmark runs", _runs),
    Route("GET", "/runs/compare", "Checkpoints of several runs on the tags they share", _compare_runs),
    Route("DELETE", "/runs/{run_id}", "Delete a run", _delete_run),
    Route("GET", "/runs/{run_id}/cells", "Where every picture of a run stands", _cells),
    Route("GET", "/runs/{run_id}/verdicts", "A run's pictures in the order in which to judge them", _verdicts),
    Route("POST", "/runs/{run_id}/verdicts", "Add verdicts by people", _judge),
    Route("GET", "/runs/{run_id}/{name}", "A report file of a run", _report),
    Route("GET", "/runs/{run_id}/images/{name}", "A full-size picture of a run", lambda a, p, _: _picture(a, p, "images")),
    Route("GET", "/runs/{run_id}/thumbs/{name}", "A small picture of a run", lambda a, p, _: _picture(a, p, "thumbs")),
    Route("GET", "/taggers", "Taggers that are here, and those that can be fetched", _taggers),
    Route("POST", "/taggers", "Fetch a tagger from the hub", _fetch_tagger, 202),
    Route("POST", "/merges/check", "Check a recipe against the headers of its files", _check_merge),
    Route("POST", "/merges", "Start merging to a new file", _start_merge, 202),
    Route("GET", "/merges", "Merges that were written, saved recipes, own block presets", _merges),
    Route("POST", "/recipes", "Save a recipe, where a WebUI has one as a virtual checkpoint", _save_recipe),
    Route("DELETE", "/recipes/{name}", "Delete a saved recipe", _delete_recipe),
    Route("POST", "/live", "Start merging into the loaded model", _start_live, 202),
    Route("DELETE", "/live", "Start restoring the loaded model", _restore, 202),
    Route("GET", "/studies", "Searches, and whether optuna is there", _studies),
    Route("POST", "/studies/plan", "What a search would cost and could show", _plan_study),
    Route("POST", "/studies", "Start or take up a search", _start_study, 202),
    Route("POST", "/studies/install", "Install optuna", lambda a, _p, _b: a.studies.install(), 202),
    Route("GET", "/studies/{study_id}", "All of a search: candidates, parents, answer, result", _of_study("status")),
    Route("POST", "/studies/{study_id}/resume", "Take up a search where it stopped", _of_study("resume"), 202),
    Route("POST", "/studies/{study_id}/pause", "Pause a search", _of_study("pause"), 202),
    Route("POST", "/studies/{study_id}/stop", "End a search early and validate its answer", _of_study("stop"), 202),
    Route("GET", "/studies/{study_id}/best", "The recipe of a search's answer", _of_study("best")),
    Route("GET", "/studies/{study_id}/benchmark", "A benchmark of the saved answer and its parents", _of_study("benchmark")),
    Route("POST", "/studies/{study_id}/save", "Start writing the answer as a checkpoint", _save_study, 202),
    Route("POST", "/studies/{study_id}/live", "Start merging the answer into the loaded model", _of_study("live"), 202),
    Route("DELETE", "/studies/{study_id}", "Delete a search", _of_study("delete")),
    Route("GET", "/studies/{study_id}/{name}", "A report or recipe file of a search", _study_file),
    Route("GET", "/studies/{study_id}/previews/{name}", "A preview", lambda a, p, _: _preview(a, p, "previews")),
    Route("GET", "/studies/{study_id}/thumbs/{name}", "A small preview", lambda a, p, _: _preview(a, p, "thumbs")),
    Route("GET", "/jobs", "All remembered jobs", _jobs),
    Route("GET", "/jobs/{job_id}", "Progress and result of a job", _job),
    Route("POST", "/jobs/{job_id}/cancel", "Ask a job to stop", _cancel),
)
