"use strict";
const viewer = document.getElementById("viewer");

let shown = null;

function show(shot) {
  shown = shot;
  viewer.querySelector("h3").textContent = shot.dataset.title;
  const picture = viewer.querySelector("img"), small = shot.querySelector("img").src;
  // A report that was sent away has no full pictures beside it.
  picture.onerror = () => { picture.onerror = null; picture.src = small; };
  picture.src = shot.dataset.full || small;
  viewer.querySelector(".change").textContent = shot.dataset.change;
  viewer.querySelector("pre").textContent = shot.dataset.infotext;
  const link = viewer.querySelector("a");
  if (shot.dataset.full) link.href = shot.dataset.full; else link.removeAttribute("href");
  showVerdict();
  if (!viewer.open) viewer.showModal();
}
document.querySelectorAll(".shot").forEach((shot) => shot.addEventListener("click", () => { order = null; show(shot); }));

// Verdicts are kept in this browser until they are exported; the run's folder takes the exported file.
const kept = `tag-atelier verdicts ${location.pathname}`;
let verdicts = {}, order = null;
try { verdicts = JSON.parse(localStorage.getItem(kept)) || {}; } catch { verdicts = {}; }
const exporter = document.getElementById("export"), note = viewer.querySelector(".say");

function showVerdict() {
  const verdict = verdicts[shown.dataset.key] || {};
  viewer.querySelectorAll("[data-answer]").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.answer === verdict.answer)));
  viewer.querySelector("[data-but]").setAttribute("aria-pressed", String(Boolean(verdict.but)));
  note.value = verdict.note || "";
}

function keep(change) {
  const key = shown.dataset.key, verdict = { but: false, note: note.value, ...verdicts[key], ...change };
  verdicts[key] = verdict;
  if (verdict.answer) {
    try { localStorage.setItem(kept, JSON.stringify(verdicts)); } catch { /* a full or forbidden storage keeps nothing */ }
  }
  countVerdicts();
  showVerdict();
}

function countVerdicts() {
  const count = Object.values(verdicts).filter((verdict) => verdict.answer).length;
  exporter.hidden = !count;
  exporter.textContent = `${exporter.dataset.label} (${count})`;
}

function turn(step) {
  const all = order || [...document.querySelectorAll(".card:not([hidden]) .shot")];
  const next = all[all.indexOf(shown) + step];
  if (next) show(next);
}

document.getElementById("judge").addEventListener("click", () => {
  // Closest to the threshold first: there a verdict says most.
  const value = (shot) => Number(shot.dataset.value);
  order = [...document.querySelectorAll(".card:not(.baseline) .shot")].filter((shot) => !verdicts[shot.dataset.key]?.answer);
  order.sort((a, b) => (value(a) < 0) - (value(b) < 0) || value(a) - value(b));
  if (order.length) show(order[0]);
});
viewer.querySelectorAll("[data-answer]").forEach((button) => button.addEventListener("click", () => {
  keep({ answer: button.dataset.answer });
  if (order) turn(1);
}));
viewer.querySelector("[data-but]").addEventListener("click", () => keep({ but: !verdicts[shown.dataset.key]?.but }));
note.addEventListener("change", () => keep({ note: note.value }));
viewer.addEventListener("keydown", (event) => {
  if (event.target === note || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = viewer.querySelectorAll(".answers button")[Number(event.key) - 1];
  if (button) button.click();
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") turn(event.key === "ArrowRight" ? 1 : -1);
});
exporter.addEventListener("click", () => {
  const judged = Object.fromEntries(Object.entries(verdicts).filter(([, verdict]) => verdict.answer));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ verdicts: judged }, null, 1)], { type: "application/json" }));
  link.download = "verdicts.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
countVerdicts();

viewer.querySelector(".close").addEventListener("click", () => viewer.close());
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });

viewer.querySelector(".copy").addEventListener("click", async (event) => {
  const button = event.currentTarget, text = viewer.querySelector("pre"), before = button.textContent;
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    // Pages opened from a file may not use the clipboard; selecting the text and copying it always works.
    const range = document.createRange();
    range.selectNodeContents(text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
  }
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 1200);
});

document.querySelectorAll("[data-filter]").forEach((button) => button.addEventListener("click", () => {
  const wanted = button.dataset.filter;
  document.querySelectorAll("[data-filter]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  document.querySelectorAll(".card").forEach((card) => {
    card.hidden = wanted !== "all" && !card.classList.contains("baseline") && !card.dataset.kinds.split(" ").includes(wanted);
  });
}));

// The cards on which two checkpoints differ: one letter a picture, all checkpoints of a seed after each other.
document.querySelectorAll("[data-pair]").forEach((button) => button.addEventListener("click", () => {
  const [one, other] = button.dataset.pair.split(",").map(Number), cards = document.querySelector(".cards");
  const columns = Number(cards.style.getPropertyValue("--columns"));
  document.querySelectorAll("[data-filter]").forEach((filter) => filter.setAttribute("aria-pressed", "false"));
  document.querySelectorAll(".card").forEach((card) => {
    const marks = card.dataset.marks;
    let differs = false;
    for (let at = 0; at < marks.length; at += columns) {
      const pair = marks[at + one] + marks[at + other];
      differs = differs || (!pair.includes("n") && pair[0] !== pair[1]);
    }
    card.hidden = !differs;
  });
  cards.scrollIntoView();
}));

document.querySelectorAll("table.sortable").forEach((table) => {
  const buttons = [...table.querySelectorAll("thead tr:last-child button")];
  buttons.forEach((button, column) => button.addEventListener("click", () => {
    const body = table.tBodies[0], rows = [...body.rows];
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const ascending = button.dataset.order !== "up";
    buttons.forEach((other) => { delete other.dataset.order; });
    button.dataset.order = ascending ? "up" : "down";
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return ascending ? order : -order;
    });
    const shown = rows.filter((row) => !row.hidden).length;
    rows.forEach((row, place) => { row.hidden = place >= shown; });
    body.append(...rows);
  }));
});

document.querySelectorAll(".more").forEach((button) => button.addEventListener("click", () => {
  const hidden = [...button.closest("section").querySelectorAll("tbody tr[hidden]")];
  hidden.slice(0, Number(button.dataset.step)).forEach((row) => { row.hidden = false; });
  button.hidden = hidden.length <= Number(button.dataset.step);
}));
