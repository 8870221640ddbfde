/* The sliders of the single blocks on the Merge tab: moving one writes "IN04: 0.3" into the text of the blocks that
 * differ as if it was typed there, so that the form, the recipe and the sliders follow it. */
"use strict";

var tagAtelierBlocks = (function () {
    const separator = /[,;\n]+/;

    /** The text with `block` set to `weight`; a pasted line of numbers gives way to named blocks. */
    function withBlock(text, block, weight) {
        const named = text.includes(":") || text.includes("=");
        const pieces = (named ? text.split(separator) : []).map((piece) => piece.trim()).filter(Boolean);
        const kept = pieces.filter((piece) => piece.split(/[:=]/)[0].trim().toUpperCase() !== block);
        return [...kept, block + ": " + weight].join(", ");
    }

    /** All sliders as "BLOCK: weight", for when a pasted line has to be spelled out. */
    function spelledOut(editor) {
        return Array.from(editor.querySelectorAll("input[data-block]"))
            .map((slider) => slider.dataset.block + ": " + Number(slider.value)).join(", ");
    }

    function show(event) {
        const slider = event.target;
        if (!slider.dataset || !slider.dataset.block) return;
        slider.parentElement.querySelector("output").textContent = Number(slider.value).toFixed(2);
        slider.parentElement.style.setProperty("--share", Math.round(100 * slider.value) + "%");
    }

    function write(event) {
        const slider = event.target;
        if (!slider.dataset || !slider.dataset.block) return;
        const editor = slider.closest("[data-tag-atelier-blocks]");
        const text_id = editor && editor.dataset.tagAtelierBlocks;
        const box = text_id && tagAtelier.find("#" + text_id + " textarea, #" + text_id + " input");
        if (!box) return;
        const pasted = box.value.trim() && !/[:=]/.test(box.value);
        const text = withBlock(pasted ? spelledOut(editor) : box.value, slider.dataset.block, Number(slider.value));
        tagAtelier.type(box, text);
        box.blur();
    }

    /** gradio tells of a slider when it is let go, but not of a number typed beside it. */
    function tellTyped(event) {
        const typed = event.target;
        if (typed.type !== "number" || !typed.closest("[id^=tag_atelier_merge_][id$=_weight], [id^=tag_atelier_merge_parameter]")) return;
        window.setTimeout(() => typed.dispatchEvent(new Event("pointerup", { bubbles: true })), 0);
    }

    document.addEventListener("input", show, true);
    document.addEventListener("change", tellTyped, true);
    document.addEventListener("change", write, true);

    return { withBlock };
})();
