/* Tag Atelier in the page: what Python cannot do from there. Everything hangs on one global object.
 * Long work is followed by asking /tag-atelier/v1/jobs, which works on every gradio; the prompt boxes are written the way
 * a person types, so that Ctrl+Z takes it back. Ids are those of tag_atelier/ui/ids.py. */
"use strict";

var tagAtelier = (function () {
    const SECOND = 1000;
    const FOLLOW_EVERY = 0.7 * SECOND;
    /** Looks at the page between two questions for jobs that it did not start. */
    const ASK_EVERY = 4;
    const PREFIX = "tag_atelier_";
    const earlier = {};
    const followed = new Map();
    /** Ids of the finished jobs whose outcome the page shows; null until it has looked for the first time. */
    let finished = null;

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
        let works = false;
        node.addEventListener("click", async (event) => {
            if (works) return; // a second press before the first is answered would do the same again
            works = true;
            try {
                await action(event);
            } finally {
                works = false;
            }
        });
        return node;
    }

    const STOPS = "button, input, summary, a";
    const SCROLLED = ".tag-atelier-strip, .tag-atelier-trials";

    /** Puts `nodes` into `place`; what had the keyboard hands it to what now stands there, and nothing scrolls back. */
    function redraw(place, nodes) {
        const stops = () => Array.from(place.querySelectorAll(STOPS));
        const scrolled = () => Array.from(place.querySelectorAll(SCROLLED));
        const at = stops().indexOf(document.activeElement);
        const text = at < 0 ? "" : document.activeElement.textContent;
        const lefts = scrolled().map((node) => [node.scrollLeft, node.scrollTop]);
        place.replaceChildren(...nodes);
        scrolled().forEach((node, index) => { [node.scrollLeft, node.scrollTop] = lefts[index] || [0, 0]; });
        const now = stops();
        if (at < 0 || !now.length) return;
        const same = now[at] && now[at].textContent === text ? now[at] : now.find((node) => node.textContent === text);
        (same || now[Math.min(at, now.length - 1)]).focus({ preventScroll: true });
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

    /** Where a job of this kind is shown; the kinds are those of tag_atelier/jobs. */
    function cardsOf(kind) {
        return findAll("[data-tag-atelier-jobs]").filter((node) => node.getAttribute("data-tag-atelier-jobs").split(" ").includes(kind));
    }

    function showJob(job) {
        cardsOf(job.kind).forEach((place) => tagAtelierJobs.show(place, job));
    }

    function follow(job) {
        showJob(job);
        tagAtelierRuns.follow(job);
        document.dispatchEvent(new CustomEvent("tag-atelier-job", { detail: job }));
        if (tagAtelierJobs.over(job)) settle(job);
        else followed.set(job.id, job);
    }

    async function followAll() {
        for (const job of Array.from(followed.values())) {
            try {
                follow(await askJson("GET", "jobs/" + job.id));
            } catch (error) {
                if (error instanceof TypeError) {
                    showJob({ ...job, text: say("The connection was lost: {reason}", { reason: error.message }), eta_s: null });
                    continue;
                }
                followed.delete(job.id);
                showJob({ ...job, state: "failed", error: error.message });
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
        const { over } = tagAtelierJobs;
        const answer = await askJson("GET", "jobs").catch(() => ({ jobs: [] }));
        if (!finished) finished = new Set(answer.jobs.filter(over).map((job) => job.id));
        const busy = new Set();
        // Oldest first: what is at work stands above what waits; of what has ended only the last, where nothing works.
        for (const job of answer.jobs.filter((one) => !over(one)).reverse()) {
            busy.add(cardsOf(job.kind)[0]);
            follow(job);
        }
        for (const job of answer.jobs.filter(over)) {
            const place = cardsOf(job.kind)[0];
            if (followed.has(job.id)) follow(job);
            else if (place && !busy.has(place) && visible(place)) showJob(job);
            busy.add(place);
            settle(job);
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
        const list = answer.runs.map(tagAtelierRuns.draw);
        const empty = make("div", "tag-atelier-quiet", say("No runs yet. Choose a plan and checkpoints, then press Start."));
        redraw(place, list.length ? list : [empty]);
    }

    /** Starts the plan that a run was made with: the same plan goes on where it stopped. */
    async function resume(run) {
        const place = cardsOf("benchmark")[0];
        try {
            const results = await askJson("GET", "runs/" + run.id + "/results.json");
            follow(await askJson("POST", "benchmarks", { spec: results.plan.spec }));
        } catch (error) {
            if (!place) return;
            const before = place.querySelector(":scope > .tag-atelier-problem");
            if (before) before.remove();
            place.appendChild(make("div", "tag-atelier-problem", error.message));
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

    /** gradio 3 gives the number beside a slider no name. */
    function nameNumbers(node) {
        const title = node.querySelector("[data-testid=block-info], label span");
        for (const input of node.querySelectorAll("input[type=number]:not([aria-label])")) {
            if (title) input.setAttribute("aria-label", title.textContent.trim());
        }
    }

    let hints = null;
    /** Gives each control its tooltip as soon as it is on the page. */
    function putHints() {
        if (!hints && find("[data-tag-atelier-hints]")) hints = new Map(Object.entries(readData("hints")));
        if (!hints) return;
        for (const [id, hint] of Array.from(hints)) {
            const node = find("#" + id);
            if (!node) continue;
            node.title = hint;
            nameNumbers(node);
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

    let looks = 0;
    /** gradio has no portable "this tab was shown", so the page is looked at once a second; that costs no request. What was
     * begun elsewhere, in another window or by a program, is asked for now and then while its place is in sight. */
    function look() {
        if (!isReady()) return;
        looks += 1;
        if (looks % ASK_EVERY === 0 && !document.hidden && findAll("[data-tag-atelier-jobs]").some(visible)) watch();
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

    return { readPrompt, writePrompt, undo, sendToTxt2img, watch, find, findAll, type, whenReady, isReady, showRuns, whenShown, openReport, resume, say, ask, askJson, make, button, redraw, readData };
})();
