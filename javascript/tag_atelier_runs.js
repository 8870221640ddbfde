/* Stored runs and taggers on the Benchmark tab: judge, export, compare, delete; the grid that fills while a run draws; and
 * the taggers that are fetched by a click. */
"use strict";

var tagAtelierRuns = (function () {
    const { make, button, say, ask, askJson, find, findAll, watch } = tagAtelier;
    const { size, moment } = tagAtelierFigures;
    const LARGEST_GRID = 600;
    const chosen = new Set();
    let filling = null;

    // --- one run ------------------------------------------------------------------------------------------------

    /** A row of the list: what it is, how far it came, when and how large; below that what can be done with it. */
    function draw(run) {
        const row = make("div", "tag-atelier-run"), files = run.files || [];
        row.title = run.id;
        const box = make("input", "tag-atelier-run-chosen");
        Object.assign(box, { type: "checkbox", checked: chosen.has(run.id), title: say("Compare"), ariaLabel: say("Compare") + ": " + (run.name || run.id) });
        box.addEventListener("change", () => { if (box.checked) chosen.add(run.id); else chosen.delete(run.id); });
        const drawn = run.total ? " · " + say("{done} of {total}", { done: run.drawn, total: run.total }) : "";
        const facts = [moment(run.started_at), run.size_bytes === undefined ? "" : size(run.size_bytes)].filter(Boolean);
        const buttons = make("span", "tag-atelier-job-buttons"), add = (text, work, classes) => buttons.append(button(text, classes || "", work));
        if (files.includes("report.html")) add(say("Open the report"), () => tagAtelier.openReport("runs/" + run.id + "/report.html"));
        if (run.done === false && files.includes("results.json")) add(say("Resume"), () => tagAtelier.resume(run));
        if (run.drawn) add(say("Judge by eye"), () => tagAtelierVerdicts.open(run));
        if (run.drawn) add(say("Export"), () => exportRun(run));
        add(say("Delete"), () => remove(run), "tag-atelier-stop");
        row.append(box, make("span", "tag-atelier-run-name", (run.name || run.id) + drawn), make("span", "tag-atelier-run-size", facts.join(" · ")), buttons);
        return row;
    }

    function download(blob, name) {
        const link = make("a");
        link.href = URL.createObjectURL(blob);
        link.download = name;
        link.click();
        window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    async function exportRun(run) {
        try {
            download(await (await ask("GET", "runs/" + run.id + "/export.zip")).blob(), run.id + ".zip");
        } catch (error) {
            tell(error.message);
        }
    }

    async function remove(run) {
        const question = say("Delete '{name}' with its pictures and verdicts for good ({size})?",
            { name: run.name || run.id, size: size(run.size_bytes || 0) });
        if (!window.confirm(question)) return;
        try {
            await ask("DELETE", "runs/" + run.id);
            chosen.delete(run.id);
        } catch (error) {
            tell(error.message);
        }
        tagAtelier.showRuns();
    }

    // --- comparing ----------------------------------------------------------------------------------------------

    function tell(sentence) {
        const place = find("[data-tag-atelier-compared]");
        if (place) place.replaceChildren(make("div", "tag-atelier-problem", sentence));
    }

    async function compare() {
        const place = find("[data-tag-atelier-compared]");
        if (chosen.size < 2) return tell(say("Tick at least two runs to compare them."));
        try {
            const told = await askJson("GET", "runs/compare?runs=" + encodeURIComponent(Array.from(chosen).join(",")));
            place.replaceChildren(...drawComparison(told));
        } catch (error) {
            tell(error.message);
        }
    }

    const percent = (share) => (share === null || Number.isNaN(share) ? "–" : Math.round(100 * share) + " %");

    function table(heads, rows) {
        const node = make("table", "tag-atelier-compared");
        const head = node.appendChild(make("thead")).appendChild(make("tr"));
        for (const title of heads) head.append(make("th", "", say(title)));
        const body = node.appendChild(make("tbody"));
        for (const row of rows) {
            const line = body.appendChild(make("tr"));
            for (const text of row) line.append(make("td", "", String(text)));
        }
        return node;
    }

    function drawComparison(told) {
        const range = (item) => percent(item.value) + " (" + percent(item.low) + " … " + percent(item.high) + ")";
        const columns = told.columns.map((item) => [item.tier, item.name, range(item), item.hits + " / " + item.drawn]);
        const pairs = told.pairs.map((pair) => [pair.first + " − " + pair.second, range(pair.difference),
            pair.only_first + " : " + pair.only_second, pair.p_holm.toFixed(3)]);
        return [
            make("div", "tag-atelier-quiet", say("{tags} tags in common, seeds {seeds}.", { tags: told.tags, seeds: told.seeds.join(", ") })),
            ...told.notes.map((note) => make("div", "tag-atelier-warning", say(note))),
            table(["Tier", "Checkpoint", "Accuracy", "Hits"], columns),
            table(["Pair", "Difference", "Discordant", "p (Holm)"], pairs),
        ];
    }

    // --- the grid that fills ------------------------------------------------------------------------------------

    /** Shows the cells of a running benchmark as they come; called with every answer about its job. */
    function follow(job) {
        const place = find("[data-tag-atelier-filling]");
        const run = job.result && job.result.run;
        if (!place || job.kind !== "benchmark" || !run) return;
        if (job.state !== "running") {
            if (filling && filling.run === run) { filling = null; place.replaceChildren(); }
            return;
        }
        if (!job.total) return; // it has no folder yet
        if (!filling || filling.run !== run) filling = { run: run, at: 0, nodes: new Map() };
        if (Date.now() - filling.at < 2000) return;
        filling.at = Date.now();
        fill(place, filling);
        if (find("[data-tag-atelier-offer] > *")) showTaggers(); // one was put there by hand
    }

    async function fill(place, own) {
        const told = await askJson("GET", "runs/" + own.run + "/cells").catch(() => null);
        if (!told || filling !== own || told.cells.length > LARGEST_GRID) return;
        if (!own.grid) {
            own.grid = make("div", "tag-atelier-filling");
            place.replaceChildren(own.grid);
        }
        let newest = null;
        for (const cell of told.cells) {
            let node = own.nodes.get(cell.key);
            if (!node) {
                node = own.grid.appendChild(make("div", "tag-atelier-cell"));
                own.nodes.set(cell.key, node);
            }
            if (node.dataset.state === cell.state) continue;
            node.dataset.state = cell.state;
            node.title = [cell.tag || say("Baseline"), cell.checkpoint, say("seed {seed}", { seed: cell.seed })].join(" · ");
            if (cell.state === "done" && cell.image) { showThumb(node, own.run, cell.image); newest = node; }
        }
        if (newest && !own.grid.matches(":hover")) own.grid.scrollTop = newest.offsetTop - own.grid.offsetTop - own.grid.clientHeight / 2;
    }

    async function showThumb(node, run, name) {
        try {
            const blob = await (await ask("GET", "runs/" + run + "/thumbs/" + encodeURIComponent(name))).blob();
            const image = make("img");
            image.src = URL.createObjectURL(blob);
            image.alt = node.title;
            image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
            node.replaceChildren(image);
        } catch { /* the square stays without its picture */ }
    }

    // --- taggers ------------------------------------------------------------------------------------------------

    async function showTaggers() {
        const told = await askJson("GET", "taggers").catch(() => null);
        if (!told) return;
        offerTagger(told);
        const place = find("[data-tag-atelier-taggers]");
        if (!place) return;
        const here = new Set(told.here.map((item) => item.name));
        const away = told.known.filter((known) => !here.has(known.name));
        tagAtelier.redraw(place, [...told.here.map(drawTagger), ...away.map((item) => {
            const row = make("div", "tag-atelier-run");
            row.append(make("span", "tag-atelier-run-name", [item.name, item.repository, roughly(item)].join(" · ")),
                button(say("Fetch"), "", () => fetchTagger(item, told)));
            return row;
        })]);
    }

    function drawTagger(item) {
        const row = make("div", "tag-atelier-run");
        row.append(make("span", "tag-atelier-run-name", item.name), make("span", "tag-atelier-badge tag-atelier-badge-done", say("here")));
        const model = item.files && item.files["model.onnx"];
        if (model) {
            const sum = row.appendChild(make("code", "tag-atelier-run-size", "SHA-256 " + model.sha256.slice(0, 16)));
            sum.title = say(model.announced ? "The source announced this checksum." : "The source announced no checksum; this is what arrived.");
        }
        return row;
    }

    const roughly = (item) => size(item.size_mb * 1e6);
    const hostOf = (told) => told.source.replace(/^https?:\/\//, "");

    /** Where a judge is needed and there is none: what would be fetched, how much, from where, and a button for it. */
    function offerTagger(told) {
        const item = told.known.find((known) => known.name === told.suggested);
        for (const place of findAll("[data-tag-atelier-offer]")) {
            place.replaceChildren();
            if (told.here.length || !item || !told.folder) continue;
            const card = place.appendChild(make("div", "tag-atelier-job"));
            card.append(make("strong", "", say("There is no tagger yet, and a benchmark needs one as its judge.")),
                make("div", "tag-atelier-job-text", say("Suggested: {name}, about {size}, from {source} into '{folder}'. Nothing is asked of the network before you agree.",
                    { name: item.name, size: roughly(item), source: hostOf(told), folder: told.folder })));
            const row = card.appendChild(make("div", "tag-atelier-job-buttons"));
            row.append(button(say("Fetch this tagger…"), "tag-atelier-primary", () => fetchTagger(item, told)),
                make("span", "tag-atelier-quiet", say("Others are under “Taggers” on the Benchmark tab; or put any WD-type tagger's model.onnx and selected_tags.csv into a folder of their own there.")));
        }
    }

    async function fetchTagger(item, told) {
        const question = say("Fetch '{name}' (about {size}) from {source}?", { name: item.name, size: roughly(item), source: hostOf(told) });
        if (!window.confirm(question)) return;
        try {
            await ask("POST", "taggers", { name: item.name });
            watch();
        } catch (error) {
            tell(error.message);
        }
    }

    return { draw, download, compare, follow, showTaggers };
})();
