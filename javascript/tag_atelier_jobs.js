/* The cards of jobs: one for each that is at work or waits, and the last that ended. A card is changed in place, so that
 * nothing jumps and the keyboard stays where it is. Fed by tag_atelier.js with every answer about a job. */
"use strict";

var tagAtelierJobs = (function () {
    const { make, button, say, ask } = tagAtelier;
    const { timeLeft, size } = tagAtelierFigures;
    /** Place on the page → id of a job → its card. */
    const places = new WeakMap();

    const over = (job) => ["done", "failed", "cancelled"].includes(job.state);
    /** What is stopped of these is taken up again where it stopped. */
    const goesOn = (job) => ["study", "benchmark"].includes(job.kind);
    const isPaused = (job) => goesOn(job) && job.state === "cancelled";

    /** Shows `job` in `place`; its ended neighbours go when it is new there, or ends itself. */
    function show(place, job) {
        if (!places.has(place)) places.set(place, new Map());
        const cards = places.get(place);
        let card = cards.get(job.id);
        const isNew = !card || !card.node.isConnected;
        if (isNew) {
            card = build(job);
            cards.set(job.id, card);
            place.appendChild(card.node);
        }
        update(card, job);
        if (!isNew && !over(job)) return;
        for (const [id, other] of cards) {
            if (id === job.id || !over(other.job)) continue;
            other.node.remove();
            cards.delete(id);
        }
    }

    function build(job) {
        const node = make("div", "");
        node.tabIndex = -1; // takes the keyboard where nothing is left to press
        Object.assign(node.dataset, { job: job.id, kind: job.kind });
        const head = node.appendChild(make("div", "tag-atelier-job-head"));
        const title = head.appendChild(make("strong", "", job.title || job.kind));
        const badge = head.appendChild(make("span", ""));
        badge.setAttribute("role", "status");
        const bar = node.appendChild(make("div", "tag-atelier-bar"));
        bar.setAttribute("role", "progressbar");
        bar.setAttribute("aria-label", job.title || job.kind);
        const fill = bar.appendChild(make("div", "tag-atelier-bar-fill"));
        const line = node.appendChild(make("div", "tag-atelier-job-text"));
        const [count, what, left] = ["count", "what", "left"].map((name) => line.appendChild(make("span", "tag-atelier-job-" + name)));
        const error = node.appendChild(make("div", ""));
        const row = node.appendChild(make("div", "tag-atelier-job-buttons"));
        return { node, title, badge, bar, fill, count, what, left, error, row, stopping: false, drawn: "", job };
    }

    /** Only what differs is written: an animation goes on, a selection stays. */
    function put(node, text) {
        if (node.textContent !== text) node.textContent = text;
    }

    function update(card, job) {
        card.job = job;
        card.node.className = "tag-atelier-job tag-atelier-job-" + job.state;
        card.badge.className = "tag-atelier-badge tag-atelier-badge-" + job.state;
        put(card.badge, say(isPaused(job) ? "paused" : job.state));
        const share = job.state === "done" ? 1 : job.total ? Math.min(1, job.done / job.total) : 0;
        card.fill.style.width = (100 * share).toFixed(1) + "%";
        card.bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
        put(card.count, countOf(job));
        put(card.what, job.state === "done" ? "" : job.text || "");
        card.what.title = card.what.textContent;
        put(card.left, job.state === "running" ? timeLeft(job.eta_s) : "");
        card.error.className = !job.error ? "" : isPaused(job) ? "tag-atelier-quiet" : "tag-atelier-problem";
        put(card.error, job.error ? say(job.error) : "");
        drawButtons(card, job);
    }

    /** Merges and downloads count bytes, everything else counts pieces. */
    function countOf(job) {
        if (!job.total) return "";
        const bytes = ["merge", "live", "tagger"].includes(job.kind);
        const shown = (count) => (bytes ? size(count) : String(count));
        return say("{done} of {total}", { done: shown(job.done), total: shown(job.total) });
    }

    /** The buttons of this state; one that had the keyboard hands it to its successor. */
    function drawButtons(card, job) {
        const state = JSON.stringify([over(job), job.state, card.stopping, job.result]);
        if (card.drawn === state) return;
        card.drawn = state;
        const had = card.row.contains(document.activeElement);
        card.row.replaceChildren(...(over(job) ? outcome(job) : [stopButton(card, job)]));
        if (had) (card.row.querySelector("button") || card.node).focus({ preventScroll: true });
    }

    function stopButton(card, job) {
        const text = card.stopping ? (goesOn(job) ? "Pausing…" : "Cancelling…") : goesOn(job) ? "Pause" : "Cancel";
        const made = button(say(text), "tag-atelier-stop", () => stop(card));
        // Not disabled: that would take the keyboard away from it.
        if (card.stopping) made.setAttribute("aria-disabled", "true");
        return made;
    }

    async function stop(card) {
        if (card.stopping) return;
        card.stopping = true;
        drawButtons(card, card.job);
        try {
            await ask("POST", "jobs/" + card.job.id + "/cancel", {});
        } catch (error) {
            card.stopping = false;
            update(card, { ...card.job, text: error.message });
        }
        tagAtelier.watch();
    }

    /** What can be done with an ended job, and what it left. */
    function outcome(job) {
        const parts = [], result = job.result || {};
        const folder = result.run ? "runs/" + result.run : "studies/" + result.study;
        if (result.report) parts.push(button(say("Open the report"), "", () => tagAtelier.openReport(folder + "/" + result.report)));
        if (job.kind === "benchmark" && job.state === "cancelled" && result.run) {
            parts.push(button(say("Resume"), "", () => tagAtelier.resume({ id: result.run })));
        }
        if (result.file) parts.push(make("span", "tag-atelier-quiet", say("Written: {path}", { path: result.file })));
        if (job.kind === "merge" && job.state === "done" && result.format === "safetensors") {
            parts.push(benchmarkButton([...(result.models || []), result.name]));
        }
        return [...parts, ...(result.replaced || []).map(replaced)];
    }

    function replaced(each) {
        const why = each.template ? say(each.template, each.values) : each.why;
        const line = make("span", "tag-atelier-warning", say("{count} tensors are A's own: {why}.", { count: each.count, why: why }));
        line.title = each.keys.join("\n");
        return line;
    }

    function benchmarkButton(names) {
        const made = button(say("Benchmark this merge"), "tag-atelier-benchmark", () => tagAtelierHandover.checkpoints(names));
        made.title = say("Puts the merge and its models into the benchmark's plan and goes there.");
        return made;
    }

    return { show, over, benchmarkButton };
})();
