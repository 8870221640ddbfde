/* Tag Atelier in the page: what Python cannot do from there. Everything hangs on one global object.
 * Long work is followed by asking /tag-atelier/v1/jobs, which works on every gradio; the prompt boxes are written the way
 * a person types, so that Ctrl+Z takes it back. Ids are those of tag_atelier/ui/ids.py. */
"use strict";

var tagAtelier = (function () {
    const SECOND = 1000;
    const FOLLOW_EVERY = 0.7 * SECOND;
    const PREFIX = "tag_atelier_";
    const earlier = {};
    const followed = new Map();
    /** Ids of the finished jobs whose outcome the page shows; null until it has looked for the first time. */
    let finished = null;
    const shown = new Map();

    const page = () => (typeof gradioApp === "function" ? gradioApp() : document);
    const find = (selector) => page().querySelector(selector);
    const findAll = (selector) => Array.from(page().querySelectorAll(selector));
    const element = (name) => find("#" + PREFIX + name);
    const visible = (node) => Boolean(node && node.offsetParent !== null);

    // --- words and requests -------------------------------------------------------------------------------------

    function readData(name) {
        const holder = find("[data-tag-atelier-" + name + "]");
        if (!holder) return {};
        return JSON.parse(holder.getAttribute("data-tag-atelier-" + name) || "{}");
    }

    let table = null;
    function say(english, values) {
        if (!table || !Object.keys(table).length) table = readData("words");
        const own = table[english] === english ? undefined : table[english];
        const known = own || (window.localization || {})[english] || english;
        return known.replace(/\{(\w+)\}/g, (whole, key) => (values && key in values ? String(values[key]) : whole));
    }

    function route(path) {
        const folder = window.location.pathname.replace(/\/?$/, "/");
        return folder + "tag-atelier/v1/" + path;
    }

    async function ask(method, path, body) {
        const own = readData("page");
        const headers = { "X-Tag-Atelier": own.token || "1", "Accept-Language": own.language || "en" };
        const options = { method: method, credentials: "same-origin", headers: headers };
        if (body !== undefined) {
            options.headers["Content-Type"] = "application/json";
            options.body = JSON.stringify(body);
        }
        const answer = await fetch(route(path), options);
        if (answer.ok) return answer;
        const told = await answer.json().catch(() => ({}));
        throw new Error(told.detail || answer.status + " " + answer.statusText);
    }

    const askJson = async (method, path, body) => (await ask(method, path, body)).json();

    function make(tag, classes, text) {
        const node = document.createElement(tag);
        node.className = classes || "";
        if (text !== undefined) node.textContent = text;
        return node;
    }

    function button(text, classes, action) {
        const node = make("button", "tag-atelier-button " + (classes || ""), text);
        node.type = "button";
        node.addEventListener("click", action);
        return node;
    }

    // --- prompt boxes -------------------------------------------------------------------------------------------

    const promptBox = (tab) => find("#" + tab + "_prompt textarea");

    function readPrompt(tab) {
        const box = promptBox(tab);
        return box ? box.value : "";
    }

    /** Types `text` into `box`: the browser's own undo knows it, and gradio hears the input event. */
    function type(box, text) {
        box.focus({ preventScroll: true });
        box.select();
        const typed = document.execCommand(text ? "insertText" : "delete", false, text);
        if (typed && box.value === text) return;
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
        box.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function writePrompt(tab, text) {
        const box = promptBox(tab);
        if (!box || !text || box.value === text) return;
        earlier[tab] = box.value;
        type(box, text);
    }

    function undo(tab) {
        const box = promptBox(tab);
        if (!box || earlier[tab] === undefined) return;
        type(box, earlier[tab]);
        delete earlier[tab];
    }

    /** Puts `text` into the WebUI's own txt2img page and shows it. */
    function sendToTxt2img(text, negative) {
        const box = find((negative ? "#txt2img_neg_prompt" : "#txt2img_prompt") + " textarea");
        if (!box || !text) return;
        if (typeof switch_to_txt2img === "function") switch_to_txt2img();
        type(box, text);
    }

    // --- jobs ---------------------------------------------------------------------------------------------------

    const over = (job) => ["done", "failed", "cancelled"].includes(job.state);
    /** What is stopped of these is taken up again where it stopped. */
    const goesOn = (job) => ["study", "benchmark"].includes(job.kind);
    const ending = (job) => say(goesOn(job) ? "Pausing…" : "Cancelling…");

    /** Where a job of this kind is shown; the kinds are those of tag_atelier/jobs. */
    function cardsOf(kind) {
        return findAll("[data-tag-atelier-jobs]").filter((node) => node.getAttribute("data-tag-atelier-jobs").split(" ").includes(kind));
    }

    function timeLeft(seconds) {
        if (seconds === null || seconds === undefined) return "";
        if (seconds < 90) return say("{seconds} s left", { seconds: Math.ceil(seconds) });
        return say("{minutes} min left", { minutes: Math.round(seconds / 60) });
    }

    /** Merges count bytes, everything else counts pieces. */
    function countOf(job) {
        if (!job.total) return "";
        const bytes = ["merge", "live", "tagger"].includes(job.kind);
        const shown = (count) => (bytes ? (count / 1e6).toFixed(count < 1e7 ? 1 : 0) + " MB" : String(count));
        return say("{done} of {total}", { done: shown(job.done), total: shown(job.total) });
    }

    function drawJob(job) {
        const card = make("div", "tag-atelier-job tag-atelier-job-" + job.state);
        card.dataset.job = job.id;
        const head = card.appendChild(make("div", "tag-atelier-job-head"));
        head.appendChild(make("strong", "", job.title || job.kind));
        head.appendChild(make("span", "tag-atelier-badge tag-atelier-badge-" + job.state, say(goesOn(job) && job.state === "cancelled" ? "paused" : job.state)));
        const bar = card.appendChild(make("div", "tag-atelier-bar"));
        const share = job.state === "done" ? 1 : job.total ? Math.min(1, job.done / job.total) : 0;
        bar.appendChild(make("div", "tag-atelier-bar-fill")).style.width = (100 * share).toFixed(1) + "%";
        const parts = [countOf(job), job.state === "done" ? "" : job.text, timeLeft(job.eta_s)].filter(Boolean);
        card.appendChild(make("div", "tag-atelier-job-text", parts.join(" · ")));
        if (job.error) card.appendChild(make("div", goesOn(job) && job.state === "cancelled" ? "tag-atelier-quiet" : "tag-atelier-problem", say(job.error)));
        card.appendChild(drawJobButtons(job));
        return card;
    }

    function benchmarkButton(names) {
        const made = button(say("Benchmark this merge"), "tag-atelier-benchmark", () => tagAtelierHandover.checkpoints(names));
        made.title = say("Puts the merge and its models into the benchmark's plan and goes there.");
        return made;
    }

    function drawJobButtons(job) {
        const row = make("div", "tag-atelier-job-buttons");
        const result = job.result || {};
        const end = say(goesOn(job) ? "Pause" : "Cancel");
        if (!over(job)) row.appendChild(button(end, "tag-atelier-stop", (event) => cancel(job, event.target)));
        const folder = result.run ? "runs/" + result.run : "studies/" + result.study;
        if (result.report) row.appendChild(button(say("Open the report"), "", () => openReport(folder + "/" + result.report)));
        if (job.kind === "benchmark" && job.state === "cancelled" && result.run) {
            row.appendChild(button(say("Resume"), "", () => resume({ id: result.run })));
        }
        if (result.file) row.appendChild(make("span", "tag-atelier-quiet", say("Written: {path}", { path: result.file })));
        if (job.kind === "merge" && job.state === "done" && result.format === "safetensors") {
            row.appendChild(benchmarkButton([...(result.models || []), result.name]));
        }
        (result.replaced || []).forEach((each) => {
            const why = each.template ? say(each.template, each.values) : each.why;
            const line = make("span", "tag-atelier-warning", say("{count} tensors are A's own: {why}.", { count: each.count, why: why }));
            line.title = each.keys.join("\n");
            row.appendChild(line);
        });
        return row;
    }

    async function cancel(job, pressed) {
        pressed.disabled = true;
        pressed.textContent = ending(job);
        await ask("POST", "jobs/" + job.id + "/cancel", {}).catch(() => undefined);
        follow(job);
    }

    function showJob(job) {
        const state = JSON.stringify(job);
        for (const place of cardsOf(job.kind)) {
            if (shown.get(place) === state && place.firstChild) continue;
            const cancelling = place.querySelector("[data-job='" + job.id + "'] .tag-atelier-stop:disabled");
            place.replaceChildren(drawJob(job));
            const stop = place.querySelector(".tag-atelier-stop");
            if (cancelling && stop) Object.assign(stop, { disabled: true, textContent: ending(job) });
            shown.set(place, state);
        }
    }

    function follow(job) {
        showJob(job);
        tagAtelierRuns.follow(job);
        document.dispatchEvent(new CustomEvent("tag-atelier-job", { detail: job }));
        if (over(job)) settle(job);
        else followed.set(job.id, job);
    }

    async function followAll() {
        for (const job of Array.from(followed.values())) {
            try {
                follow(await askJson("GET", "jobs/" + job.id));
            } catch (error) {
                showJob({ ...job, text: say("The connection was lost: {reason}", { reason: error.message }) });
                if (!(error instanceof TypeError)) followed.delete(job.id);
            }
        }
    }

    /** What else on the page a finished job changes, once; a short job may be over when it is first seen. */
    function settle(job) {
        followed.delete(job.id);
        if (!finished || finished.has(job.id)) return;
        finished.add(job.id);
        document.dispatchEvent(new CustomEvent("tag-atelier-job-over", { detail: job }));
        if (job.kind === "benchmark") showRuns();
        else if (job.kind === "tagger") tagAtelierRuns.showTaggers();
        else showLive();
        if (job.kind === "merge" && job.state === "done") {
            const refresh = element("merge_refresh");
            if (refresh) refresh.click();
        }
    }

    /** Looks for jobs: after a start, and when a tab is shown that has a place for them. */
    async function watch() {
        const answer = await askJson("GET", "jobs").catch(() => ({ jobs: [] }));
        if (!finished) finished = new Set(answer.jobs.filter(over).map((job) => job.id));
        const newest = new Set();
        for (const job of answer.jobs) {
            const place = cardsOf(job.kind)[0];
            if (!place || newest.has(place)) continue;
            newest.add(place);
            if (!over(job) || visible(place)) follow(job);
        }
        for (const job of answer.jobs) {
            if (over(job)) settle(job);
            else followed.set(job.id, job);
        }
    }

    // --- runs and the loaded model ------------------------------------------------------------------------------

    async function openReport(path) {
        const tab = window.open("", "_blank");
        const own = route(path);
        try {
            // At its own address the report finds its full-size pictures; under --api-auth alone only we may fetch it.
            const open = (await fetch(own, { method: "GET", credentials: "same-origin" })).ok;
            const address = open ? own : URL.createObjectURL(await (await ask("GET", path)).blob());
            if (tab) tab.location = address;
            else window.location = address;
        } catch (error) {
            if (tab) tab.document.body.textContent = error.message;
        }
    }

    async function showRuns() {
        const place = find("[data-tag-atelier-runs]");
        if (!place) return;
        const answer = await askJson("GET", "runs").catch(() => null);
        if (!answer) return;
        const list = answer.runs.map(drawRun);
        const empty = make("div", "tag-atelier-quiet", say("No runs yet. Choose a plan and checkpoints, then press Start."));
        place.replaceChildren(...(list.length ? list : [empty]));
    }

    function drawRun(run) {
        const row = make("div", "tag-atelier-run");
        const drawn = run.total ? " · " + say("{done} of {total}", { done: run.drawn, total: run.total }) : "";
        row.title = run.id;
        row.appendChild(make("span", "tag-atelier-run-name", (run.name || run.id) + drawn));
        if ((run.files || []).includes("report.html")) {
            row.appendChild(button(say("Open the report"), "", () => openReport("runs/" + run.id + "/report.html")));
        }
        if (run.done === false && (run.files || []).includes("results.json")) row.appendChild(button(say("Resume"), "", () => resume(run)));
        row.append(...tagAtelierRuns.controls(run));
        return row;
    }

    /** Starts the plan that a run was made with: the same plan goes on where it stopped. */
    async function resume(run) {
        const place = cardsOf("benchmark")[0];
        try {
            const results = await askJson("GET", "runs/" + run.id + "/results.json");
            follow(await askJson("POST", "benchmarks", { spec: results.plan.spec }));
        } catch (error) {
            if (place) place.replaceChildren(make("div", "tag-atelier-problem", error.message));
        }
    }

    async function showLive() {
        const place = find("[data-tag-atelier-live]");
        if (!place) return;
        const status = await askJson("GET", "status").catch(() => null);
        if (!status) return;
        const sentence = status.in_memory_only ? "Another extension made the loaded model in memory; it is in no file."
            : status.dirty ? "The loaded model carries a merge. Restore puts its own weights back."
            : status.loaded ? "The loaded model is as it came from its file." : "No model is loaded.";
        const badge = make("span", "tag-atelier-badge " + (status.dirty ? "tag-atelier-badge-dirty" : ""), status.loaded || "–");
        place.replaceChildren(badge, make("span", "", say(sentence)));
    }

    // --- the page -----------------------------------------------------------------------------------------------

    /** Whether the page's data are there; without their token nothing may be asked for. */
    const isReady = () => Boolean(find("[data-tag-atelier-page]"));

    let hints = null;
    /** Gives each control its tooltip as soon as it is on the page. */
    function putHints() {
        if (!hints && find("[data-tag-atelier-hints]")) hints = new Map(Object.entries(readData("hints")));
        if (!hints) return;
        for (const [id, hint] of Array.from(hints)) {
            const node = find("#" + id);
            if (!node) continue;
            node.title = hint;
            hints.delete(id);
        }
    }

    const arrivals = [
        ["[data-tag-atelier-runs]", () => { showRuns(); watch(); tagAtelierRuns.showTaggers(); }],
        ["#tag_atelier_search_studies", () => tagAtelierRuns.showTaggers()],
        ["[data-tag-atelier-live]", () => { showLive(); watch(); }],
    ];
    const present = new Map();

    /** Calls `action` whenever something that fits `selector` comes into sight. */
    const whenShown = (selector, action) => arrivals.push([selector, action]);

    /** gradio has no portable "this tab was shown", so the page is looked at once a second; that costs no request. */
    function look() {
        if (!isReady()) return;
        for (const [selector, action] of arrivals) {
            const now = visible(find(selector));
            if (now && !present.get(selector)) action();
            present.set(selector, now);
        }
        putHints();
    }

    function begin() {
        if (begin.done) return;
        begin.done = true;
        window.setInterval(look, SECOND);
        window.setInterval(() => followed.size && followAll(), FOLLOW_EVERY);
    }

    /** Calls `work` once the page stands and all our scripts are there. */
    function whenReady(work) {
        if (typeof onUiLoaded === "function") onUiLoaded(work);
        else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", work);
        else window.setTimeout(work, 0);
    }

    whenReady(begin);

    return { readPrompt, writePrompt, undo, sendToTxt2img, watch, find, findAll, type, whenReady, isReady, showRuns, whenShown, openReport, benchmarkButton, say, ask, askJson, make, button, readData };
})();
