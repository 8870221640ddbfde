/* The side of a Bench: one row of buttons, below it the tool that is open. The checks are here; the other tools are
 * in tagAtelierTools, where their own files put them. */
"use strict";

var tagAtelierLanesTools = (function () {
    const LONGEST_FIX = 60;
    const { make, say } = tagAtelier;
    const act = (...parts) => tagAtelierLanesView.act(...parts);
    function build(bench, side) {
        const row = side.appendChild(make("div", "tag-atelier-tools"));
        row.setAttribute("role", "tablist");
        row.setAttribute("aria-label", say("Tools"));
        bench.tool = side.appendChild(make("div", "tag-atelier-tool"));
        bench.tool.setAttribute("role", "tabpanel");
        bench.toolButtons = new Map();
        for (const tool of [CHECKS, ...tagAtelierTools.sort((one, other) => one.rank - other.rank)]) {
            const button = act(say(tool.label), say(tool.hint), () => open(bench, tool), "tag-atelier-tool-" + tool.name);
            button.setAttribute("role", "tab");
            bench.toolButtons.set(tool, row.appendChild(button));
        }
        row.addEventListener("keydown", (event) => walk(event, row));
        open(bench, CHECKS);
    }

    function walk(event, row) {
        const all = Array.from(row.children), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key], at = all.indexOf(event.target);
        if (!by || at < 0) return;
        event.preventDefault();
        all[(at + by + all.length) % all.length].click();
        all[(at + by + all.length) % all.length].focus();
    }

    function open(bench, tool) {
        bench.openTool = tool;
        for (const [one, button] of bench.toolButtons) {
            button.setAttribute("aria-selected", String(one === tool));
            button.tabIndex = one === tool ? 0 : -1;
        }
        bench.tool.className = "tag-atelier-tool tag-atelier-tool-is-" + tool.name;
        bench.tool.setAttribute("aria-label", say(tool.label));
        bench.tool.replaceChildren();
        try {
            Promise.resolve(tool.open(bench, bench.tool)).catch((error) => bench.tell(error.message, "problem"));
        } catch (error) {
            bench.tell(error.message, "problem");
        }
    }

    /** Called after every answer. */
    function drawn(bench) {
        const count = bench.answer && bench.answer.items.length ? bench.answer.findings.length + bench.answer.overlaps.length : 0;
        const button = bench.toolButtons && bench.toolButtons.get(CHECKS);
        if (!button) return;
        button.textContent = say(CHECKS.label) + (count ? " " + count : "");
        if (bench.openTool.drawn) bench.openTool.drawn(bench, bench.tool);
    }

    // --- checks -----------------------------------------------------------------------------------------------------

    const CHECKS = {
        name: "checks", label: "Checks", hint: "What in the prompt will not do what it looks like, and what to do about it", rank: 0,
        open: drawChecks, drawn: drawChecks,
    };

    function drawChecks(bench, place) {
        const answer = bench.answer;
        if (!answer || !answer.items.length) return place.replaceChildren(note("Nothing to check yet."));
        const key = JSON.stringify([answer.findings, answer.overlaps, answer.text]);
        if (place.dataset.key === key && place.firstChild) return;
        place.dataset.key = key;
        const rows = [...answer.findings.map((finding) => drawFinding(bench, finding)), ...answer.overlaps.map((pair) => drawOverlap(bench, pair))];
        if (!rows.length) return place.replaceChildren(note("The check found nothing to remark.", "good"));
        const list = make("ul", "tag-atelier-findings");
        list.append(...rows);
        place.replaceChildren(list);
    }

    function note(english, kind) {
        return make("div", "tag-atelier-" + (kind || "quiet"), say(english));
    }

    function row(severity, sentence, quoted, buttons) {
        const item = make("li", "tag-atelier-finding tag-atelier-finding-" + severity), said = item.appendChild(make("div", "tag-atelier-finding-said"));
        said.append(make("span", "tag-atelier-badge tag-atelier-badge-" + severity, say(severity)), make("span", "", sentence));
        const below = make("div", "tag-atelier-finding-buttons");
        below.append(...(quoted ? [quoted] : []), ...buttons);
        if (below.children.length) item.appendChild(below);
        return item;
    }

    function drawFinding(bench, finding) {
        const buttons = [], text = bench.answer.text.slice(finding.start, finding.end);
        const fixes = finding.fix !== null || (finding.set && Object.keys(finding.set).length);
        if (fixes) {
            const op = { kind: "fix", code: finding.code, start: finding.start, end: finding.end };
            const fix = act(fixLabel(finding), say("Does this for you; undo takes it back"), () => bench.change(() => op), "tag-atelier-fix");
            fix.dataset.code = finding.code;
            if (finding.fix) fix.title += "\n→ " + finding.fix;
            buttons.push(fix);
        }
        return row(finding.severity, finding.message, text ? quote(bench, finding, text) : null, buttons);
    }

    function fixLabel(finding) {
        const settings = Object.entries(finding.set || {}).map(([key, value]) => tagAtelierLanesSettings.nameOf(key) + " " + value);
        if (finding.fix) return finding.fix.length > LONGEST_FIX ? say("Mend it") : "→ " + finding.fix;
        if (settings.length && finding.fix === null) return say("Set {settings}", { settings: settings.join(", ") });
        return settings.length ? say("Leave it out and set {settings}", { settings: shortened(settings.join(", ")) }) : say("Leave it out");
    }

    const shortened = (text) => (text.length > LONGEST_FIX ? text.slice(0, LONGEST_FIX - 3) + "…" : text);

    function quote(bench, finding, text) {
        return act("“" + shortened(text) + "”", say("Shows the place in the text"), () => {
            const box = bench.boxOf(bench.side);
            box.focus();
            box.setSelectionRange(finding.start, finding.end);
        }, "tag-atelier-quote");
    }

    function drawOverlap(bench, pair) {
        const named = (tag) => tag.replace(/_/g, " ");
        const broad = bench.answer.items.find((item) => !item.off && named(item.tag) === named(pair.broad));
        const sentence = say("“{narrow}” says “{broad}” too; both count.", { narrow: named(pair.narrow), broad: named(pair.broad) });
        const hint = say("Removes the broader tag; the narrower one stays");
        const leave = () => tagAtelierLanesBar.remove(bench, broad);
        return row("note", sentence, null, broad ? [act(say("Leave out “{tag}”", { tag: named(pair.broad) }), hint, leave, "tag-atelier-fix")] : []);
    }

    return { build, open, drawn, note, row };
})();
