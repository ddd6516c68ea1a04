// Ordering an album's pictures by dragging them; the numbers follow and the form saves them.
"use strict";

const list = document.querySelector("[data-order]");
if (list) {
  const start = Number(list.dataset.start);
  let dragged = null;

  const renumber = () => {
    [...list.querySelectorAll("[data-place]")].forEach((field, index) => { field.value = start + index; });
  };
  list.classList.add("is-draggable");
  const help = document.querySelector("[data-order-help]");
  if (help) help.textContent = "Drag the pictures, or write another number to move one; then save.";
  for (const tile of list.querySelectorAll("[data-tile]")) tile.draggable = true;

  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-tile]");
    if (!dragged || event.target.matches("input")) { event.preventDefault(); dragged = null; return; }
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    dragged.classList.add("is-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-tile]");
    if (!dragged) return;
    event.preventDefault();
    if (!over || over === dragged) return;
    const tiles = [...list.children];
    const forward = tiles.indexOf(dragged) < tiles.indexOf(over);
    list.insertBefore(dragged, forward ? over.nextSibling : over);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    dragged?.classList.remove("is-dragged");
    dragged = null;
    renumber();
  });
  // A number that is written moves its picture at once.
  list.addEventListener("change", (event) => {
    if (!event.target.matches("[data-place]")) return;
    const tile = event.target.closest("[data-tile]");
    const place = Number(event.target.value) - start;
    const others = [...list.children].filter((other) => other !== tile);
    if (!Number.isInteger(place) || place < 0 || place > others.length) return;
    list.insertBefore(tile, others[place] ?? null);
    renumber();
    event.target.focus();
  });
}
