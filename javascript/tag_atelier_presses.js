/* What a press of our buttons needs beside its work: no double start, a question before what cannot be undone, and the answer
 * brought into sight. Listens before gradio does; ids are those of tag_atelier/ui/ids.py. */
"use strict";

(function () {
    const PREFIX = "tag_atelier_";
    const AGAIN_AFTER = 700;
    const LONGEST_ANSWER = 20000;
    /** Pressed twice in a moment these would work twice. */
    const STARTS = ["bench_start", "merge_write", "merge_live", "merge_restore", "merge_save", "search_start"];
    const ANSWERED = {
        bench: ["plan", "start", "write"],
        merge: ["check", "read", "write", "save", "live", "restore", "keep_preset", "drop_preset"],
        search: ["cost", "start"],
    };
    const pressedAt = new Map();

    function isTooSoon(name) {
        const now = Date.now(), before = pressedAt.get(name) || 0;
        if (STARTS.includes(name)) pressedAt.set(name, now);
        return now - before < AGAIN_AFTER;
    }

    /** Only forgetting a preset loses what cannot be had again; lists of ours ask for themselves. */
    function isRefused(name) {
        if (name !== "merge_drop_preset") return false;
        const box = tagAtelier.find("#tag_atelier_merge_preset_name textarea, #tag_atelier_merge_preset_name input");
        const preset = box ? box.value.trim() : "";
        return Boolean(preset) && !window.confirm(tagAtelier.say("Forget the preset '{name}' for good?", { name: preset }));
    }

    function bringIntoSight(room) {
        const place = tagAtelier.find("#" + PREFIX + room + "_result");
        if (!place) return;
        const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        const seen = new MutationObserver(() => {
            seen.disconnect();
            place.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
        });
        seen.observe(place, { childList: true, subtree: true, characterData: true });
        window.setTimeout(() => seen.disconnect(), LONGEST_ANSWER);
    }

    function pressed(event) {
        const button = event.target.closest && event.target.closest("button[id^=" + PREFIX + "]");
        if (!button) return;
        const name = button.id.slice(PREFIX.length);
        if (isTooSoon(name) || isRefused(name)) {
            event.stopImmediatePropagation();
            event.preventDefault();
            return;
        }
        const [room, ...act] = name.split("_");
        if ((ANSWERED[room] || []).includes(act.join("_"))) bringIntoSight(room);
    }

    document.addEventListener("click", pressed, true);
})();
