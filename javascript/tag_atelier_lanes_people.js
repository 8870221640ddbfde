/* The tools "Artists" (a mixer: names in the user's order, each with a weight) and "Character" (triggers, characteristics and
 * clothes). Ask /tag-atelier/v1/prompt/artists and /prompt/character. */
"use strict";

var tagAtelierLanesPeople = (function () {
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);

    // --- Artists ----------------------------------------------------------------------------------------------------

    async function openArtists(bench, place) {
        const asked = { text: bench.textOf("prompt"), profile: bench.family };
        const answer = await tagAtelier.askJson("POST", "prompt/artists", asked);
        if (bench.openTool.name !== "artists") return;
        const mixer = { bench, rows: answer.artists.map(({ name, weight }) => ({ name, weight })), list: make("div", "tag-atelier-mixer") };
        const search = tagAtelierLanesSearch.field(bench, {
            label: say("Add an artist"), hint: say("Searches artists; without a list of names any name is taken as it is typed."),
            kinds: "artist", typed: true, choose: (entry) => { mixer.rows.push({ name: entry.tag.replace(/^by /, ""), weight: 1 }); drawMixer(mixer); },
        });
        const row = make("div", "tag-atelier-bar-row");
        row.append(act(say("Write into the prompt"), say("Puts exactly these artists into the prompt, in this order, where the family wants them"),
            () => writeArtists(mixer), "tag-atelier-write"));
        place.replaceChildren(search, mixer.list, row);
        drawMixer(mixer);
    }

    function drawMixer(mixer) {
        const rows = mixer.rows.map((artist, index) => drawArtist(mixer, artist, index));
        mixer.list.replaceChildren(...(rows.length ? rows : [tagAtelierLanesTools.note("No artist yet. One stands in front; several are a mix of styles.")]));
    }

    function drawArtist(mixer, artist, index) {
        const row = make("div", "tag-atelier-artist"), slider = make("input"), number = make("input", "tag-atelier-field tag-atelier-number");
        Object.assign(slider, { type: "range", min: 0.1, max: 1.5, step: 0.05, value: artist.weight, title: say("Weight; below 1 often draws better") });
        Object.assign(number, { type: "number", min: 0.1, max: 3, step: 0.05, value: artist.weight, title: slider.title });
        for (const box of [slider, number]) {
            box.setAttribute("aria-label", say("Weight of {name}", { name: artist.name }));
            box.addEventListener("input", () => { artist.weight = box.valueAsNumber || 1; (box === slider ? number : slider).value = artist.weight; });
        }
        const move = (to) => { mixer.rows.splice(index, 1); mixer.rows.splice(to, 0, artist); drawMixer(mixer); };
        row.draggable = true;
        row.title = say("Drag to change the order");
        row.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/x-tag-atelier-artist", String(index)));
        row.addEventListener("dragover", (event) => event.preventDefault());
        row.addEventListener("drop", (event) => dropArtist(mixer, event, index));
        slider.draggable = true;
        slider.addEventListener("dragstart", (event) => { event.preventDefault(); event.stopPropagation(); });
        row.append(make("span", "tag-atelier-artist-name", artist.name), slider, number,
            act("▴", say("Earlier"), () => move(Math.max(0, index - 1))), act("▾", say("Later"), () => move(index + 1)),
            act("✕", say("Removes the artist"), () => { mixer.rows.splice(index, 1); drawMixer(mixer); }));
        return row;
    }

    function dropArtist(mixer, event, index) {
        const from = event.dataTransfer.getData("text/x-tag-atelier-artist");
        if (from === "") return;
        event.preventDefault();
        mixer.rows.splice(index, 0, ...mixer.rows.splice(Number(from), 1));
        drawMixer(mixer);
    }

    async function writeArtists(mixer) {
        const { bench, rows } = mixer;
        try {
            const asked = { text: bench.textOf("prompt"), profile: bench.family, artists: rows };
            const answer = await tagAtelier.askJson("POST", "prompt/artists", asked);
            bench.turn("prompt");
            bench.write(answer.text, "prompt");
            bench.schedule(0);
        } catch (error) {
            bench.tell(error.message, "problem");
        }
    }

    // --- Character --------------------------------------------------------------------------------------------------

    function openCharacter(bench, place) {
        const helper = { bench, card: make("div", "tag-atelier-card"), name: "", form: "tag", costume: "", left: new Set() };
        const form = make("select", "tag-atelier-field");
        form.append(new Option(say("as a tag"), "tag"), new Option(say("as a sentence"), "sentence"));
        form.title = say("How the character is named: as a tag, or as a sentence, which AIDXL knows from 0.8 on");
        form.addEventListener("change", () => { helper.form = form.value; look(helper); });
        const search = tagAtelierLanesSearch.field(bench, {
            label: say("Name of a character, 中文 too"), hint: say("Searches characters; Enter looks the chosen one up."),
            kinds: "character", typed: true, choose: (entry) => { helper.name = entry.tag; helper.left.clear(); look(helper); },
        });
        const costume = tagAtelierLanesSearch.field(bench, {
            label: say("In the clothes of … (optional)"), hint: say("Another character, whose clothes are worn. Clothes are not part of a character."),
            kinds: "character", typed: true, choose: (entry) => { helper.costume = entry.tag; look(helper); },
        });
        search.classList.add("tag-atelier-grow");
        const row = make("div", "tag-atelier-bar-row");
        row.append(search, form);
        place.replaceChildren(row, costume, helper.card);
        helper.card.appendChild(tagAtelierLanesTools.note("Look a character up to see both ways of naming it, its hair and eyes."));
    }

    async function look(helper) {
        if (!helper.name) return;
        const { bench, form } = helper, asked = { name: helper.name, form, profile: bench.family };
        if (helper.costume) asked.costume = helper.costume;
        try {
            drawCharacter(helper, await tagAtelier.askJson("POST", "prompt/character", asked));
        } catch (error) {
            helper.card.replaceChildren(make("div", "tag-atelier-problem", error.message));
        }
    }

    function drawCharacter(helper, found) {
        const { bench } = helper, trigger = helper.form === "sentence" ? found.sentence : found.tag;
        const names = [found.name.replace(/_/g, " "), ...found.zh].join(" · ");
        const series = found.series ? found.series.replace(/_/g, " ") : "";
        const clothes = found.text.split(", ").filter((part) => part !== trigger && !found.features.some((one) => one.insert === part));
        const worn = helper.costume ? clothes.map((tag) => ({ tag, insert: tag, slot: "clothing", zh: "" })) : found.outfit;
        const chosen = () => [trigger, ...Array.from(helper.card.querySelectorAll("[aria-pressed=true]")).map((chip) => chip.dataset.insert)];
        const add = act(say("Add to the prompt"), say("Adds the name and what is chosen, each in its lane"), () => { bench.turn("prompt"); bench.addAll(chosen()); }, "tag-atelier-write");
        helper.card.replaceChildren(
            make("h4", "", names + (series ? " — " + series : "")), make("code", "tag-atelier-preview", trigger),
            ...(found.note ? [make("div", "tag-atelier-warning", found.note)] : []),
            ...group(bench, "Main characteristics", found.features, true), ...group(bench, helper.costume ? "Clothes of the other" : "Usual clothes", worn, Boolean(helper.costume)), add,
        );
    }

    function group(bench, english, tags, on) {
        if (!tags.length) return [];
        const chips = make("div", "tag-atelier-lane-chips");
        for (const tag of tags) chips.appendChild(choice(bench, tag, on));
        return [make("h4", "", say(english)), chips];
    }

    /** A chip that can be chosen or not; also used for what the tagger saw. */
    function choice(bench, tag, on, note = "") {
        const chip = make("button", "tag-atelier-tag tag-atelier-slot-" + (tag.slot || "unknown"));
        const name = make("span", "tag-atelier-tag-name", tag.tag.replace(/_/g, " ")), zh = make("span", "tag-atelier-tag-zh", tag.zh || "");
        chip.type = "button";
        chip.append(...(bench.chinese ? [zh, name] : [name, zh]), make("span", "tag-atelier-tag-posts", note));
        chip.dataset.insert = tag.insert || tag.tag;
        chip.title = say("Press to choose it or not");
        chip.setAttribute("aria-pressed", String(on));
        chip.addEventListener("click", () => chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true")));
        return chip;
    }

    tagAtelierTools.push(
        { name: "artists", label: "Artists", hint: "Mixes artists with weights and writes them in the family's form and place", rank: 2, open: openArtists },
        { name: "character", label: "Character", hint: "Finds a character's triggers, characteristics and clothes", rank: 3, open: openCharacter },
    );

    return { choice };
})();
