/* The tools "Family" (quality words, negative presets, sampler and size of the model family) and "Negative" (a negative prompt
 * with the installed embeddings that fit). Ask /tag-atelier/v1/prompt/settings, /profile and /negative. */
"use strict";

var tagAtelierLanesFamily = (function () {
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);
    const words = (id) => id.replace(/_/g, " ");

    // --- Family -----------------------------------------------------------------------------------------------------

    async function open(bench, place) {
        const id = bench.family;
        const family = await tagAtelier.askJson("GET", "prompt/settings?profile=" + encodeURIComponent(id));
        if (bench.openTool.name !== "family") return;
        place.dataset.family = id;
        const why = make("div", "tag-atelier-dim");
        place.replaceChildren(make("h4", "", family.name), why, ...qualityPart(bench, family), ...negativePart(bench, family), ...settingsPart(bench, family), notes(family));
        tagAtelier.askJson("GET", "prompt/profile").then((found) => { why.textContent = found.checkpoint ? found.why : ""; }, () => undefined);
    }

    /** Another family was chosen meanwhile. */
    function drawn(bench, place) {
        if (place.dataset.family && place.dataset.family !== bench.family) open(bench, place);
    }

    const heading = (english) => make("h4", "", say(english));

    function choices(table, hint, press) {
        const row = make("div", "tag-atelier-bar-row");
        for (const [id, text] of Object.entries(table)) row.append(act(words(id), hint + "\n" + text, () => press(id)));
        return row;
    }

    function qualityPart(bench, family) {
        if (!Object.keys(family.quality).length) return [];
        const press = (level) => { bench.turn("prompt"); bench.change(() => ({ kind: "quality", level })); };
        return [heading("Quality words"), choices(family.quality, say("Adds where the family wants it:"), press)];
    }

    function negativePart(bench, family) {
        if (!Object.keys(family.negative).length) return [];
        const press = (name) => bench.change(() => ({ kind: "negative_preset", name }));
        return [heading("Negative words"), choices(family.negative, say("Adds to the negative prompt:"), press)];
    }

    function settingsPart(bench, family) {
        const sampling = family.sampling, size = make("select", "tag-atelier-field");
        for (const [width, height] of sampling.sizes) size.add(new Option(width + " × " + height, width + "x" + height));
        size.title = say("Sizes this family was trained on");
        size.setAttribute("aria-label", size.title);
        const facts = [sampling.sampler + (sampling.scheduler === "Automatic" ? "" : " " + sampling.scheduler),
            say("{steps} steps", { steps: sampling.steps }), "CFG " + sampling.cfg_scale, say("clip skip {number}", { number: sampling.clip_skip })];
        const row = make("div", "tag-atelier-bar-row");
        row.append(make("span", "", facts.join(" · ")), size);
        if (bench.options.tab) row.append(act(say("Apply sampler and size"), say("Sets the WebUI's own controls to these"), () => apply(bench, sampling, size.value), "tag-atelier-apply"));
        return [heading("Settings"), row];
    }

    function apply(bench, sampling, size) {
        const [width, height] = size.split("x").map(Number);
        const { sampler, scheduler, steps, cfg_scale, clip_skip } = sampling;
        bench.tell(say("Set as the family's author advises."));
        return bench.set({ sampler, scheduler, steps, cfg_scale, clip_skip, width, height });
    }

    function notes(family) {
        const list = make("ul", "tag-atelier-list");
        for (const note of family.notes) list.appendChild(make("li", "", say(note)));
        return list;
    }

    // --- Negative ---------------------------------------------------------------------------------------------------

    async function openNegative(bench, place) {
        const profile = bench.family, chosen = new Set();
        const all = await tagAtelier.askJson("POST", "prompt/negative", { profile });
        const names = all.installed.map((one) => one.name);
        const fitting = names.length ? await tagAtelier.askJson("POST", "prompt/negative", { profile, embeddings: names }) : all;
        if (bench.openTool.name !== "negative") return;
        const preset = make("select", "tag-atelier-field tag-atelier-grow"), preview = make("div", "tag-atelier-preview");
        preset.append(new Option(say("no preset"), "none"), ...all.presets.map((id) => new Option(words(id), id)));
        preset.selectedIndex = all.presets.length ? 1 : 0;
        preset.title = say("Negative words of the family");
        const left = new Map(fitting.left.map((row) => [row.name, row.why]));
        const show = async () => {
            const asked = { profile, preset: preset.value, embeddings: [...chosen], text: bench.textOf("negative") };
            const answer = await tagAtelier.askJson("POST", "prompt/negative", asked);
            preview.textContent = answer.text;
            return answer.text;
        };
        preset.addEventListener("change", show);
        const write = async () => { const text = await show(); bench.write(text, "negative"); bench.turn("negative"); };
        const row = make("div", "tag-atelier-bar-row");
        row.append(preset, act(say("Write it"), say("Puts this into the negative prompt; undo takes it back"), write, "tag-atelier-write"));
        place.replaceChildren(row, embeddings(all.installed, left, chosen, show), preview);
        await show();
    }

    function embeddings(installed, left, chosen, show) {
        if (!installed.length) return tagAtelierLanesTools.note("No embeddings are installed; the preset's words do without.");
        const list = make("div", "tag-atelier-choices");
        for (const one of installed) {
            const label = list.appendChild(make("label", "tag-atelier-choice")), box = label.appendChild(make("input"));
            box.type = "checkbox";
            box.disabled = left.has(one.name);
            label.title = left.get(one.name) || say("Adds this embedding to the negative prompt");
            label.append(make("span", "", one.name), make("small", "tag-atelier-dim", left.has(one.name) ? label.title : one.base));
            box.addEventListener("change", () => { chosen[box.checked ? "add" : "delete"](one.name); show(); });
        }
        return list;
    }

    tagAtelierTools.push(
        { name: "family", label: "Family", hint: "Quality words, negative words, sampler and size of this model family", rank: 1, open, drawn },
        { name: "negative", label: "Negative", hint: "Builds a negative prompt from the family's words and the embeddings that fit it", rank: 4, open: openNegative },
    );

    return { apply };
})();
