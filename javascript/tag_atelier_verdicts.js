/* The page of verdicts: one picture of a run after the other, judged with the keys 1 to 4, those first on which a person's
 * word says most. What the tagger and published verdicts say is shown only after one's own answer. */
"use strict";

var tagAtelierVerdicts = (function () {
    const ANSWERS = ["drawn", "absent", "unsure", "broken"];
    const { make, button, say, ask, askJson } = tagAtelier;
    let dialog = null;
    let state = null;
    const pictures = new Map();

    async function open(run) {
        build();
        try {
            const told = await askJson("GET", "runs/" + run.id + "/verdicts");
            state = { run: run.id, told: told, list: told.pictures, at: 0 };
        } catch (error) {
            return window.alert(error.message);
        }
        dialog.querySelector("h3").textContent = say("Judge by eye") + " · " + (state.told.name || run.id);
        dialog.showModal();
        show(0);
    }

    function sign(text, hint, action) {
        const made = button(text, "", action);
        made.title = hint;
        made.setAttribute("aria-label", hint);
        return made;
    }

    function build() {
        if (dialog) return;
        dialog = make("dialog", "tag-atelier tag-atelier-verdicts");
        dialog.innerHTML = '<div class="tag-atelier-verdicts-head"><h3></h3><span class="count"></span></div>'
            + '<div class="tag-atelier-verdicts-body"><img alt=""><div class="side"><div class="tag"></div>'
            + '<div class="about tag-atelier-quiet"></div><div class="answers"></div><div class="told"></div>'
            + '<pre class="prompt"></pre><div class="sums"></div></div></div><div class="foot"></div>';
        const close = sign("×", say("Close"), () => dialog.close());
        dialog.querySelector(".tag-atelier-verdicts-head").append(close);
        const answers = dialog.querySelector(".answers");
        ANSWERS.forEach((answer, index) => {
            const node = button((index + 1) + " " + say(answer), "", () => judge({ answer: answer }, true));
            node.dataset.answer = answer;
            answers.append(node);
        });
        const but = button("5 " + say("but…"), "", () => judge({ but: !verdict().but }, false));
        but.dataset.but = "";
        const note = make("input", "note");
        Object.assign(note, { type: "text", placeholder: say("Note"), maxLength: 2000 });
        note.addEventListener("change", () => judge({ note: note.value }, false));
        answers.append(but, note);
        dialog.querySelector(".foot").append(
            sign("←", say("Previous picture"), () => show(state.at - 1)), sign("→", say("Next picture"), () => show(state.at + 1)),
            button(say("Export verdicts"), "", exportAll),
            make("span", "tag-atelier-verdicts-keys", say("1 to 4 judge and go on, 5 marks a reservation, arrows turn the pages.")),
        );
        window.addEventListener("keydown", press, true);
        dialog.addEventListener("close", () => { pictures.forEach((made) => made.then(URL.revokeObjectURL)); pictures.clear(); });
        document.body.append(dialog);
    }

    /** Keys belong to the dialog while it is open: the WebUI has its own for the page below. */
    function press(event) {
        if (!dialog.open) return;
        event.stopPropagation();
        if (event.target.classList.contains("note")) {
            if (event.key === "Enter") event.target.blur();
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const number = Number(event.key);
        if (number >= 1 && number <= ANSWERS.length) judge({ answer: ANSWERS[number - 1] }, true);
        else if (number === 5) judge({ but: !verdict().but }, false);
        else if (event.key === "ArrowRight") show(state.at + 1);
        else if (event.key === "ArrowLeft") show(state.at - 1);
        else return;
        event.preventDefault();
    }

    const current = () => state.list[state.at];
    const verdict = () => (current() && current().verdict) || { answer: "", but: false, note: "" };

    /** The picture's own bytes: under --api-auth alone an address would be refused. */
    function fetched(item) {
        if (!pictures.has(item.key)) {
            const name = encodeURIComponent(item.image);
            const made = ask("GET", "runs/" + state.run + "/images/" + name).then((answer) => answer.blob());
            pictures.set(item.key, made.then(URL.createObjectURL).catch(() => ""));
        }
        return pictures.get(item.key);
    }

    async function show(at) {
        if (!state.list.length) return sums(say("This run has no picture to judge yet."));
        state.at = Math.max(0, Math.min(state.list.length - 1, at));
        const item = current();
        const judged = state.list.filter((other) => other.verdict && other.verdict.answer).length;
        dialog.querySelector(".count").textContent = say("{done} of {total}", { done: judged, total: state.list.length });
        dialog.querySelector(".tag").textContent = item.tag.replace(/_/g, " ") + (item.chinese ? " · " + item.chinese : "");
        dialog.querySelector(".about").textContent = item.checkpoint + " · " + say("seed {seed}", { seed: item.seed });
        dialog.querySelector(".prompt").textContent = item.prompt;
        marks();
        sums();
        const image = dialog.querySelector("img");
        image.removeAttribute("src");
        const address = await fetched(item);
        if (item === current()) image.src = address;
        const next = state.list[state.at + 1];
        if (next) fetched(next);
    }

    function marks() {
        const item = current(), mine = verdict();
        for (const node of dialog.querySelectorAll("[data-answer]")) node.setAttribute("aria-pressed", String(node.dataset.answer === mine.answer));
        dialog.querySelector("[data-but]").setAttribute("aria-pressed", String(Boolean(mine.but)));
        dialog.querySelector(".note").value = mine.note || "";
        const told = dialog.querySelector(".told");
        told.textContent = "";
        if (!mine.answer) return;
        const lines = [item.probability === null ? say("the tagger does not know this tag")
            : say("tagger: {value}", { value: item.probability.toFixed(2) + (item.probability >= state.told.threshold ? " ✓" : " ✗") })];
        if (item.published) lines.push(say(state.told.source) + ": " + say(item.published));
        told.textContent = lines.join(" · ");
    }

    async function judge(change, goOn) {
        const item = current();
        if (!item) return;
        const before = item.verdict;
        item.verdict = { ...verdict(), note: dialog.querySelector(".note").value, ...change };
        marks();
        if (!item.verdict.answer) return; // a note or reservation is kept with the answer that it belongs to
        try {
            await ask("POST", "runs/" + state.run + "/verdicts", { verdicts: { [item.key]: item.verdict } });
        } catch (error) {
            item.verdict = before;
            marks();
            return sums(error.message);
        }
        if (goOn && item === current()) {
            if (state.at + 1 < state.list.length) show(state.at + 1);
            else show(state.at);
        }
        if (goOn) renew();
    }

    /** Agreement and corrected accuracy, asked again after an answer, at most once a second. */
    function renew() {
        window.clearTimeout(renew.timer);
        renew.timer = window.setTimeout(async () => {
            const told = await askJson("GET", "runs/" + state.run + "/verdicts").catch(() => null);
            if (!told || !dialog.open) return;
            state.told = told;
            sums();
        }, 1000);
    }

    const percent = (share) => Math.round(100 * share) + " %";

    function sums(problem) {
        const place = dialog.querySelector(".sums");
        place.replaceChildren();
        if (problem) place.append(make("div", "tag-atelier-problem", problem));
        const agreed = state.told.agreement;
        if (!agreed.judged) return;
        place.append(make("div", "", say("People judged {judged} pictures of known tags and agree with the tagger on {share}.",
            { judged: agreed.judged, share: percent(agreed.share) })));
        if (agreed.judged < state.told.fewest_for_correction) {
            place.append(make("div", "", say("From {count} on the accuracy is also shown corrected.", { count: state.told.fewest_for_correction })));
        }
        for (const line of state.told.corrected) {
            place.append(make("div", "", say("{name}: {rate}, corrected {corrected} ({low} to {high})", {
                name: line.checkpoint, rate: percent(line.accuracy), corrected: percent(line.corrected.value),
                low: percent(line.corrected.low), high: percent(line.corrected.high),
            })));
        }
    }

    function exportAll() {
        const judged = state.list.filter((item) => item.verdict && item.verdict.answer);
        const text = JSON.stringify({ verdicts: Object.fromEntries(judged.map((item) => [item.key, item.verdict])) }, null, 1);
        tagAtelierRuns.download(new Blob([text], { type: "application/json" }), "verdicts.json");
    }

    return { open };
})();
