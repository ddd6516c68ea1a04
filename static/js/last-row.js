// While a grid goes on, its last row is not full yet: its pictures would grow as more arrive beside
// them. So it stays unseen until then.
const list = document.querySelector("#list.grid");

function show() {
  for (const tile of list.querySelectorAll(".is-held")) tile.classList.remove("is-held");
}

function hold() {
  show();
  if (!document.querySelector(".more-sentinel")) return;
  const last = list.lastElementChild;
  for (let tile = last; tile && tile.offsetTop === last.offsetTop; tile = tile.previousElementSibling)
    if (tile !== list.firstElementChild) tile.classList.add("is-held");
}

if (list) {
  hold();
  window.addEventListener("resize", hold);
  document.addEventListener("htmx:afterSwap", hold);
  // What does not come is not waited for.
  document.addEventListener("htmx:responseError", show);
  document.addEventListener("htmx:sendError", show);
}
