"use strict";
const viewer = document.getElementById("viewer");

document.querySelectorAll(".shot").forEach((shot) => shot.addEventListener("click", () => {
  viewer.querySelector("h3").textContent = shot.dataset.title;
  viewer.querySelector("img").src = shot.querySelector("img").src;
  viewer.querySelector(".change").textContent = shot.dataset.change;
  viewer.querySelector("pre").textContent = shot.dataset.infotext;
  const link = viewer.querySelector("a");
  if (shot.dataset.full) link.href = shot.dataset.full; else link.removeAttribute("href");
  viewer.showModal();
}));
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
    body.append(...rows);
  }));
});
