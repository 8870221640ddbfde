/* Draws a Bench: head, lanes of chips, and the bar that says what the chosen chip is and what can be done with it.
 * A listbox with one tab stop; tag_atelier_lanes_moves.js gives it its keys and its mouse. */
"use strict";

var tagAtelierLanesView = (function () {
    const BORDERS = { and: "AND", break: "BREAK", comment: "#", region: "", weight: "" };
    const NETWORKS = "networks";
    const CHUNK = 75;
    const { make, say } = tagAtelier;

    /** A small button with its own tooltip. */
    function act(sign, hint, action, classes) {
        const button = tagAtelier.button(sign, "tag-atelier-act " + (classes || ""), (event) => void action(event));
        button.title = hint;
        if (sign.length < 3) button.setAttribute("aria-label", hint);
        return button;
    }

    function posts(count) {
        if (!count) return "";
        if (count >= 1e6) return (count / 1e6).toFixed(count < 1e7 ? 1 : 0) + "M";
        return count >= 1e3 ? Math.round(count / 1e3) + "k" : String(count);
    }

    // --- once -------------------------------------------------------------------------------------------------------

    function build(bench) {
        const main = make("div", "tag-atelier-bench-main"), side = make("div", "tag-atelier-bench-side");
        bench.head = main.appendChild(make("div", "tag-atelier-lanes-head"));
        buildHead(bench);
        main.appendChild(tagAtelierLanesSearch.adder(bench));
        bench.bar = main.appendChild(make("div", "tag-atelier-chip-bar"));
        bench.lanes = main.appendChild(make("div", "tag-atelier-lanes"));
        bench.lanes.setAttribute("role", "listbox");
        bench.emptyLanes = main.appendChild(make("div", "tag-atelier-empty-lanes"));
        bench.status = main.appendChild(make("div", "tag-atelier-lanes-status"));
        bench.status.setAttribute("role", "status");
        bench.holder.classList.add("tag-atelier-bench");
        bench.holder.replaceChildren(main, side);
        tagAtelierLanesTools.build(bench, side);
        tagAtelierLanesMoves.listen(bench);
        draw(bench);
    }

    function buildHead(bench) {
        const sides = make("div", "tag-atelier-sides");
        const names = { prompt: say("Prompt"), negative: say("Negative prompt") };
        bench.sideButtons = {};
        for (const side of Object.keys(bench.sides)) {
            const hint = say("Shows the lanes of this box; clicking into the box does the same.");
            bench.sideButtons[side] = sides.appendChild(act(names[side], hint, () => bench.turn(side)));
        }
        bench.tokens = make("span", "tag-atelier-badge");
        bench.order = make("span", "tag-atelier-badge");
        const buttons = make("div", "tag-atelier-head-buttons");
        buttons.append(
            act("↶", say("Undo (Ctrl+Z)"), () => bench.step(-1), "tag-atelier-undo"),
            act("↷", say("Redo (Ctrl+Y)"), () => bench.step(1), "tag-atelier-redo"),
            act(say("Arrange"), say("Puts the tags into the family's order. Weights, networks and line structure stay as they are."),
                () => arrange(bench), "tag-atelier-arrange"),
        );
        if (bench.options.send && document.querySelector("#txt2img_prompt")) {
            buttons.append(act(say("Send to txt2img"), say("Puts both prompts into txt2img and goes there."), () => send(bench), "tag-atelier-send"));
        }
        if (document.querySelector("#tag_atelier_tabs")) {
            const hint = say("Makes a benchmark plan of eight rare tags behind this prompt and goes there.");
            buttons.append(act(say("Benchmark this prompt"), hint, () => benchmark(bench), "tag-atelier-benchmark"));
        }
        bench.head.append(sides, bench.tokens, bench.order, buttons);
    }

    function send(bench) {
        for (const side of Object.keys(bench.sides).reverse()) tagAtelier.sendToTxt2img(bench.textOf(side), side === "negative");
        bench.keep();
    }

    function benchmark(bench) {
        const negative = "negative" in bench.sides ? bench.textOf("negative") : "";
        tagAtelierHandover.prompt(bench.textOf("prompt"), negative);
    }

    async function arrange(bench) {
        const before = bench.text;
        await bench.change(() => ({ kind: "arrange" }));
        if (bench.text !== before || !bench.answer || !before.trim()) return;
        const { text, negative, profile } = bench.request();
        const found = await tagAtelier.askJson("POST", "prompt/arrange", { text, negative, profile }).catch(() => ({ reasons: [] }));
        bench.tell(found.reason ? say(found.reason) : say("The tags were in this family's order already."), found.reason ? "warning" : "quiet");
    }

    function tell(bench, sentence, kind, buttons) {
        bench.status.replaceChildren(make("span", "", sentence), ...buttons);
        bench.status.className = "tag-atelier-lanes-status tag-atelier-said-" + kind;
    }

    // --- with every answer ------------------------------------------------------------------------------------------

    function draw(bench) {
        const answer = bench.answer, inLanes = bench.lanes.contains(document.activeElement);
        for (const [side, button] of Object.entries(bench.sideButtons)) button.setAttribute("aria-pressed", String(side === bench.side));
        bench.lanes.setAttribute("aria-label", say(bench.negative ? "Tags of the negative prompt" : "Tags of the prompt"));
        bench.chips = [];
        const empty = !answer || !answer.items.length;
        bench.lanes.replaceChildren(...(empty ? [emptyState(bench)] : segmentsOf(answer).map((items) => drawSegment(bench, items))));
        bench.holder.classList.toggle("tag-atelier-bench-empty", empty);
        drawEmptyLanes(bench);
        drawBadges(bench);
        mark(bench);
        if (inLanes) focus(bench);
        tagAtelierLanesTools.drawn(bench);
    }

    function drawBadges(bench) {
        const answer = bench.answer, badge = "tag-atelier-badge ";
        const tokens = answer ? answer.tokens : 0, limit = answer ? answer.token_limit : CHUNK;
        bench.tokens.textContent = (tokens && !answer.tokens_exact ? "≈ " : "") + tokens + " / " + limit;
        bench.tokens.title = say("Tokens of the prompt. The WebUI reads {limit} at a time; a line in the lanes shows where it begins anew.", { limit: CHUNK });
        bench.tokens.className = badge + "tag-atelier-tokens" + (limit > CHUNK ? " tag-atelier-badge-warning" : "");
        bench.order.hidden = !answer || !answer.items.length;
        if (bench.order.hidden) return;
        bench.order.className = badge + (answer.arranged ? "tag-atelier-badge-done" : "");
        bench.order.textContent = answer.arranged ? "✓ " + say("in order") : say("not in order");
        bench.order.title = answer.arranged ? say("The tags stand in this family's order.")
            : say("Arrange puts the tags into this family's order; the meaning stays unchanged, which is checked each time.");
    }

    function emptyState(bench) {
        const place = make("div", "tag-atelier-quiet");
        place.setAttribute("role", "option");
        place.appendChild(make("span", "", say("Write in the box above, or search for a tag here; each tag then stands in its lane.") + " "));
        if (bench.options.example) place.appendChild(act(say("Show an example"), say("Fills in a prompt to try this with."), () => bench.write(bench.options.example)));
        return place;
    }

    /** Items of one segment each; what is switched off belongs to the first. */
    function segmentsOf(answer) {
        const segments = [];
        answer.items.forEach((item, place) => {
            const last = segments[segments.length - 1];
            const row = { item, place };
            if (item.off) (segments[0] || segments[segments.push([]) - 1]).push(row);
            else if (last && last[0].item.segment === item.segment) last.push(row);
            else segments.push([row]);
        });
        return segments;
    }

    function drawSegment(bench, rows) {
        const part = make("div", "tag-atelier-segment");
        const slots = [...bench.answer.slots, { id: NETWORKS, label: say("networks") }];
        const lanes = new Map(slots.map((slot) => [slot.id, []]));
        bench.chunks = chunkStarts(bench.answer);
        for (const row of rows) {
            if (row.item.slot === "" || row.item.kind in BORDERS) part.appendChild(drawBorder(row.item));
            else lanes.get(row.item.kind === "network" ? NETWORKS : row.item.slot).push(row);
        }
        for (const slot of slots) {
            if (lanes.get(slot.id).length) part.appendChild(drawLane(bench, slot, lanes.get(slot.id)));
        }
        return part;
    }

    /** Lanes without a tag, folded into one row: press one to add a tag there, or drop a chip on it. */
    function drawEmptyLanes(bench) {
        const used = new Set(bench.answer ? bench.answer.items.map((item) => item.slot) : []);
        const slots = bench.chips.length ? bench.answer.slots.filter((slot) => !used.has(slot.id) && slot.id !== "unknown") : [];
        bench.emptyLanes.replaceChildren(...slots.map((slot) => {
            const hint = say("No tag is in this lane; press to add one, or drop one here");
            const lane = act(slot.label, hint, () => tagAtelierLanesSearch.into(bench, slot), "tag-atelier-empty-lane tag-atelier-slot-" + slot.id);
            lane.dataset.slot = slot.id;
            return lane;
        }));
    }

    function drawBorder(item) {
        const border = make("div", "tag-atelier-border", BORDERS[item.kind] || item.text);
        border.title = item.reason || item.text;
        if (item.kind === "comment") border.textContent = item.text;
        return border;
    }

    function drawLane(bench, slot, rows) {
        const lane = make("div", "tag-atelier-lane tag-atelier-slot-" + slot.id);
        lane.setAttribute("role", "group");
        lane.setAttribute("aria-label", slot.label);
        lane.dataset.slot = slot.id;
        lane.appendChild(make("span", "tag-atelier-lane-name", slot.label)).setAttribute("aria-hidden", "true");
        const chips = lane.appendChild(make("div", "tag-atelier-lane-chips"));
        for (const row of rows) {
            if (bench.chunks.has(row.item)) chips.appendChild(chunkMark());
            chips.appendChild(drawChip(bench, slot, row));
        }
        return lane;
    }

    /** The items that the WebUI's further chunks begin with; where its table is missing the check's estimate. */
    function chunkStarts(answer) {
        const about = answer.findings.filter((finding) => finding.code === "second_chunk").map((finding) => finding.start);
        const borders = answer.borders.length ? answer.borders : about;
        return new Set(borders.map((border) => answer.items.find((item) => !item.off && item.slot && item.end > border)));
    }

    function chunkMark() {
        const mark = make("span", "tag-atelier-chunk-mark", String(CHUNK));
        mark.title = say("Here the WebUI's next {limit} tokens begin.", { limit: CHUNK });
        return mark;
    }

    function drawChip(bench, slot, { item, place }) {
        const classes = ["tag-atelier-tag", item.locked && "tag-atelier-locked", item.pinned && "tag-atelier-pinned", item.off && "tag-atelier-off"];
        const chip = make("div", classes.filter(Boolean).join(" "));
        const name = make("span", "tag-atelier-tag-name", shownName(item)), zh = make("span", "tag-atelier-tag-zh", item.zh);
        chip.append(...(item.zh ? (bench.chinese ? [zh, name] : [name, zh]) : [name]));
        if (item.weight !== 1) chip.appendChild(make("span", "tag-atelier-tag-weight", "×" + Number(item.weight.toFixed(2))));
        if (item.posts) chip.appendChild(make("span", "tag-atelier-tag-posts", posts(item.posts)));
        chip.setAttribute("role", "option");
        chip.setAttribute("aria-label", spoken(item, slot));
        if (item.locked) chip.setAttribute("aria-disabled", "true");
        chip.title = [spoken(item, slot), item.reason].filter(Boolean).join("\n");
        chip.dataset.place = place;
        chip.tabIndex = -1;
        bench.chips.push(chip);
        return chip;
    }

    /** A plain tag by its name, without brackets and escapes; anything else as it is written. */
    function shownName(item) {
        return item.kind === "tag" && item.tag ? item.tag.replace(/_/g, (sign) => (/[a-z]/i.test(item.tag) ? " " : sign)) : item.text;
    }

    function spoken(item, slot) {
        const parts = [shownName(item), item.zh, slot.label];
        if (item.weight !== 1) parts.push(say("weight {weight}", { weight: Number(item.weight.toFixed(2)) }));
        if (item.posts) parts.push(say("{count} pictures", { count: item.posts.toLocaleString("en") }));
        if (item.pinned) parts.push(say("stays in front"));
        if (item.off) parts.push(say("switched off"));
        return parts.filter(Boolean).join(" · ");
    }

    // --- the chosen chip --------------------------------------------------------------------------------------------

    /** The chip of the chosen item; after a removal the one that took its place, or the last. */
    function chosen(bench) {
        const at = bench.chips.findIndex((chip) => placeOf(chip) === bench.state.place);
        return bench.chips[at >= 0 ? at : Math.min(bench.state.place, bench.chips.length - 1)];
    }

    const placeOf = (chip) => Number(chip.dataset.place);
    const itemOf = (bench, chip) => (chip && bench.answer ? bench.answer.items[placeOf(chip)] : undefined);

    /** Makes the chosen chip the one tab stop and shows it in the bar. */
    function mark(bench) {
        const now = chosen(bench);
        for (const chip of bench.chips) {
            chip.tabIndex = chip === now ? 0 : -1;
            chip.setAttribute("aria-selected", String(chip === now));
        }
        tagAtelierLanesBar.draw(bench, itemOf(bench, now));
    }

    function choose(bench, chip) {
        if (!chip || chip === chosen(bench) && chip.tabIndex === 0) return;
        bench.state.place = placeOf(chip);
        mark(bench);
    }

    function focus(bench, chip) {
        if (chip) choose(bench, chip);
        const now = chosen(bench);
        if (now) now.focus({ preventScroll: true });
        else if (bench.boxOf(bench.side)) bench.boxOf(bench.side).focus();
    }

    return { build, draw, tell, act, posts, choose, chosen, focus, itemOf, shownName };
})();
