/* Search fields: type in English, Chinese or pinyin, walk the list with the arrows, Enter takes an entry.
 * Used for adding a tag, for artists and for characters; asks /tag-atelier/v1/prompt/search. */
"use strict";

var tagAtelierLanesSearch = (function () {
    const PAUSE = 120;
    const MOST = 12;
    const { make, say } = tagAtelier;
    let count = 0;

    /** A field with its list. `options`: label, hint, kinds, choose(entry), typed(text), rest() for an empty field. */
    function field(bench, options) {
        const id = "tag_atelier_search_" + ++count;
        const place = make("div", "tag-atelier-search"), box = make("input", "tag-atelier-field"), list = make("div", "tag-atelier-search-list");
        box.type = "text";
        box.placeholder = options.label;
        box.title = options.hint;
        box.autocomplete = "off";
        box.spellcheck = false;
        list.id = id;
        list.hidden = true;
        list.setAttribute("role", "listbox");
        list.setAttribute("aria-label", options.label);
        const attributes = { role: "combobox", "aria-label": options.label, "aria-controls": id, "aria-expanded": "false", "aria-autocomplete": "list" };
        for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
        place.append(box, list);
        const search = { bench, options, box, list, entries: [], at: -1, asked: 0 };
        box.addEventListener("input", (event) => !event.isComposing && later(search));
        box.addEventListener("compositionend", () => later(search));
        box.addEventListener("focus", () => later(search));
        box.addEventListener("blur", () => { close(search); if (options.left) options.left(); });
        box.addEventListener("keydown", (event) => key(search, event));
        place.search = search;
        return place;
    }

    function later(search) {
        clearTimeout(search.timer);
        search.timer = setTimeout(() => ask(search), PAUSE);
    }

    async function ask(search) {
        const text = search.box.value.trim(), mine = ++search.asked;
        let entries = [];
        try {
            if (text) {
                const kinds = search.options.kinds ? "&kinds=" + search.options.kinds : "";
                const path = "prompt/search?limit=" + MOST + kinds + "&q=" + encodeURIComponent(text);
                entries = (await tagAtelier.askJson("GET", path)).entries;
            } else if (search.options.rest) {
                entries = await search.options.rest();
            }
        } catch (error) {
            search.bench.tell(error.message, "problem");
        }
        if (mine === search.asked && document.activeElement === search.box) show(search, entries);
    }

    function show(search, entries) {
        search.entries = entries;
        search.at = -1;
        const rows = entries.map((entry, index) => drawEntry(search, entry, index));
        if (!rows.length && search.box.value.trim()) rows.push(make("div", "tag-atelier-search-none", none(search)));
        search.list.replaceChildren(...rows);
        search.list.hidden = !rows.length;
        search.box.setAttribute("aria-expanded", String(rows.length > 0));
        search.box.removeAttribute("aria-activedescendant");
    }

    const none = (search) => (search.options.typed ? say("No such tag is known. Enter takes it as it is.") : say("Nothing of this name is known."));

    function drawEntry(search, entry, index) {
        const row = make("div", "tag-atelier-search-entry tag-atelier-slot-" + (entry.slot || "unknown"));
        row.id = search.list.id + "_" + index;
        row.setAttribute("role", "option");
        const name = make("span", "tag-atelier-tag-name", entry.tag.replace(/_/g, /[a-z]/i.test(entry.tag) ? " " : "_"));
        const zh = make("span", "tag-atelier-tag-zh", entry.zh || "");
        row.append(...(search.bench.chinese ? [zh, name] : [name, zh]));
        const note = [entry.matched && entry.matched !== entry.tag ? entry.matched : "", entry.kind && entry.kind !== "general" ? say(entry.kind) : ""];
        row.append(make("span", "tag-atelier-search-note", note.filter(Boolean).join(" · ")));
        row.append(make("span", "tag-atelier-tag-posts", tagAtelierLanesView.posts(entry.posts)));
        row.addEventListener("pointerdown", (event) => { event.preventDefault(); take(search, entry); });
        return row;
    }

    function key(search, event) {
        if (event.isComposing) return;
        const rows = search.list.children, last = search.entries.length - 1;
        if (event.key === "ArrowDown" && last >= 0) mark(search, Math.min(last, search.at + 1), rows);
        else if (event.key === "ArrowUp" && last >= 0) mark(search, Math.max(0, search.at - 1), rows);
        else if (event.key === "Enter") enter(search);
        else if (event.key === "Escape" && !search.list.hidden) close(search);
        else return;
        event.preventDefault();
        event.stopPropagation();
    }

    function mark(search, at, rows) {
        search.at = at;
        Array.from(rows).forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
        search.box.setAttribute("aria-activedescendant", rows[at].id);
        rows[at].scrollIntoView({ block: "nearest" });
    }

    /** The marked entry; else the words as they were typed, or the first entry where only an entry will do. */
    function enter(search) {
        const text = search.box.value.trim();
        if (search.at >= 0 && !search.list.hidden) take(search, search.entries[search.at]);
        else if (text && search.options.typed) take(search, exact(search, text) || { tag: text, insert: text, typed: true });
        else if (search.entries.length && text) take(search, search.entries[0]);
    }

    /** Chinese and pinyin are names of the first entry; English words stand for themselves. */
    function exact(search, text) {
        const first = search.entries[0];
        if (!first || search.list.hidden) return null;
        return /[\u4e00-\u9fff]/.test(text) || first.tag.replace(/_/g, " ") === text.replace(/_/g, " ").toLowerCase() ? first : null;
    }

    function take(search, entry) {
        search.box.value = "";
        close(search);
        search.options.choose(entry);
    }

    function close(search) {
        clearTimeout(search.timer);
        search.asked += 1;
        search.list.hidden = true;
        search.box.setAttribute("aria-expanded", "false");
    }

    /** The field above the lanes: adds a tag in its place; empty it offers the favourites. */
    function adder(bench) {
        const place = field(bench, {
            label: say("Add a tag: English, 中文 or pinyin"),
            hint: say("Searches the tags; Enter puts the chosen one where this family wants it. Empty it shows your favourites."),
            typed: true,
            rest: () => tagAtelierLanesMemory.favouriteEntries(),
            choose: (entry) => bench.add(entry),
            left: () => { bench.wanted = ""; },
        });
        place.classList.add("tag-atelier-adder");
        bench.adder = place.search;
        return place;
    }

    /** Readies the field for a tag that goes into one lane, whatever its own may be. */
    function into(bench, slot) {
        const { box, options } = bench.adder, back = () => { box.placeholder = options.label; };
        bench.wanted = slot.id;
        box.focus();
        box.placeholder = say("Add to: {lane}", { lane: slot.label });
        box.addEventListener("blur", back, { once: true });
    }

    return { field, adder, into };
})();
