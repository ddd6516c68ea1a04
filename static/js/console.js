// Shared by every page of the console. Each part looks for its own markup and leaves if it is
// not there; every page works without this file.
"use strict";

// Start forms: keep the price and the button's verb in step with the fields.
for (const form of document.querySelectorAll("form[data-estimate]")) {
  const cost = form.querySelector("[data-cost]");
  const verb = form.querySelector("[data-verb]");
  let timer = 0;
  let asked = 0;
  const estimate = async () => {
    const turn = ++asked;
    const body = new FormData(form);
    for (const [name, value] of [...body.entries()]) if (value instanceof File) body.delete(name);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Estimate": "1" } }).catch(() => null);
    if (!answer || !answer.ok || turn !== asked) return;
    const told = await answer.json();
    if (cost) cost.textContent = told.cost;
    if (verb) verb.textContent = told.verb;
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(estimate, 250); };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
}

// Copy buttons.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent);
    } catch {
      field.select?.();
      return;
    }
    const before = button.innerHTML;
    button.textContent = "Copied";
    setTimeout(() => { button.innerHTML = before; }, 1500);
  });
}

// Filter menus: one open at a time, closed by Escape and by a click elsewhere.
const menus = [...document.querySelectorAll("details.filter-menu")];
if (menus.length) {
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (!menu.open) continue;
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
