// The header leaves when one scrolls down and returns when one scrolls up.
const header = document.querySelector("[data-site-header]");
let last = window.scrollY;

function follow() {
  const now = Math.max(0, window.scrollY);
  // Small tremors of a finger are not a change of mind.
  if (Math.abs(now - last) < 8) return;
  header.classList.toggle("is-away", now > last && now > header.offsetHeight);
  last = now;
}

// "/" goes to the search field, as on many sites that are searched.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector("[data-search]");
  if (!field) return;
  event.preventDefault();
  header.classList.remove("is-away");
  field.focus();
  field.select();
});

// What narrows a search down has a column of its own; on a phone it would push the pictures away.
const facets = document.querySelector("[data-facets]");
if (facets && window.matchMedia("(min-width: 720px)").matches) facets.open = true;

if (header) window.addEventListener("scroll", follow, { passive: true });
