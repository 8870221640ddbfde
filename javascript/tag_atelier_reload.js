/* What a reload of the page must not lose: the sub-tab that was open and what was typed. Kept by the browser for this tab
 * alone, and only taken back after a reload, never by a new visit. */
"use strict";

(function () {
    const KEY = "tag-atelier-page " + window.location.pathname;
    const MOST_TRIES = 40;
    const BOXES = ["prompt_text", "prompt_negative", "bench_spec", "merge_recipe", "merge_name", "search_spec"];
    let kept = null;

    const boxOf = (name) => tagAtelier.find("#tag_atelier_" + name + " textarea, #tag_atelier_" + name + " input");
    const rooms = () => tagAtelier.findAll("#tag_atelier_tabs > .tab-nav button");
    const isReload = () => performance.getEntriesByType("navigation").some((entry) => ["reload", "back_forward"].includes(entry.type));

    function keep() {
        if (!rooms().length) return;
        const texts = {};
        for (const name of BOXES) {
            const box = boxOf(name);
            if (box) texts[name] = box.value;
        }
        const room = rooms().findIndex((button) => button.classList.contains("selected"));
        try {
            sessionStorage.setItem(KEY, JSON.stringify({ room: room, texts: texts }));
        } catch { /* a browser that keeps nothing, or a text too long to be kept */ }
    }

    function read() {
        try {
            return JSON.parse(sessionStorage.getItem(KEY)) || {};
        } catch {
            return {};
        }
    }

    /** Not typed as a person does: the keyboard may be elsewhere, and there is nothing to undo. */
    function put(box, text) {
        Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value").set.call(box, text);
        box.dispatchEvent(new Event("input", { bubbles: true }));
    }

    /** The merge form follows its text as soon as gradio hears presses, which is after its controls are drawn. */
    function fillMergeForm(tries) {
        const first = tagAtelier.find("#tag_atelier_merge_first input"), fill = tagAtelier.find("#tag_atelier_merge_read");
        if (!first || !fill || first.value || tries > MOST_TRIES) return;
        fill.click();
        window.setTimeout(() => fillMergeForm(tries + 1), 500);
    }

    function begin() {
        if (kept || !tagAtelier.isReady() || !rooms().length) return;
        kept = isReload() ? read() : {};
        for (const name of BOXES) {
            const box = boxOf(name), text = (kept.texts || {})[name];
            if (box && typeof text === "string" && text !== box.value) put(box, text);
        }
        if ((kept.texts || {}).merge_recipe) fillMergeForm(0);
        if (kept.room > 0 && rooms()[kept.room]) rooms()[kept.room].click();
    }

    window.addEventListener("pagehide", keep);
    tagAtelier.whenReady(() => tagAtelier.whenShown("#tag_atelier_tabs", begin));
})();
