/* One search as a picture: where it stands, how it converged, which groups matter, previews, candidates. Only draws. */
"use strict";

var tagAtelierStudyView = (function () {
    const { make, say, ask } = tagAtelier;
    const HEIGHT = 220;
    const LEFT = 46;
    const PHASES = {
        parents: "Parents", search: "Candidates", refine: "Finer search", confirm: "Confirmation", validation: "Validation",
        done: "Done",
    };
    /** Path → its element: fetched once, with the page's token, and moved from drawing to drawing, so that none flickers. */
    const pictures = new Map();
    const open = new Map();

    const signed = (value) => (value === null || value === undefined ? "–" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3));
    const lift = (score) => (score && score[0] !== null ? signed(score[0]) + (score[1] === null ? "" : " (" + signed(score[1]) + " … " + signed(score[2]) + ")") : "–");
    const percent = (share) => Math.round(100 * share) + " %";

    function draw(study, buttons) {
        const node = make("div", "tag-atelier-study tag-atelier-study-" + study.state);
        node.dataset.study = study.id;
        node.append(head(study), bar(study), row(buttons), ...sentences(study));
        const tried = study.trials.filter((trial) => trial.number && ["search", "refine"].includes(trial.phase) && trial.objective !== null);
        if (tried.length) node.append(plot(study, tried));
        if (Object.keys(study.importance).length) node.append(...importance(study));
        const strip = previews(study);
        if (strip) node.append(make("h4", "", say("Previews")), strip);
        node.append(table(study));
        return [node];
    }

    function row(parts) {
        const node = make("div", "tag-atelier-job-buttons");
        node.append(...parts);
        return node;
    }

    function head(study) {
        const node = make("div", "tag-atelier-job-head");
        const phase = study.phase === study.state ? [] : [make("span", "tag-atelier-fine", say(PHASES[study.phase]))];
        node.append(make("strong", "", study.name), ...phase, make("span", "tag-atelier-badge tag-atelier-badge-" + study.state, say(study.state)));
        return node;
    }

    function bar(study) {
        const node = make("div", "");
        const share = study.phase === "done" ? 1 : Math.min(1, study.finished_trials / Math.max(1, study.planned_trials));
        const line = node.appendChild(make("div", "tag-atelier-bar"));
        line.appendChild(make("div", "tag-atelier-bar-fill")).style.width = percent(share).replace(" ", "");
        const left = study.state === "running" ? tagAtelierFigures.timeLeft(study.eta_s) : "";
        const parts = [
            say("{done} of {total}", { done: study.finished_trials, total: study.planned_trials }),
            say("{pictures} of at most {planned} pictures", { pictures: study.pictures_drawn, planned: study.pictures_planned }), left,
        ].filter(Boolean);
        node.append(make("div", "tag-atelier-job-text", parts.join(" · ")));
        return node;
    }

    // --- what it found ------------------------------------------------------------------------------------------

    function sentences(study) {
        const found = [];
        const add = (text, classes) => found.push(make("div", classes || "tag-atelier-fine", text));
        if (study.outcome) add(say(study.outcome.sentence, study.outcome.values), study.result.beats_best_parent ? "tag-atelier-good" : "tag-atelier-warning");
        for (const parent of study.parents) {
            if (!parent.search) continue;
            const best = parent.is_best && study.parents.length > 1 ? " — " + say("best on the search's prompts") : "";
            add(say("{parent} alone: lift {score}.", { parent: parent.name, score: lift(parent.search) }) + best);
        }
        const whole = study.trials.filter((trial) => trial.improved);
        const best = whole[whole.length - 1];
        if (best) add(say("Best so far: candidate {number}, lift {score}, {gain} over the best parent.", { number: best.number, score: lift(best.score), gain: signed(best.objective) }));
        const answer = study.answer;
        if (answer && answer.search) {
            const validation = study.result ? lift(study.result.validation) : "–";
            add(say("The answer on the search's prompts: lift {search}; with fresh seeds {fresh}; on validation {validation}.",
                { search: lift(answer.search), fresh: lift(answer.confirmed), validation: validation }));
        }
        for (const note of study.notes) add(say(note), "tag-atelier-warning");
        return found;
    }

    // --- the plot -----------------------------------------------------------------------------------------------

    function shape(name, attributes, text) {
        const node = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
        if (text !== undefined) node.textContent = text;
        return node;
    }

    /** As wide as its place, within bounds: a drawing that is made smaller makes its words smaller too. */
    function width() {
        const place = tagAtelier.find("[data-tag-atelier-study]");
        return Math.max(300, Math.min(640, (place ? place.clientWidth : 640) - 26));
    }

    /** Every candidate, the best so far, and where the search looks; 0 is the best parent. */
    function plot(study, tried) {
        const wide = width();
        const sane = (value) => value !== null && value > -1;
        const values = [0, ...tried.map((trial) => trial.objective), ...study.convergence.flatMap((point) => [point.best, point.mean])].filter(sane);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const x = (number) => LEFT + 12 + (number - 1) * (wide - LEFT - 30) / Math.max(1, tried.length - 1);
        const y = (value) => 20 + (high - value) / Math.max(high - low, 0.02) * (HEIGHT - 52);
        const svg = shape("svg", { viewBox: "0 0 " + wide + " " + HEIGHT, class: "tag-atelier-converges", role: "img", "aria-label": say("Lift over the best parent") });
        for (const level of new Set([low, 0, high])) {
            svg.append(shape("text", { x: LEFT - 6, y: y(level) + 4, "text-anchor": "end" }, level ? signed(level).slice(0, 5) : "0"));
        }
        svg.append(shape("line", { x1: LEFT, x2: wide - 6, y1: y(0), y2: y(0), class: "parents" }));
        svg.append(shape("text", { x: wide - 8, y: y(0) - 5, "text-anchor": "end" }, say("best parent")));
        tried.forEach((trial, index) => {
            if (!sane(trial.objective)) return;
            const dot = shape("circle", { cx: x(index + 1), cy: y(trial.objective), r: 3 });
            dot.append(shape("title", {}, say("Candidate {number}", { number: trial.number }) + ": " + signed(trial.objective)));
            svg.append(dot);
        });
        for (const key of ["mean", "best"]) {
            const points = study.convergence.filter((point) => sane(point[key])).map((point) => x(point.trial).toFixed(1) + "," + y(point[key]).toFixed(1));
            svg.append(shape("polyline", { points: points.join(" "), class: key }));
        }
        for (const number of new Set([1, tried.length])) svg.append(shape("text", { x: x(number), y: HEIGHT - 8, "text-anchor": "middle" }, String(number)));
        const figure = make("figure", "tag-atelier-plot");
        const legend = make("figcaption", "tag-atelier-fine");
        for (const [key, text] of [["best", say("best so far")], ["mean", say("mean of the last eight")]]) legend.append(make("i", key), make("span", "", text));
        figure.append(make("h4", "", say("Lift over the best parent")), svg, legend);
        return figure;
    }

    function importance(study) {
        const node = make("div", "tag-atelier-importance");
        const largest = Math.max(...Object.values(study.importance), 0.01);
        for (const [group, share] of Object.entries(study.importance)) {
            const line = make("div", "tag-atelier-bar");
            line.appendChild(make("div", "tag-atelier-bar-fill")).style.width = (100 * share / largest).toFixed(1) + "%";
            node.append(make("span", "", group), line, make("span", "tag-atelier-fine", percent(share)));
        }
        return [make("h4", "", say("Importance of the groups")), node];
    }

    // --- previews and candidates --------------------------------------------------------------------------------

    /** A column for every parent, improvement and the answer; a row for every prompt. */
    function previews(study) {
        const columns = study.trials.filter((trial) => trial.previews.length && (trial.phase === "parents" || trial.improved)).map((trial) => {
            const parent = trial.phase === "parents" ? study.parents[Number(trial.candidate.split("-").pop()) - 1].name : "";
            return [parent || say("Candidate {number}", { number: trial.number }), trial.previews];
        });
        if (study.answer && study.answer.previews.length) columns.push([say("The answer"), study.answer.previews]);
        if (!columns.length) return null;
        const node = make("div", "tag-atelier-strip");
        for (const [name, files] of columns) {
            const column = node.appendChild(make("div", ""));
            column.append(make("div", "tag-atelier-fine", name));
            files.forEach((file, index) => column.append(picture(study.id, file, name + " · " + (study.preview_prompts[index] || ""))));
        }
        return node;
    }

    function picture(id, file, title) {
        const path = "studies/" + id + "/thumbs/" + encodeURIComponent(file.split("/").pop());
        const image = pictures.get(path) || make("img");
        image.alt = image.title = title;
        if (pictures.has(path)) return image;
        pictures.set(path, image);
        ask("GET", path).then((answer) => answer.blob()).then((blob) => { image.src = URL.createObjectURL(blob); }).catch(() => {
            pictures.delete(path);
            image.remove();
        });
        return image;
    }

    function table(study) {
        const details = make("details", "tag-atelier-trials");
        details.open = open.get(study.id) || false;
        details.addEventListener("toggle", () => open.set(study.id, details.open));
        details.append(make("summary", "", say("Candidates") + " (" + study.trials.length + ")"));
        const node = make("table", "tag-atelier-compared");
        const line = node.appendChild(make("thead")).appendChild(make("tr"));
        const titles = [say("Candidate"), say("State"), say("Lift"), say("Over the best parent"), say("Prompts"), say("Seconds")];
        for (const title of titles) line.append(make("th", "", title));
        const body = node.appendChild(make("tbody"));
        for (const trial of study.trials) {
            const cells = body.appendChild(make("tr"));
            const gain = trial.phase === "parents" ? "–" : signed(trial.objective);
            const texts = [(trial.number || "–") + " · " + trial.candidate, say(trial.state), lift(trial.score), gain, percent(trial.share), trial.seconds ? trial.seconds.toFixed(1) : "–"];
            for (const text of texts) cells.append(make("td", "", text));
        }
        details.append(node);
        return details;
    }

    return { draw };
})();
