/* What is kept for the user: favourites, history, styles and corrections of a tag, and the tool "Saved" that shows them.
 * All of it lies with the WebUI (/tag-atelier/v1/prompt/memory and /styles), so every browser sees the same. */
"use strict";

var tagAtelierLanesMemory = (function () {
    const MOST_SHOWN = 40;
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);
    let kept = { corrections: {}, favourites: [], history: [] };
    let asked = null;

    /** All that is kept; asked for once, answered anew by every change. */
    function all() {
        asked = asked || tagAtelier.askJson("GET", "prompt/memory").then((value) => (kept = value), (error) => { asked = null; throw error; });
        return asked;
    }

    async function change(values) {
        kept = await tagAtelier.askJson("POST", "prompt/memory", values);
        asked = Promise.resolve(kept);
        return kept;
    }

    const isFavourite = (text) => kept.favourites.some((row) => row.text === text);
    const correction = (tag) => kept.corrections[tag];
    const favour = (text, wanted) => change(wanted ? { favourite: { text } } : { unfavourite: text });

    /** Favourite tags as entries of the search; favourite prompts are in the tool. */
    async function favouriteEntries() {
        await all();
        return kept.favourites.filter((row) => !row.text.includes(",")).map((row) => ({ tag: row.text, zh: row.name || "", insert: row.text }));
    }

    // --- the tool "Saved" -------------------------------------------------------------------------------------------

    async function open(bench, place) {
        const [, styles] = await Promise.all([all(), tagAtelier.askJson("GET", "prompt/styles")]);
        if (bench.openTool.name !== "saved") return;
        place.replaceChildren(
            title("Favourites"), keepPrompt(bench, place), list(bench, place, kept.favourites.filter((row) => row.text.includes(",")), true),
            title("Styles of the WebUI"), saveStyle(bench, place), ...styles.problems.map((sentence) => make("div", "tag-atelier-warning", sentence)),
            styleList(bench, styles.styles), title("History"), list(bench, place, kept.history, false),
        );
        if (kept.problem) place.prepend(make("div", "tag-atelier-warning", kept.problem));
    }

    const title = (english) => make("h4", "", say(english));

    function keepPrompt(bench, place) {
        const row = make("div", "tag-atelier-bar-row");
        row.append(act("☆ " + say("Keep this prompt"), say("Keeps the prompt of the box among your favourites"), async () => {
            if (bench.text.trim()) await favour(bench.text, true);
            tagAtelierLanesTools.open(bench, bench.openTool);
        }));
        return row;
    }

    function list(bench, place, rows, favourites) {
        if (!rows.length) return tagAtelierLanesTools.note(favourites ? "No prompt is kept yet. Single tags are kept with the star above the lanes."
            : "Prompts you draw or send are listed here.");
        const shown = make("div", "tag-atelier-saved");
        for (const row of rows.slice(0, MOST_SHOWN)) shown.appendChild(savedRow(bench, row, favourites));
        return shown;
    }

    function savedRow(bench, row, favourite) {
        const line = make("div", "tag-atelier-saved-row"), text = make("span", "tag-atelier-saved-text", row.text);
        text.title = row.text;
        line.append(text, act(say("Use"), say("Puts it into the text box; undo takes it back"), () => {
            bench.write(row.text);
            if (row.negative && bench.side === "prompt") bench.write(row.negative, "negative");
            bench.schedule(0);
        }));
        if (favourite) line.append(act("✕", say("Keeps it no longer"), async () => {
            await favour(row.text, false);
            line.remove();
        }));
        return line;
    }

    function styleList(bench, styles) {
        if (!styles.length) return tagAtelierLanesTools.note("The WebUI has no styles yet.");
        const shown = make("div", "tag-atelier-saved");
        for (const style of styles) {
            const line = shown.appendChild(make("div", "tag-atelier-saved-row")), name = make("span", "tag-atelier-saved-text", style.name);
            name.title = [style.prompt, style.negative].filter(Boolean).join("\n");
            line.append(name, act(say("Use"), say("Puts the style's words into both boxes, as the WebUI would"), () => useStyle(bench, style)));
        }
        return shown;
    }

    async function useStyle(bench, style) {
        const texts = { prompt: bench.textOf("prompt"), negative: bench.textOf("negative") };
        try {
            const both = await tagAtelier.askJson("POST", "prompt/styles/import", { names: [style.name], ...texts });
            for (const side of Object.keys(bench.sides)) bench.write(both[side], side);
            bench.schedule(0);
        } catch (error) {
            bench.tell(error.message, "problem");
        }
    }

    function saveStyle(bench, place) {
        const row = make("div", "tag-atelier-bar-row"), name = make("input", "tag-atelier-field tag-atelier-grow");
        name.placeholder = say("Name of a new style");
        name.setAttribute("aria-label", name.placeholder);
        const save = async () => {
            try {
                await tagAtelier.askJson("POST", "prompt/styles/export", { name: name.value, prompt: bench.textOf("prompt"), negative: bench.textOf("negative") });
                tagAtelierLanesTools.open(bench, bench.openTool);
            } catch (error) {
                bench.tell(error.message, "problem");
            }
        };
        row.append(name, act(say("Save as a style"), say("Adds both prompts to the WebUI's styles; no other style is touched"), save));
        return row;
    }

    tagAtelierTools.push({ name: "saved", label: "Saved", hint: "Favourites, styles and the prompts you used last", rank: 7, open });

    return { all, change, favour, isFavourite, correction, favouriteEntries };
})();
