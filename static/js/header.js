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

if (header) window.addEventListener("scroll", follow, { passive: true });
