/* The tool "From a picture": the prompt that lies in the picture, else what the tagger sees in it; nothing is written before
 * the user says so. Asks /tag-atelier/v1/prompt/from_picture. */
"use strict";

var tagAtelierLanesPicture = (function () {
    const LARGEST = 20e6;
    const ONE_BY_ONE = 6;
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);

    function open(bench, place) {
        const zone = make("label", "tag-atelier-drop", say("Drop a picture here, or press to choose one")), file = make("input");
        const outcome = make("div", "tag-atelier-card");
        Object.assign(file, { type: "file", accept: "image/png,image/webp,image/jpeg" });
        zone.title = say("PNG, WebP or JPEG, at most 20 MB. It stays on this WebUI.");
        zone.appendChild(file);
        file.addEventListener("change", () => file.files[0] && read(bench, file.files[0], outcome));
        for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (event) => { hold(event); zone.classList.add("tag-atelier-over"); });
        zone.addEventListener("dragleave", () => zone.classList.remove("tag-atelier-over"));
        zone.addEventListener("drop", (event) => {
            hold(event);
            zone.classList.remove("tag-atelier-over");
            if (event.dataTransfer.files[0]) read(bench, event.dataTransfer.files[0], outcome);
        });
        place.replaceChildren(zone, outcome);
    }

    /** The WebUI takes pictures that are dropped on its page, too. */
    function hold(event) {
        event.preventDefault();
        event.stopPropagation();
    }

    function base64(file) {
        return new Promise((done, failed) => {
            const reader = new FileReader();
            reader.onload = () => done(String(reader.result).split(",", 2)[1] || "");
            reader.onerror = () => failed(reader.error);
            reader.readAsDataURL(file);
        });
    }

    async function read(bench, file, outcome, tagger = false) {
        if (file.size > LARGEST) return outcome.replaceChildren(make("div", "tag-atelier-problem", say("The picture is larger than 20 MB; choose a smaller one.")));
        outcome.replaceChildren(tagAtelierLanesTools.note("Looking at the picture…"));
        try {
            const found = await tagAtelier.askJson("POST", "prompt/from_picture", { image: await base64(file), tagger });
            if (found.source === "infotext") drawInfotext(bench, found, outcome, () => read(bench, file, outcome, true));
            else drawTags(bench, found, outcome);
        } catch (error) {
            outcome.replaceChildren(make("div", "tag-atelier-problem", error.message));
        }
    }

    // --- with its own prompt ----------------------------------------------------------------------------------------

    function drawInfotext(bench, found, outcome, useTagger) {
        const parts = { prompt: part("Prompt", found.prompt), negative: part("Negative prompt", found.negative) };
        const names = Object.entries(found.settings).map(([key, value]) => key + " " + value);
        if (bench.options.tab && names.length) parts.settings = part("Settings", names.join(" · "));
        const fill = act(say("Fill in what is ticked"), say("Replaces the text of the boxes; undo takes it back"), () => fillIn(bench, found, parts), "tag-atelier-write");
        const look = act(say("Ask the tagger instead"), say("Looks at the picture itself and offers the tags that it sees"), useTagger);
        const row = make("div", "tag-atelier-bar-row");
        row.append(fill, look);
        const notes = found.notes.map((sentence) => make("div", "tag-atelier-warning", say(sentence)));
        outcome.replaceChildren(...Object.values(parts).filter(Boolean).map((one) => one.label), ...notes, row);
    }

    function part(english, text) {
        if (!text) return null;
        const label = make("label", "tag-atelier-choice"), box = label.appendChild(make("input"));
        box.type = "checkbox";
        box.checked = english !== "Settings";
        label.append(make("strong", "", say(english)), make("span", "tag-atelier-preview", text));
        return { label, box };
    }

    async function fillIn(bench, found, parts) {
        const ticked = (name) => parts[name] && parts[name].box.checked;
        if (ticked("negative")) bench.write(found.negative, "negative");
        if (ticked("prompt")) { bench.turn("prompt"); bench.write(found.prompt, "prompt"); }
        bench.tell("");
        if (ticked("settings")) await bench.set(found.settings);
        bench.schedule(0);
    }

    // --- by what is seen --------------------------------------------------------------------------------------------

    function drawTags(bench, found, outcome) {
        const chips = (tags) => {
            const row = make("div", "tag-atelier-lane-chips");
            const percent = (tag) => Math.round(100 * tag.probability) + " %";
            for (const tag of tags) row.appendChild(tagAtelierLanesPeople.choice(bench, tag, tag.safe !== false, percent(tag)));
            return row;
        };
        const add = act(say("Add what is chosen"), say("Adds the chosen tags and puts the prompt in order"), () => {
            const chosen = Array.from(outcome.querySelectorAll("[aria-pressed=true]")).map((chip) => chip.dataset.insert);
            bench.turn("prompt");
            if (chosen.length > ONE_BY_ONE) addArranged(bench, chosen);
            else bench.addAll(chosen);
        }, "tag-atelier-write");
        const characters = found.characters.length ? [make("h4", "", say("Characters")), chips(found.characters)] : [];
        const rating = found.rating ? [make("div", "tag-atelier-dim", say("Rating: {name}", { name: found.rating.name }))] : [];
        const none = found.tags.length ? [] : [tagAtelierLanesTools.note("The tagger is sure of no tag in this picture.")];
        if (found.hidden) rating.push(make("div", "tag-atelier-dim", say("Explicit tags that are hidden: {count}", { count: found.hidden })));
        outcome.replaceChildren(...characters, make("h4", "", say("Tags seen, with their probability")), chips(found.tags), ...none, ...rating, add);
    }

    /** Many tags at once: behind what is there, then all in order. */
    async function addArranged(bench, tags) {
        const there = bench.textOf("prompt").replace(/[,\s]+$/, "");
        bench.write([there, ...tags].filter(Boolean).join(", "), "prompt");
        await bench.change(() => ({ kind: "arrange" }));
    }

    tagAtelierTools.push({ name: "picture", label: "From a picture", hint: "Reads the prompt out of a picture, or asks the tagger what it sees", rank: 5, open });

    return { read };
})();
