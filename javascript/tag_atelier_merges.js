/* What of merges the page shows beside the form: saved recipes and the history on the Merge tab, and on every tab a badge
 * while the loaded model is merged, with restore and save beside it. */
"use strict";

var tagAtelierMerges = (function () {
    const LOOK_EVERY = 10000;
    const { find, say, askJson, make, button, type, watch, whenReady, readData } = tagAtelier;

    function useRecipe(text) {
        const box = find("#tag_atelier_merge_recipe textarea");
        if (!box) return;
        type(box, text);
        box.blur();
        const fill = find("#tag_atelier_merge_read");
        if (fill) window.setTimeout(() => fill.click(), 200);
        box.scrollIntoView({ block: "center" });
    }

    /** Only a checkpoint can be benchmarked: no LoRA, no folder of diffusers. */
    function benchmarked(entry) {
        const other = !entry.file.endsWith(".safetensors") || /^ *format: /m.test(entry.recipe);
        return other ? [] : [tagAtelierJobs.benchmarkButton([entry.file.replace(/\.safetensors$/, "")])];
    }

    function row(title, quiet, hint, buttons) {
        const line = make("div", "tag-atelier-run");
        line.title = hint;
        line.appendChild(make("span", "tag-atelier-run-name", title));
        line.appendChild(make("span", "tag-atelier-fine", quiet));
        buttons.forEach((each) => line.appendChild(each));
        return line;
    }

    async function forget(name, place) {
        if (!window.confirm(say("Delete the recipe '{name}' for good?", { name: name }))) return;
        await askJson("DELETE", "recipes/" + encodeURIComponent(name)).catch((error) => fail(place, error));
        show();
    }

    function fail(place, error) {
        place.prepend(make("div", "tag-atelier-problem", error.message));
    }

    /** Reads saved recipes and history again; nothing where the tab is not on the page. */
    async function show() {
        const place = find("[data-tag-atelier-merges]");
        if (!place) return;
        let kept;
        try {
            kept = await askJson("GET", "merges");
        } catch (error) {
            fail(place, error);
            return;
        }
        const saved = Object.entries(kept.recipes).map(([name, text]) => row(name, say("virtual checkpoint"), text, [
            button(say("Use this recipe"), "", () => useRecipe(text)),
            ...(typeof switch_to_txt2img === "function" ? [tagAtelierJobs.benchmarkButton([name + ".merge"])] : []),
            button(say("Delete"), "tag-atelier-stop", () => forget(name, place)),
        ]));
        const merged = kept.history.map((entry) => row(
            entry.file, tagAtelierFigures.moment(entry.date), entry.digest,
            [button(say("Use this recipe"), "", () => useRecipe(entry.recipe)), ...benchmarked(entry)]));
        const parts = [];
        for (const [title, rows, empty] of [
            [say("Saved recipes"), saved, say("None yet. “Save the recipe” keeps the text above under a name.")],
            [say("Merges that were written"), merged, say("None yet. Merges to a file are listed here with their recipes.")],
        ]) {
            parts.push(make("h4", "", title));
            parts.push(...(rows.length ? rows : [make("div", "tag-atelier-quiet", empty)]));
        }
        tagAtelier.redraw(place, parts);
    }

    // --- the badge on every tab ---------------------------------------------------------------------------------

    let badge = null;
    let told = "";
    let looked = false;

    async function start(method, path, body) {
        badge.querySelectorAll("button").forEach((each) => { each.disabled = true; });
        try {
            await askJson(method, path, body);
            await watch();
        } catch (error) {
            badge.title = error.message;
            badge.classList.add("tag-atelier-live-badge-failed");
        }
        window.setTimeout(look, 1500);
    }

    function save(recipe) {
        const name = window.prompt(say("Name of the new checkpoint, or of the recipe"), "");
        if (name) start("POST", "merges", { recipe: recipe, name: name });
    }

    function draw(status) {
        // While a search draws, the model changes every few seconds; it puts its own weights back itself.
        const stays = status.dirty && (status.live_merge || !(status.jobs || []).length);
        const state = JSON.stringify([stays, status.live_merge, status.loaded]);
        if (state === told) return;
        told = state;
        if (badge) badge.remove();
        badge = null;
        if (!stays) return;
        badge = make("div", "tag-atelier-live-badge");
        badge.setAttribute("role", "status");
        badge.title = status.recipe || "";
        const name = status.live_merge ? status.live_merge.slice(0, 10) : "";
        badge.appendChild(make("span", "", [say("{model} is merged", { model: status.loaded || "–" }), name].filter(Boolean).join(" · ")));
        badge.appendChild(button(say("Restore"), "", () => start("DELETE", "live")));
        if (status.recipe) badge.appendChild(button(say("Save…"), "", () => save(status.recipe)));
        document.body.appendChild(badge);
    }

    /** One small request every ten seconds while the page is looked at, and when a job of ours has ended. */
    async function look() {
        if (document.visibilityState !== "visible" || !readData("page").token) return;
        looked = true;
        const status = await askJson("GET", "status").catch(() => null);
        if (status) draw(status);
    }

    let shelfShown = false;
    function lookAround() {
        if (!looked) look();
        const place = find("[data-tag-atelier-merges]");
        const now = Boolean(place && place.offsetParent !== null);
        if (now && !shelfShown) show();
        shelfShown = now;
    }

    whenReady(() => {
        if (look.running) return;
        look.running = true;
        look();
        window.setInterval(look, LOOK_EVERY);
        window.setInterval(lookAround, 1000);
        document.addEventListener("visibilitychange", look);
        document.addEventListener("tag-atelier-job-over", () => { look(); if (shelfShown) show(); });
    });

    tagAtelier.showMerges = show;
    return { show, look, useRecipe };
})();
