// Selecting pictures: click the box, shift-click for a range, "this page", "all that match". What is
// selected stays so on the other pages of the same list, until it is cleared or something is done.
"use strict";

const grid = document.querySelector("[data-select-grid]");
const bar = document.querySelector("[data-select-bar]");
if (grid && bar) {
  const boxes = [...grid.querySelectorAll("[data-pick]")];
  const count = bar.querySelector("[data-count]");
  const across = bar.querySelector("[data-across]");
  const page = bar.querySelector("[data-pick-page]");
  const clear = bar.querySelector("[data-clear]");
  const address = new URL(window.location.href);
  address.searchParams.delete("p");
  const key = `picked ${address.pathname}?${address.searchParams}`;
  const elsewhere = new Set();
  let last = null;

  // Storage may be forbidden; then a selection ends with its page.
  const stored = () => {
    try { return JSON.parse(sessionStorage.getItem(key)) ?? []; } catch { return []; }
  };
  const store = (ids) => {
    try {
      if (ids.length) sessionStorage.setItem(key, JSON.stringify(ids));
      else sessionStorage.removeItem(key);
    } catch { /* as above */ }
  };
  const restore = () => {
    elsewhere.clear();
    for (const id of stored()) elsewhere.add(id);
    for (const box of boxes) if (elsewhere.delete(box.value)) box.checked = true;
    show();
  };
  bar.querySelector("[data-page-pick]").hidden = false;

  const show = () => {
    const here = boxes.filter((box) => box.checked);
    const picked = here.length + elsewhere.size;
    const others = elsewhere.size ? ` (${elsewhere.size} on other pages)` : "";
    count.textContent = across.checked ? "All that match" : picked ? `${picked} selected${others}` : "Nothing selected";
    page.checked = here.length === boxes.length;
    page.indeterminate = here.length > 0 && here.length < boxes.length;
    clear.hidden = !picked;
    bar.toggleAttribute("data-empty", !picked);
    grid.classList.toggle("selecting", picked > 0);
    store([...elsewhere, ...here.map((box) => box.value)]);
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
    elsewhere.clear();
    across.checked = false;
    show();
  });
  bar.closest("form").addEventListener("submit", () => {
    grid.closest("form").querySelector("[data-elsewhere]").value = [...elsewhere].join(",");
    store([]);
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
  window.addEventListener("pageshow", (event) => (event.persisted ? restore() : show()));
  restore();
}
