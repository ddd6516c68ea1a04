// The front page's living part, fetched again every two seconds while the page is seen.
"use strict";

const living = document.querySelector("[data-live]");
const newest = document.querySelector("[data-newest]");

const swap = (place, html) => {
  if (place.dataset.html === html) return;
  place.dataset.html = html;
  const open = new Set([...place.querySelectorAll("details[open][data-keep]")].map((node) => node.dataset.keep));
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const label = held && (held.getAttribute("aria-label") || held.textContent);
  place.innerHTML = html;
  for (const node of place.querySelectorAll("details[data-keep]")) node.open = open.has(node.dataset.keep);
  if (label) {
    [...place.querySelectorAll("a, button, summary")]
      .find((node) => (node.getAttribute("aria-label") || node.textContent) === label)?.focus();
  }
};

const look = async () => {
  if (!document.hidden) {
    const answer = await fetch(living.dataset.live, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer && answer.ok && !answer.redirected) {
      const told = await answer.json();
      // A form that is being sent must not be taken away under the pointer.
      if (!living.querySelector(":active")) swap(living, told.live);
      swap(newest, told.newest);
    }
  }
  setTimeout(look, 2000);
};
if (living) setTimeout(look, 2000);
