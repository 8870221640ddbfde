/* The prompt in lanes: one Bench beside a pair of text boxes, in the tab and in both panels. The text stays the master: an
 * edit types a new text into its box, typing in the box is read again when the browser has nothing else to do. This file
 * holds the state; tag_atelier_lanes_*.js draw it. Asked for: /tag-atelier/v1/prompt/lanes and /prompt/edit. */
"use strict";

/** The tools beside the lanes: name, label, hint, rank and open(bench, place), which fills its place when it is opened. */
var tagAtelierTools = [];

var tagAtelierLanes = (function () {
    const LONGEST_TEXT = 65536;
    const PAUSE = 160;
    const LOOK_EVERY = 1000;
    const MOST_STEPS = 200;
    const benches = new Map();
    const whenIdle = (work) => (window.requestIdleCallback ? window.requestIdleCallback(work, { timeout: 500 }) : setTimeout(work, 30));
    const isChinese = () => /[\u4e00-\u9fff]/.test(tagAtelier.say("Arrange"));

    class Bench {
        constructor(holder) {
            this.holder = holder;
            this.options = JSON.parse(holder.getAttribute("data-tag-atelier-lanes"));
            this.name = this.options.name;
            this.side = "prompt";
            this.sides = {};
            for (const side of Object.keys(this.options.boxes)) this.sides[side] = { answer: null, asked: "", steps: [], at: -1, place: 0 };
            this.chain = Promise.resolve();
            this.visible = false;
            this.chinese = isChinese();
            holder.classList.toggle("tag-atelier-zh", this.chinese);
            tagAtelierLanesView.build(this);
            tagAtelierLanesMemory.all().catch((error) => this.tell(error.message, "problem"));
            const watch = (seen) => this.seen(seen[seen.length - 1].isIntersecting);
            new IntersectionObserver(watch, { rootMargin: "200px" }).observe(holder);
        }

        get state() { return this.sides[this.side]; }
        get answer() { return this.state.answer; }
        get negative() { return this.side === "negative"; }
        boxOf(side) { return tagAtelier.find(this.options.boxes[side]); }
        textOf(side) {
            const box = this.boxOf(side);
            return box ? box.value : "";
        }
        get text() { return this.textOf(this.side); }

        seen(visible) {
            this.visible = visible;
            if (visible) this.look();
        }

        /** Once a second while it can be seen: the WebUI fills its boxes and menus without telling anybody. */
        look() {
            if (this.visible && !document.hidden && !this.composing && this.isStale()) this.schedule();
        }

        // --- what is asked ------------------------------------------------------------------------------------------

        request(side = this.side) {
            const other = side === "negative" ? "prompt" : "negative";
            const around = tagAtelierLanesSettings.read(this.options.tab);
            if (this.sides[other] && this.textOf(other)) around.other = this.textOf(other);
            const asked = { text: this.textOf(side), negative: side === "negative", box: this.boxName(side), with: around };
            asked.profile = this.family;
            asked.language = this.chinese ? "zh_CN" : "en";
            return asked;
        }
        boxName(side = this.side) { return this.name + "_" + side; }
        key(request = this.request()) { return JSON.stringify(request) + tagAtelierLanesSettings.checkpoint(); }
        isStale() { return this.state.asked !== this.key(); }

        heard(event) {
            const side = Object.keys(this.sides).find((name) => this.boxOf(name) === event.target);
            if (!side || this.writing) return;
            this.composing = event.type === "compositionstart" || (event.type !== "compositionend" && event.isComposing);
            if (side !== this.side && event.type === "focusin") this.turn(side);
            else if (side === this.side && this.visible && !this.composing) this.schedule();
        }

        /** Shows the other box's lanes. */
        turn(side) {
            if (side === this.side || !this.sides[side]) return;
            this.side = side;
            tagAtelierLanesView.draw(this);
            this.schedule(0);
        }

        schedule(pause = PAUSE) {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => whenIdle(() => this.refresh()), pause);
        }

        /** Reads the text again; one request at a time, and an answer about a text that has changed is dropped. */
        async refresh() {
            if (!this.visible || this.composing || !this.isStale()) return;
            if (this.asking) return this.schedule();
            const side = this.side, request = this.request(), asked = this.key(request);
            if (request.text.length > LONGEST_TEXT) {
                this.state.asked = asked;
                return this.tell(tagAtelier.say("This prompt is longer than 64 KB; it is left as it is."), "problem");
            }
            this.asking = true;
            try {
                const answer = await tagAtelier.askJson("POST", "prompt/lanes", request);
                if (side === this.side && request.text === this.text) this.take(answer, asked);
            } catch (error) {
                this.sides[side].asked = asked;
                this.tell(error.message, "problem");
            }
            this.asking = false;
            if (this.isStale()) this.schedule();
        }

        take(answer, asked) {
            const news = JSON.stringify(answer) !== this.state.drawn;
            this.state.answer = answer;
            this.state.asked = asked;
            this.state.drawn = JSON.stringify(answer);
            this.remember(answer.text);
            if (news) tagAtelierLanesView.draw(this);
        }

        // --- what is changed ----------------------------------------------------------------------------------------

        /** Carries out an edit after those under way. `make` gives it for the lanes as they then are, or null for none. */
        change(make) {
            this.chain = this.chain.then(() => this.apply(make)).catch((error) => this.tell(error.message, "problem"));
            return this.chain;
        }

        async apply(make) {
            const side = this.side, request = this.request();
            if (!this.answer || this.answer.text !== request.text) {
                this.take(await tagAtelier.askJson("POST", "prompt/lanes", request), this.key());
            }
            const op = make(this.answer);
            if (!op) return;
            const answer = await tagAtelier.askJson("POST", "prompt/edit", { ...request, op });
            if (side !== this.side || this.text !== request.text) return this.schedule();
            this.follow(answer, op);
        }

        /** Types an edit's outcome and shows it; the keyboard stays where it was. */
        follow(answer, op) {
            const { selection, settings, other, changed, ...lanes } = answer;
            const inLanes = this.lanes.contains(document.activeElement);
            this.tell("");
            if (changed) this.write(lanes.text);
            if (other !== undefined) this.write(other, this.negative ? "prompt" : "negative");
            if (selection && !["remove", "off"].includes(op.kind)) this.state.place = this.placeAt(lanes, selection[0]);
            this.take(lanes, this.key());
            if (inLanes) tagAtelierLanesView.focus(this);
            if (settings && Object.keys(settings).length) this.set(settings);
        }

        async set(settings) {
            const missing = await tagAtelierLanesSettings.write(this.options.tab, settings);
            if (missing.length) this.tell(tagAtelier.say("Set these yourself: {settings}", { settings: missing.join(", ") }), "warning");
            this.schedule();
        }

        placeAt(answer, start) {
            const place = answer.items.findIndex((item) => !item.off && item.end > start);
            return place < 0 ? Math.max(0, answer.items.length - 1) : place;
        }

        /** Types `text` into a box and gives the keyboard back to whoever had it. */
        write(text, side = this.side) {
            const box = this.boxOf(side), active = document.activeElement;
            if (!box || box.value === text) return;
            this.writing = true;
            tagAtelier.type(box, text);
            if (active === document.body) box.blur();
            else if (active && active.isConnected) active.focus({ preventScroll: true });
            this.writing = false;
        }

        /** Every text that was shown is a step, so that undo also goes back over what was typed. */
        remember(text) {
            const state = this.state;
            if (state.steps[state.at] === text) return;
            state.steps = state.steps.slice(0, state.at + 1).concat(text).slice(-MOST_STEPS);
            state.at = state.steps.length - 1;
        }

        /** One step back (-1) or forward (1). */
        step(by) {
            this.chain = this.chain.then(() => this.stepNow(by));
            return this.chain;
        }

        async stepNow(by) {
            const state = this.state, inLanes = this.lanes.contains(document.activeElement);
            this.remember(this.text);
            if (state.steps[state.at + by] === undefined) return this.tell(tagAtelier.say(by < 0 ? "Nothing to undo." : "Nothing to redo."));
            state.at += by;
            this.write(state.steps[state.at]);
            this.tell("");
            await this.refresh();
            if (inLanes) tagAtelierLanesView.focus(this);
        }

        // --- what is kept ---------------------------------------------------------------------------------------------

        /** Adds an entry of the search where the family wants it. */
        add(entry) {
            const op = { kind: "add", tag: entry.insert || entry.tag };
            if (this.wanted) op.slot = this.wanted;
            this.wanted = "";
            return this.change(() => op);
        }

        /** Adds several, as one step. */
        addAll(tags) {
            this.chain = this.chain.then(() => this.addNow(tags)).catch((error) => this.tell(error.message, "problem"));
            return this.chain;
        }

        async addNow(tags) {
            const request = this.request();
            let answer = null;
            for (const tag of tags) {
                answer = await tagAtelier.askJson("POST", "prompt/edit", { ...request, op: { kind: "add", tag } });
                request.text = answer.text;
            }
            if (answer) this.follow({ ...answer, changed: true }, { kind: "add" });
        }

        get family() { return tagAtelierLanesSettings.family(this.options.profile); }

        /** Keeps what the user knows better about a tag (null: forgets it) and reads the text again. */
        async correct(tag, facts) {
            try {
                await tagAtelierLanesMemory.change(facts ? { correct: { tag, ...facts } } : { forget: tag });
            } catch (error) {
                return this.tell(error.message, "problem");
            }
            this.state.asked = "";
            return this.refresh();
        }

        /** Drops what is switched off for good. */
        async forget(item) {
            await this.change(() => ({ kind: "on", key: item.key }));
            return this.change((answer) => {
                const back = answer.items.find((one) => !one.off && one.text === item.text);
                return back ? { kind: "remove", index: back.index } : null;
            });
        }

        /** Puts both prompts into the history. */
        keep() {
            const text = this.textOf("prompt");
            if (!text.trim()) return;
            const row = { text, negative: this.textOf("negative"), profile: this.answer ? this.answer.profile : "" };
            tagAtelierLanesMemory.change({ history: row }).catch(() => undefined);
        }

        tell(sentence, kind = "quiet", ...buttons) {
            tagAtelierLanesView.tell(this, sentence, kind, buttons);
        }
    }

    function lookAround() {
        for (const holder of document.querySelectorAll("[data-tag-atelier-lanes]")) {
            if (!benches.has(holder) && tagAtelier.isReady() && holder.offsetParent !== null) benches.set(holder, new Bench(holder));
        }
        for (const [holder, bench] of benches) {
            if (!holder.isConnected) benches.delete(holder);
            else bench.look();
        }
    }

    /** What is drawn belongs into the history. */
    function drawing(event) {
        const pressed = event.target.closest && event.target.closest("#txt2img_generate, #img2img_generate");
        for (const bench of benches.values()) {
            if (pressed && pressed.id === bench.name + "_generate") bench.keep();
        }
    }

    function begin() {
        for (const kind of ["input", "focusin", "compositionstart", "compositionend"]) {
            document.addEventListener(kind, (event) => benches.forEach((bench) => bench.heard(event)), true);
        }
        document.addEventListener("click", (event) => drawing(event), true);
        window.setInterval(lookAround, LOOK_EVERY);
        lookAround();
    }

    tagAtelier.whenReady(begin);

    return { benches };
})();
