/* The bar above the lanes: what the chosen chip is, and everything that can be done with it, also without a keyboard.
 * Its second row keeps the user's own corrections of a tag. Drawn by tag_atelier_lanes_view.js. */
"use strict";

var tagAtelierLanesBar = (function () {
    const STEP = 0.05;
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);

    function draw(bench, item) {
        const key = JSON.stringify([item || null, bench.side, bench.correcting]);
        if (bench.bar.dataset.key === key && bench.bar.firstChild) return;
        bench.bar.dataset.key = key;
        if (!item) {
            bench.bar.replaceChildren();
            return;
        }
        const row = make("div", "tag-atelier-bar-row");
        row.append(editor(bench, item), facts(bench, item), ...buttons(bench, item));
        bench.bar.replaceChildren(row, ...(bench.correcting ? [corrections(bench, item)] : []));
    }

    function facts(bench, item) {
        const slot = bench.answer.slots.find((one) => one.id === item.slot);
        const sure = item.slot !== "unknown" && item.confidence < 0.8 ? say("{percent} % sure", { percent: Math.round(100 * item.confidence) }) : "";
        const parts = [item.zh, slot && slot.label, item.posts && say("{count} pictures", { count: item.posts.toLocaleString("en") }), sure, item.reason];
        const said = make("span", "tag-atelier-bar-facts", parts.filter(Boolean).join(" · "));
        said.title = said.textContent;
        return said;
    }

    /** The chip's own text; Enter writes it, Esc leaves it. */
    function editor(bench, item) {
        const box = make("input", "tag-atelier-field tag-atelier-bar-text");
        box.type = "text";
        box.value = item.text;
        box.disabled = item.off;
        box.setAttribute("aria-label", say("Text of the chosen tag"));
        box.title = say("The tag as it stands in the prompt. Enter writes what you change, Esc leaves it.");
        box.addEventListener("keydown", (event) => {
            if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
            event.preventDefault();
            event.stopPropagation();
            const text = box.value;
            tagAtelierLanesView.focus(bench);
            if (event.key === "Enter" && text !== item.text) on(bench, item, (index) => ({ kind: "replace", index, text }));
            else box.value = item.text;
        });
        return box;
    }

    function buttons(bench, item) {
        if (item.off) return [act(say("Switch on"), say("Puts the tag back where it was (Space)"), () => toggle(bench, item), "tag-atelier-on"), remover(bench, item)];
        const weight = make("span", "tag-atelier-bar-weight", Number(item.weight.toFixed(2)).toString());
        weight.title = say("Weight of the tag; 1 is plain");
        return [
            act("−", say("Less weight (−)"), () => weigh(bench, item, -STEP)), weight,
            act("+", say("More weight (+)"), () => weigh(bench, item, STEP)),
            act("◂", say("Earlier (Alt+Left)"), () => tagAtelierLanesMoves.nudge(bench, -1)),
            act("▸", say("Later (Alt+Right)"), () => tagAtelierLanesMoves.nudge(bench, 1)),
            act(say(item.pinned ? "Unpin" : "Pin"), say("A pinned tag stays in front when the prompt is arranged (P)"), () => pin(bench, item)),
            act(say("Off"), say("Takes the tag out of the text, but keeps it here (Space)"), () => toggle(bench, item), "tag-atelier-switch-off"),
            act(tagAtelierLanesMemory.isFavourite(item.tag) ? "★" : "☆", say("Keeps the tag among your favourites, which the search shows first"), () => star(bench, item)),
            act("⋯", say("Correct where the tag belongs, or its Chinese name"), () => { bench.correcting = !bench.correcting; draw(bench, item); }),
            remover(bench, item),
        ];
    }

    const remover = (bench, item) => act("✕", say("Removes the tag (Delete)"), () => remove(bench, item), "tag-atelier-remove");

    // --- edits of one chip ------------------------------------------------------------------------------------------

    /** An edit of `item`, unless the text has changed so that it stands elsewhere. */
    function on(bench, item, make) {
        return bench.change((answer) => {
            const now = answer.items.find((one) => !one.off && one.start === item.start && one.text === item.text)
                || answer.items.find((one) => !one.off && one.text === item.text);
            return now ? make(now.index) : null;
        });
    }

    function weigh(bench, item, by) {
        return bench.change((answer) => {
            const now = item.off ? null : answer.items[bench.state.place];
            if (!now || now.tag !== item.tag) return null;
            return { kind: "weight", index: now.index, weight: Math.round((now.weight + by) * 100) / 100 };
        });
    }

    function remove(bench, item) {
        if (item.off) return bench.forget(item);
        return on(bench, item, (index) => ({ kind: "remove", index }));
    }

    function toggle(bench, item) {
        return item.off ? bench.change(() => ({ kind: "on", key: item.key })) : on(bench, item, (index) => ({ kind: "off", index }));
    }

    const pin = (bench, item) => on(bench, item, (index) => ({ kind: item.pinned ? "unpin" : "pin", index }));

    async function star(bench, item) {
        await tagAtelierLanesMemory.favour(item.tag, !tagAtelierLanesMemory.isFavourite(item.tag));
        bench.bar.dataset.key = "";
        draw(bench, item);
    }

    // --- corrections ------------------------------------------------------------------------------------------------

    function corrections(bench, item) {
        const row = make("div", "tag-atelier-bar-row tag-atelier-corrections");
        const slot = make("select", "tag-atelier-field"), zh = make("input", "tag-atelier-field");
        for (const one of bench.answer.slots) slot.add(new Option(one.label, one.id, false, one.id === item.slot));
        slot.title = say("The lane this tag belongs to, from now on and in every prompt");
        slot.setAttribute("aria-label", slot.title);
        slot.addEventListener("change", () => bench.correct(item.tag, { slot: slot.value }));
        zh.value = item.zh;
        zh.placeholder = say("Chinese name");
        zh.title = say("The Chinese name you want to see and search by; Enter keeps it");
        zh.setAttribute("aria-label", zh.placeholder);
        zh.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && !event.isComposing) bench.correct(item.tag, { zh: zh.value.trim() });
        });
        row.append(
            slot, zh,
            act(say("Hide from search"), say("The search offers this tag no longer"), () => bench.correct(item.tag, { hidden: true })),
            act(say("Forget my corrections"), say("Takes back what you changed about this tag"), () => bench.correct(item.tag, null)),
        );
        return row;
    }

    return { draw, on, weigh, remove, toggle, pin, STEP };
})();
