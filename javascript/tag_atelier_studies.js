/* The sub-tab Search: the list of searches, the one that is looked at, and what can be done with it. Looks again with the
 * polling of jobs, so nothing is asked while nothing runs. */
"use strict";

var tagAtelierStudies = (function () {
    const { make, button, say, ask, askJson, find, type, redraw, watch, whenReady, whenShown, openReport } = tagAtelier;
    const LOOK_EVERY = 2000;
    const ROOMS = { bench: 1, merge: 2, search: 3 };
    /** Id of the search that is shown; empty: the newest will be. */
    let shown = "";
    let looked = 0;
    let told = "";
    /** Ids of the searches in the list. */
    let listed = new Set();

    function openRoom(name) {
        const tabs = find("#tag_atelier_tabs").querySelectorAll(":scope > .tab-nav button");
        if (tabs[ROOMS[name]]) tabs[ROOMS[name]].click();
    }

    function fail(error) {
        const place = find("#tag_atelier_search_result [class^=tag-atelier]") || find("#tag_atelier_search_result");
        if (!place) return;
        const sentence = make("div", "tag-atelier-problem", error.message);
        sentence.setAttribute("role", "alert");
        place.replaceWith(sentence);
    }

    // --- the list -----------------------------------------------------------------------------------------------

    async function showList() {
        const place = find("[data-tag-atelier-studies]");
        if (!place) return;
        const answer = await askJson("GET", "studies").catch(() => null);
        if (!answer) return;
        drawInstall(answer.ready);
        const empty = make("div", "tag-atelier-quiet", say("No searches yet. Choose models and a plan, look at what it will cost, then start."));
        redraw(place, answer.studies.length ? answer.studies.map(drawRow) : [empty]);
        listed = new Set(answer.studies.map((entry) => entry.id));
        const gone = !answer.studies.some((entry) => entry.id === shown);
        if (gone) shown = answer.studies.length ? answer.studies[0].id : "";
        showStudy();
    }

    function drawRow(entry) {
        const row = make("div", "tag-atelier-run");
        const count = entry.planned_trials ? " · " + say("{done} of {total}", { done: entry.finished_trials, total: entry.planned_trials }) : "";
        row.title = entry.sentence || entry.id;
        row.append(
            make("span", "tag-atelier-run-name", entry.name + count),
            make("span", "tag-atelier-badge tag-atelier-badge-" + entry.state, say(entry.state)),
            button(say("Look"), "", () => { shown = entry.id; showStudy(); }),
        );
        if (entry.state === "paused") row.append(button(say("Resume"), "", () => act(entry.id, "resume")));
        row.append(button(say("Delete"), "tag-atelier-stop", () => remove(entry)));
        return row;
    }

    async function remove(entry) {
        const question = say("Delete the search '{name}' for good ({size})?", { name: entry.name, size: tagAtelierFigures.size(entry.size_bytes) });
        if (!window.confirm(question)) return;
        if (shown === entry.id) shown = "";
        await ask("DELETE", "studies/" + entry.id).catch(fail);
        showList();
    }

    /** Where optuna is missing: one sentence and a button; nothing else where it is there. */
    function drawInstall(ready) {
        const place = find("[data-tag-atelier-optuna]");
        if (!place) return;
        const missing = say("A search needs the package optuna, which is not installed. Nothing that is installed already will be moved.");
        const parts = [make("div", "tag-atelier-warning", missing), button(say("Install optuna"), "", install)];
        place.replaceChildren(...(ready ? [] : parts));
    }

    async function install(event) {
        event.target.disabled = true;
        await askJson("POST", "studies/install", {}).then(watch, fail);
    }

    // --- one search ---------------------------------------------------------------------------------------------

    async function showStudy() {
        const place = find("[data-tag-atelier-study]");
        if (!place) return;
        looked = Date.now();
        const own = shown;
        const study = own ? await askJson("GET", "studies/" + own).catch((error) => ({ id: own, error: error.message })) : null;
        if (own !== shown) return;
        const state = JSON.stringify(study);
        if (state === told && place.firstChild) return;
        told = state;
        if (!study) place.replaceChildren();
        else if (study.error) place.replaceChildren(make("div", "tag-atelier-problem", study.error));
        else redraw(place, tagAtelierStudyView.draw(study, actions(study)));
    }

    function actions(study) {
        const parts = [];
        const add = (text, work, classes) => parts.push(button(text, classes || "", work));
        const works = ["queued", "running"].includes(study.state);
        if (works) add(say("Pause"), () => act(study.id, "pause"));
        if (study.state === "paused") add(say("Resume"), () => act(study.id, "resume"));
        if (study.answer && study.phase !== "done") add(say("End early"), () => act(study.id, "stop"), "tag-atelier-stop");
        if (study.answer) {
            add(say("Take best"), () => take(study.answer.recipe));
            add(say("Save as checkpoint…"), () => save(study));
            add(say("Apply to the loaded model"), () => act(study.id, "live"));
            add(say("Benchmark it"), () => benchmark(study));
        }
        add(say("Open the report"), () => openReport("studies/" + study.id + "/report.html"));
        return parts;
    }

    async function act(id, what, body) {
        try {
            await askJson("POST", "studies/" + id + "/" + what, body || {});
            shown = id;
            await watch();
        } catch (error) {
            fail(error);
        }
        showList();
    }

    function save(study) {
        const name = window.prompt(say("Name of the new checkpoint"), study.name);
        if (name) act(study.id, "save", { name: name });
    }

    function take(recipe) {
        openRoom("merge");
        tagAtelierMerges.useRecipe(recipe);
    }

    async function benchmark(study) {
        try {
            const plan = await askJson("GET", "studies/" + study.id + "/benchmark");
            openRoom("bench");
            type(find("#tag_atelier_bench_spec textarea"), plan.spec);
        } catch (error) {
            fail(error);
        }
    }

    // --- the page -----------------------------------------------------------------------------------------------

    /** Called with every answer about a job that the page follows. */
    function follow(job) {
        const id = job.kind === "study" && job.result ? job.result.study : "";
        if (!id || !["queued", "running"].includes(job.state)) return;
        if (Date.now() - looked < LOOK_EVERY && id === shown) return;
        shown = id;
        if (listed.has(id)) showStudy();
        else showList();
    }

    whenReady(() => {
        if (follow.listens) return;
        follow.listens = true;
        whenShown("[data-tag-atelier-studies]", () => { showList(); watch(); });
        document.addEventListener("tag-atelier-job", (event) => follow(event.detail));
        document.addEventListener("tag-atelier-job-over", (event) => { if (["study", "extra"].includes(event.detail.kind)) showList(); });
    });

    return { open: () => openRoom("search"), showList };
})();
