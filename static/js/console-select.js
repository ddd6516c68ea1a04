// Selecting pictures: click the box, shift-click for a range, "this page", "all that match".
"use strict";

const grid = document.querySelector("[data-select-grid]");
const bar = document.querySelector("[data-select-bar]");
if (grid && bar) {
  const boxes = [...grid.querySelectorAll("[data-pick]")];
  const count = bar.querySelector("[data-count]");
  const across = bar.querySelector("[data-across]");
  const page = bar.querySelector("[data-pick-page]");
  const clear = bar.querySelector("[data-clear]");
  let last = null;
  bar.querySelector("[data-page-pick]").hidden = false;

  const show = () => {
    const picked = boxes.filter((box) => box.checked).length;
    count.textContent = across.checked ? "All that match" : picked ? `${picked} selected` : "Nothing selected";
    page.checked = picked === boxes.length;
    page.indeterminate = picked > 0 && picked < boxes.length;
    clear.hidden = !picked;
    bar.toggleAttribute("data-empty", !picked);
    grid.classList.toggle("selecting", picked > 0);
  };
  const pick = (box, checked, range) => {
    const here = boxes.indexOf(box);
    const from = range && last !== null ? last : here;
    const [low, high] = from < here ? [from, here] : [here, from];
    for (const other of boxes.slice(low, high + 1)) other.checked = checked;
    last = here;
    if (!checked) across.checked = false;
    show();
  };
  grid.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const box = tile.querySelector("[data-pick]");
    if (event.target === box) pick(box, box.checked, event.shiftKey);
    else if (event.target.closest(".pick")) {
      if (event.shiftKey) { event.preventDefault(); pick(box, !box.checked, true); }
    } else if (grid.classList.contains("selecting") && !event.metaKey && !event.ctrlKey) {
      // While something is selected, a click on a picture selects too; the first opens its page.
      event.preventDefault();
      pick(box, !box.checked, event.shiftKey);
    }
  });
  page.addEventListener("change", () => {
    for (const box of boxes) box.checked = page.checked;
    across.checked &&= page.checked;
    show();
  });
  across.addEventListener("change", () => {
    if (across.checked) for (const box of boxes) box.checked = true;
    show();
  });
  clear.addEventListener("click", () => {
    for (const box of boxes) box.checked = false;
    across.checked = false;
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !clear.hidden && !event.target.closest("input:not([type=checkbox]), select, details")) clear.click();
  });
  // Enter in the album field adds; the browser would press the first button of the form.
  document.getElementById("bar-album").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    bar.querySelector('[value="add_to_album"]').click();
  });
  // Going back restores boxes after this script ran.
  window.addEventListener("pageshow", show);
  show();
}
