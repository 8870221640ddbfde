/* Keys and mouse of the lanes. Arrows walk, Alt+arrows and dragging move; a chip that is put into another lane belongs there
 * from then on, which the user can take back. Used by tag_atelier_lanes_view.js. */
"use strict";

var tagAtelierLanesMoves = (function () {
    const FAR_ENOUGH = 5;
    const view = () => tagAtelierLanesView;
    const bar = () => tagAtelierLanesBar;
    const laneOf = (chip) => chip.closest(".tag-atelier-lane");
    const chipsIn = (lane) => Array.from(lane.querySelectorAll(".tag-atelier-tag"));

    function listen(bench) {
        bench.lanes.addEventListener("keydown", (event) => key(bench, event));
        bench.lanes.addEventListener("focusin", (event) => {
            if (event.target.classList.contains("tag-atelier-tag")) view().choose(bench, event.target);
        });
        bench.lanes.addEventListener("pointerdown", (event) => press(bench, event));
        bench.lanes.addEventListener("dblclick", (event) => event.target.closest(".tag-atelier-tag") && edit(bench));
        bench.holder.addEventListener("keydown", (event) => shortcut(bench, event));
    }

    // --- keys -------------------------------------------------------------------------------------------------------

    /** Undo and redo work wherever in the bench the keyboard is, except in a field, which has its own. */
    function shortcut(bench, event) {
        if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches("input:not([type=range]), textarea")) return;
        const name = event.key.toLowerCase();
        if (name !== "z" && name !== "y") return;
        stop(event);
        bench.step(name === "y" || event.shiftKey ? 1 : -1);
    }

    function key(bench, event) {
        const chip = event.target.closest(".tag-atelier-tag");
        if (!chip || event.ctrlKey || event.metaKey) return;
        const item = view().itemOf(bench, chip);
        const action = (event.altKey ? MOVING : WALKING)[event.key] || (event.altKey ? null : EDITING[event.key]);
        if (!action || !item) return;
        stop(event);
        action(bench, item, chip);
    }

    function stop(event) {
        event.preventDefault();
        event.stopPropagation();
    }

    const EDITING = {
        "+": (bench, item) => bar().weigh(bench, item, bar().STEP),
        "=": (bench, item) => bar().weigh(bench, item, bar().STEP),
        "-": (bench, item) => bar().weigh(bench, item, -bar().STEP),
        "Delete": (bench, item) => bar().remove(bench, item),
        "Backspace": (bench, item) => bar().remove(bench, item),
        " ": (bench, item) => bar().toggle(bench, item),
        "p": (bench, item) => bar().pin(bench, item),
        "P": (bench, item) => bar().pin(bench, item),
        "Enter": (bench) => edit(bench),
        "F2": (bench) => edit(bench),
        "Escape": (bench, item) => backToText(bench, item),
    };

    const WALKING = {
        ArrowLeft: (bench, _item, chip) => walk(bench, chip, -1),
        ArrowRight: (bench, _item, chip) => walk(bench, chip, 1),
        ArrowUp: (bench, _item, chip) => climb(bench, chip, -1),
        ArrowDown: (bench, _item, chip) => climb(bench, chip, 1),
        Home: (bench) => view().focus(bench, bench.chips[0]),
        End: (bench) => view().focus(bench, bench.chips[bench.chips.length - 1]),
    };

    const MOVING = {
        ArrowLeft: (bench) => nudge(bench, -1),
        ArrowRight: (bench) => nudge(bench, 1),
        ArrowUp: (bench, item, chip) => shift(bench, item, chip, -1),
        ArrowDown: (bench, item, chip) => shift(bench, item, chip, 1),
    };

    function walk(bench, chip, by) {
        view().focus(bench, bench.chips[bench.chips.indexOf(chip) + by] || chip);
    }

    /** To the chip nearest above or below, in this lane's next row or in the next lane. */
    function climb(bench, chip, by) {
        const here = chip.getBoundingClientRect(), middle = (box) => box.left + box.width / 2;
        const rows = bench.chips.map((other) => ({ other, box: other.getBoundingClientRect() }))
            .filter(({ box }) => (by > 0 ? box.top >= here.bottom - 4 : box.bottom <= here.top + 4));
        const next = by > 0 ? Math.min(...rows.map(({ box }) => box.top)) : Math.max(...rows.map(({ box }) => box.top));
        const row = rows.filter(({ box }) => Math.abs(box.top - next) < 4);
        row.sort((one, two) => Math.abs(middle(one.box) - middle(here)) - Math.abs(middle(two.box) - middle(here)));
        if (row.length) view().focus(bench, row[0].other);
    }

    function edit(bench) {
        const box = bench.bar.querySelector(".tag-atelier-bar-text");
        if (!box || box.disabled) return;
        box.focus();
        box.select();
    }

    function backToText(bench, item) {
        const box = bench.boxOf(bench.side);
        box.focus();
        if (!item.off) box.setSelectionRange(item.start, item.end);
    }

    // --- moving -----------------------------------------------------------------------------------------------------

    /** One place earlier (-1) or later (1): past the neighbour in its lane, else past the neighbour in the text. */
    function nudge(bench, by) {
        return bench.change((answer) => {
            const chip = view().chosen(bench), item = view().itemOf(bench, chip);
            if (!item || item.off) return null;
            if (item.locked) return bench.tell(item.reason, "warning");
            const lane = chipsIn(laneOf(chip)).map((one) => view().itemOf(bench, one)).filter((one) => !one.off);
            const beside = lane[lane.indexOf(item) + by];
            return move(answer, item, beside ? beside.index : item.index + by);
        });
    }

    function move(answer, item, to) {
        const last = answer.items.filter((one) => !one.off).length - 1;
        const target = Math.max(0, Math.min(to, last));
        return target === item.index ? null : { kind: "move", index: item.index, to_index: target };
    }

    /** Into the lane before (-1) or after (1) its own. */
    function shift(bench, item, chip, by) {
        const order = bench.answer.slots.filter((slot) => slot.id !== "unknown").map((slot) => slot.id);
        const at = order.indexOf(item.slot), next = order[at < 0 ? (by > 0 ? 0 : order.length - 1) : at + by];
        if (next && !item.off && !item.locked) return intoLane(bench, item, next, null);
        return bench.tell(item.reason || tagAtelier.say("There is no lane beyond this one."));
    }

    /** Puts `item` into the lane of `slot`, before the text place `to` where there is one, and remembers that it belongs there. */
    async function intoLane(bench, item, slot, to) {
        if (item.locked) return bench.tell(item.reason, "warning");
        const before = tagAtelierLanesMemory.correction(item.tag), text = bench.text, named = item.kind === "tag" && item.tag;
        if (named) await bench.correct(item.tag, { slot });
        if (to !== null) await moveTo(bench, item, to);
        else await bench.change((answer) => intoOrder(answer, answer.items.find((one) => !one.off && one.text === item.text), slot));
        if (!named) return undefined;
        const lane = bench.answer.slots.find((one) => one.id === slot), say = tagAtelier.say;
        const back = view().act(say("Undo"), say("Takes back where it belongs and where it stands"), async () => {
            await bench.correct(item.tag, before || null);
            if (bench.text !== text) await bench.step(-1);
            bench.tell("");
        });
        return bench.tell(say("“{tag}” belongs to “{lane}” from now on.", { tag: view().shownName(item), lane: lane ? lane.label : slot }), "quiet", back);
    }

    /** Where the profile's order wants a chip of `slot`: behind the last of it, else before the first of a later one. */
    function intoOrder(answer, item, slot) {
        if (!item) return null;
        const rank = new Map(answer.slots.map((one, index) => [one.id, index]));
        const others = answer.items.filter((one) => one !== item && !one.off && one.slot && one.segment === item.segment && one.kind !== "network");
        const own = others.filter((one) => one.slot === slot).pop();
        const later = others.find((one) => one.slot !== "unknown" && rank.get(one.slot) > rank.get(slot));
        if (own) return move(answer, item, own.index + (own.index > item.index ? 0 : 1));
        return later ? move(answer, item, later.index - (later.index > item.index ? 1 : 0)) : null;
    }

    /** Moves `item` before the chip that now has the index `to` (or behind all). */
    function moveTo(bench, item, to) {
        return bar().on(bench, item, (index) => (index === to || index + 1 === to ? null : { kind: "move", index, to_index: to > index ? to - 1 : to }));
    }

    // --- dragging ---------------------------------------------------------------------------------------------------

    function press(bench, event) {
        const chip = event.target.closest(".tag-atelier-tag");
        if (!chip || event.button !== 0 || event.pointerType === "touch") return;
        const drag = { bench, chip, item: view().itemOf(bench, chip), x: event.clientX, y: event.clientY, ghost: null, target: null };
        const onMove = (moved) => pull(drag, moved), onKey = (pressed) => pressed.key === "Escape" && end(true);
        const end = (cancelled) => {
            document.removeEventListener("pointermove", onMove);
            document.removeEventListener("pointerup", up);
            document.removeEventListener("pointercancel", cancel);
            document.removeEventListener("keydown", onKey, true);
            drop(drag, cancelled);
        };
        const up = () => end(false), cancel = () => end(true);
        document.addEventListener("pointermove", onMove);
        document.addEventListener("pointerup", up);
        document.addEventListener("pointercancel", cancel);
        document.addEventListener("keydown", onKey, true);
    }

    function pull(drag, event) {
        if (!drag.ghost) {
            if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR_ENOUGH) return;
            if (drag.item.locked || drag.item.off) return;
            drag.ghost = drag.bench.holder.appendChild(drag.chip.cloneNode(true));
            drag.ghost.className += " tag-atelier-ghost";
            drag.ghost.setAttribute("aria-hidden", "true");
            drag.chip.classList.add("tag-atelier-dragged");
            drag.bench.holder.classList.add("tag-atelier-dragging");
        }
        event.preventDefault();
        drag.ghost.style.transform = "translate(" + (event.clientX + 8) + "px," + (event.clientY + 8) + "px)";
        aim(drag, document.elementFromPoint(event.clientX, event.clientY), event.clientX);
    }

    /** What the pointer is over: before or behind a chip, a lane, or the name of an empty one. */
    function aim(drag, under, x) {
        clearAim(drag);
        const lane = under && drag.bench.holder.contains(under) ? under.closest(".tag-atelier-lane, .tag-atelier-empty-lane") : null;
        if (!lane) return;
        const empty = lane.matches(".tag-atelier-empty-lane");
        const chip = empty ? lane : under.closest(".tag-atelier-tag") || chipsIn(lane).pop();
        const box = chip.getBoundingClientRect(), behind = x > box.left + box.width / 2;
        drag.target = { chip, behind, slot: lane.dataset.slot };
        chip.classList.add(behind ? "tag-atelier-aim-behind" : "tag-atelier-aim-before");
    }

    function clearAim(drag) {
        if (drag.target) drag.target.chip.classList.remove("tag-atelier-aim-behind", "tag-atelier-aim-before");
        drag.target = null;
    }

    function drop(drag, cancelled) {
        const { bench, item, target } = drag;
        clearAim(drag);
        bench.holder.classList.remove("tag-atelier-dragging");
        drag.chip.classList.remove("tag-atelier-dragged");
        if (!drag.ghost) return;
        drag.ghost.remove();
        if (!target || cancelled) return;
        if (target.chip.matches(".tag-atelier-empty-lane")) { intoLane(bench, item, target.slot, null); return; }
        const beside = view().itemOf(bench, target.chip);
        if (!beside || beside === item) return;
        const to = beside.off ? null : beside.index + (target.behind ? 1 : 0);
        if ([item.slot, "unknown", "networks"].includes(target.slot) || item.kind !== "tag") { if (to !== null) moveTo(bench, item, to); }
        else intoLane(bench, item, target.slot, to);
    }

    return { listen, nudge };
})();
