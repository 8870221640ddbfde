/* Menus of our page: a chosen name that is longer than its menu is told as a tooltip, and words such as "none" are shown in
 * the reader's language. The value stays what it is; gradio 3 cannot tell the two apart. */
"use strict";

(function () {
    const LOOK_EVERY = 1000;
    const MENUS = ".tag-atelier .secondary-wrap > input, .tag-atelier-panel .secondary-wrap > input";
    let table = null;

    function wordOf(value) {
        if (!table) table = tagAtelier.readData("menu-words");
        const known = (words) => Object.prototype.hasOwnProperty.call(words || {}, value);
        if (known(table.slots)) return tagAtelier.say(table.slots[value]);
        if (!known(table.words)) return value;
        const said = tagAtelier.say(table.words[value]);
        return said === table.words[value] ? value : said;
    }

    /** The word lies over the menu's own text, which is still there for gradio and comes back while it is typed in. */
    function show(input) {
        const value = input.value, word = document.activeElement === input ? value : wordOf(value);
        if (input.title !== word) input.title = word;
        const wrap = input.parentElement;
        if (word === value) return void delete wrap.dataset.tagAtelierWord;
        if (wrap.dataset.tagAtelierWord === word) return;
        const style = window.getComputedStyle(input);
        wrap.style.setProperty("--tag-atelier-word-left", input.offsetLeft + parseFloat(style.paddingLeft) + "px");
        wrap.style.setProperty("--tag-atelier-word-size", style.fontSize);
        wrap.dataset.tagAtelierWord = word;
    }

    function showAll() {
        if (tagAtelier.isReady()) tagAtelier.findAll(MENUS).filter((input) => input.offsetParent !== null).forEach(show);
    }

    /** The open list's entries; gradio writes its own text again wherever that changes. */
    function showList() {
        for (const entry of document.querySelectorAll("ul.options > li[aria-label]")) {
            const value = entry.getAttribute("aria-label"), word = wordOf(value);
            if (word === value) continue;
            const texts = Array.from(entry.childNodes).filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() === value);
            texts.forEach((node) => { node.data = " " + word + " "; });
        }
    }

    function touched(event) {
        if (!event.target.matches || !event.target.matches(MENUS)) return;
        show(event.target);
        window.requestAnimationFrame(() => window.requestAnimationFrame(showList));
    }

    /** gradio closes a list when an entry is pressed; where the menu's label lies below it, letting go there opened it again. */
    let fromList = false;
    document.addEventListener("mousedown", (event) => { fromList = Boolean(event.target.closest && event.target.closest("ul.options")); }, true);
    document.addEventListener("click", (event) => {
        if (fromList && event.target.closest && event.target.closest(".tag-atelier label, .tag-atelier-panel label")) event.preventDefault();
        fromList = false;
    }, true);

    for (const kind of ["focusin", "focusout", "input", "click"]) document.addEventListener(kind, touched);
    tagAtelier.whenReady(() => window.setInterval(showAll, LOOK_EVERY));
})();
