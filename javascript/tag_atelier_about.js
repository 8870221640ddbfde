/* The foot of the tab: a notification when long work ends, asked for by a click, and the text for an issue. */
"use strict";

(function () {
    const KEY = "tag-atelier-notify";
    const LONG = 10 * 1000;
    const begun = new Map();

    const wanted = () => localStorage.getItem(KEY) === "yes" && "Notification" in window;

    function notify(job) {
        const took = Date.now() - (begun.get(job.id) || Date.now());
        begun.delete(job.id);
        if (!wanted() || took < LONG || Notification.permission !== "granted") return;
        const shown = new Notification("Tag Atelier: " + tagAtelier.say(job.state), { body: job.title || job.kind, tag: job.id });
        shown.addEventListener("click", () => { window.focus(); shown.close(); });
    }

    function drawSwitch(place) {
        const label = place.appendChild(tagAtelier.make("label", "tag-atelier-about-switch"));
        label.title = tagAtelier.say("A notification of the browser when a benchmark, merge, search or download ends that took more than ten seconds. Off until you tick it.");
        const box = label.appendChild(document.createElement("input"));
        box.type = "checkbox";
        box.checked = wanted() && Notification.permission === "granted";
        label.appendChild(tagAtelier.make("span", "", tagAtelier.say("Tell me when long work ends")));
        const problem = place.appendChild(tagAtelier.make("div", ""));
        box.addEventListener("change", async () => {
            problem.className = problem.textContent = "";
            if (!box.checked) return localStorage.removeItem(KEY);
            const allowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
            if (allowed) return localStorage.setItem(KEY, "yes");
            box.checked = false;
            problem.className = "tag-atelier-problem";
            problem.textContent = tagAtelier.say("Your browser does not allow notifications from this page; allow them beside its address.");
        });
    }

    function drawHelp(place) {
        const row = place.appendChild(tagAtelier.make("div", "tag-atelier-job-buttons"));
        const text = document.createElement("textarea");
        const copy = tagAtelier.button(tagAtelier.say("Copy"), "", async () => {
            text.select();
            // Without https there is no clipboard for scripts; the older way works there.
            if (navigator.clipboard) await navigator.clipboard.writeText(text.value).catch(() => document.execCommand("copy"));
            else document.execCommand("copy");
            copy.textContent = tagAtelier.say("Copied.");
        });
        const ask = tagAtelier.button(tagAtelier.say("Text for an issue"), "", async () => {
            text.value = await tagAtelier.askJson("GET", "diagnostics").then((found) => found.text, (error) => error.message);
            text.hidden = copy.hidden = false;
            copy.textContent = tagAtelier.say("Copy");
        });
        ask.title = tagAtelier.say("Gathers versions, settings and the last error for an issue. Paths and names of yours are left out; read it before you paste it.");
        ask.dataset.about = "ask";
        text.className = "tag-atelier-about-text";
        text.readOnly = text.hidden = copy.hidden = true;
        text.rows = 12;
        row.append(ask, copy);
        place.appendChild(text);
    }

    function draw() {
        const place = tagAtelier.find("[data-tag-atelier-about]");
        if (!place || place.firstChild) return;
        drawSwitch(place);
        drawHelp(place);
    }

    document.addEventListener("tag-atelier-job", (event) => {
        if (!begun.has(event.detail.id)) begun.set(event.detail.id, Date.now());
    });
    document.addEventListener("tag-atelier-job-over", (event) => notify(event.detail));
    tagAtelier.whenReady(() => tagAtelier.whenShown("[data-tag-atelier-about]", draw));
})();
