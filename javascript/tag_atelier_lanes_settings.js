/* What stands on the WebUI's page beside the prompt: reads its controls for the checks, and sets them as a person would.
 * Knows the element ids of A1111 1.10.1 and Forge; what is not on the page is not known, and said to be left to the user. */
"use strict";

var tagAtelierLanesSettings = (function () {
    const NUMBERS = { steps: "steps", cfg_scale: "cfg_scale", width: "width", height: "height", seed: "seed" };
    const MENUS = { sampler: "sampling", scheduler: "scheduler" };
    const READ = ["steps", "cfg_scale", "width", "height"];
    const CLIP_SKIP = "#quicksettings #setting_CLIP_stop_at_last_layers";
    const NAMES = {
        sampler: "Sampling method", scheduler: "Schedule type", steps: "Sampling steps", cfg_scale: "CFG Scale", clip_skip: "Clip skip",
        width: "Width", height: "Height", seed: "Seed", refiner: "Refiner", tiling: "Tiling", eta: "Eta", hires_scale: "Upscale by",
    };
    const nameOf = (key) => tagAtelier.say(NAMES[key] || key);
    const pause = (time) => new Promise((done) => setTimeout(done, time));
    const control = (tab, part, inner) => (tab ? tagAtelier.find("#" + tab + "_" + part + " " + inner) : null);
    const number = (tab, key) => control(tab, NUMBERS[key], "input[type=number]");
    const menu = (tab, key) => control(tab, MENUS[key], "input:not([type=radio])");
    const refiner = (tab) => control(tab, "enable-checkbox", "input[type=checkbox]") || control(tab, "enable", "input[type=checkbox]");

    /** Steps, CFG and the rest as numbers and names; only what is on the page. */
    function read(tab) {
        const around = tab ? { live: true } : {};
        for (const key of READ) {
            const box = number(tab, key);
            if (box && box.value !== "" && Number.isFinite(box.valueAsNumber)) around[key] = box.valueAsNumber;
        }
        const sampler = menu(tab, "sampler") || control(tab, MENUS.sampler, "input[type=radio]:checked");
        if (sampler && sampler.value) around.sampler = sampler.value;
        const skip = window.opts && window.opts.CLIP_stop_at_last_layers;
        if (tab && Number.isInteger(skip)) around.clip_skip = skip;
        if (refiner(tab)) around.refiner = refiner(tab).checked;
        return around;
    }

    function type(box, value) {
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
        set.call(box, String(value));
        box.dispatchEvent(new Event("input", { bubbles: true }));
        box.dispatchEvent(new Event("change", { bubbles: true }));
    }

    /** gradio's menus take a choice from their list only: type, wait for the list, press the entry. */
    async function choose(box, value) {
        if (box.value === value) return true;
        box.focus({ preventScroll: true });
        box.dispatchEvent(new Event("focus"));
        for (let tries = 0; tries < 10; tries++) {
            await pause(30);
            const entries = Array.from(document.querySelectorAll("ul.options li"));
            const entry = entries.find((one) => one.textContent.replace("✓", "").trim() === value);
            if (!entry) continue;
            entry.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
            break;
        }
        box.blur();
        await pause(30);
        return box.value === value;
    }

    async function one(tab, key, value) {
        const box = NUMBERS[key] ? number(tab, key) : MENUS[key] ? menu(tab, key) : null;
        if (MENUS[key]) return box ? choose(box, value) : pressRadio(tab, key, value);
        if (box) return type(box, value), true;
        if (key === "refiner" && refiner(tab)) {
            if (refiner(tab).checked !== value) refiner(tab).click();
            return true;
        }
        const skip = key === "clip_skip" && tagAtelier.find(CLIP_SKIP + " input[type=number]");
        if (skip) return type(skip, value), true;
        return key === "clip_skip" && read(tab).clip_skip === value;
    }

    function pressRadio(tab, key, value) {
        const all = tab ? Array.from(document.querySelectorAll("#" + tab + "_" + MENUS[key] + " input[type=radio]")) : [];
        const radio = all.find((one) => one.value === value);
        if (radio) radio.click();
        return Boolean(radio);
    }

    /** Sets controls; gives "name value" of each that is not on this page. */
    async function write(tab, settings) {
        const active = document.activeElement, missing = [];
        for (const [key, value] of Object.entries(settings)) {
            if (value === null || value === undefined) continue;
            const done = await one(tab, key, value).catch(() => false);
            if (!done) missing.push(nameOf(key) + " " + value);
        }
        if (active && active.isConnected) active.focus({ preventScroll: true });
        return missing;
    }

    // --- the model family -------------------------------------------------------------------------------------------

    let last = "";

    /** What the menu shows ("automatic" is known to the routes); a name that is being typed is not taken yet. */
    function family(selector) {
        const box = tagAtelier.find(selector + " input");
        const value = box ? box.value : "";
        if (value && document.activeElement !== box) last = value;
        return document.activeElement === box ? last || value : value;
    }

    /** The loaded checkpoint's title, where the page shows it; another one may be of another family. */
    const checkpoint = () => (tagAtelier.find("#setting_sd_model_checkpoint input") || {}).value || "";

    return { read, write, family, checkpoint, nameOf };
})();
