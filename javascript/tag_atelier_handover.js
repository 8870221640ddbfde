/* Work that one sub-tab hands to Benchmark: a prompt as a plan's template, a merged checkpoint as what is compared. */
"use strict";

var tagAtelierHandover = (function () {
    const ROOM = "#tag_atelier_tabs";
    const PLAN = "#tag_atelier_bench_spec textarea";
    const BENCHMARK = 1;
    const quoted = (text) => JSON.stringify(text);

    /** Shows Benchmark with `text` as its plan; in the WebUI's own panel our tab comes first. */
    function show(text) {
        const tabs = tagAtelier.find(ROOM);
        if (!tabs) return;
        if (!tabs.offsetParent) {
            const ours = Array.from(tagAtelier.find("#tabs").querySelectorAll(":scope > .tab-nav button"));
            const title = (button) => button.textContent.trim();
            (ours.find((button) => title(button) === "Tag Atelier") || ours[0]).click();
        }
        tabs.querySelectorAll(":scope > .tab-nav button")[BENCHMARK].click();
        // A box that is not shown yet does not take what is typed.
        window.requestAnimationFrame(() => tagAtelier.type(tagAtelier.find(PLAN), text));
    }

    /** A plan that draws rare tags behind this prompt. */
    const promptPlan = (prompt, negative) => [
        "name: My prompt",
        "template: " + quoted([prompt.replace(/[,\s]+$/, ""), "{tag}"].filter(Boolean).join(", ")),
        "negative: " + quoted(negative),
        "rule: {slot: action, posts_below: 5000, take: 8}",
        "seeds: [1, 2, 3, 4]",
        "parameters: {steps: 28, width: 832, height: 1216}",
        "",
    ].join("\n");

    /** The plan `text` with these checkpoints in the place of its own. */
    function withCheckpoints(text, names) {
        const rest = text.replace(/^checkpoints:.*\n?(?:[ \t-].*\n?)*/m, "").replace(/\n*$/, "\n");
        return rest + "checkpoints: [" + names.map(quoted).join(", ") + "]\n";
    }

    const prompt = (text, negative) => show(promptPlan(text, negative));
    const checkpoints = (names) => show(withCheckpoints(tagAtelier.find(PLAN).value, names));

    return { prompt, checkpoints };
})();
