// Generate: results fill as they are drawn. Batch: the prompts follow the fields.
"use strict";

const results = document.querySelector("[data-results]");
if (results && !("ended" in results.dataset)) {
  const part = results.querySelector('[data-part="results"]');

  const replace = (html) => {
    if (part.dataset.html === html) return;
    const ticked = new Set([...part.querySelectorAll("input:checked")].map((box) => box.value));
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const label = held && (held.getAttribute("aria-label") || held.value);
    part.dataset.html = html;
    part.innerHTML = html;
    for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
    if (label) {
      [...part.querySelectorAll("a, button, input")]
        .find((node) => (node.getAttribute("aria-label") || node.value) === label)?.focus();
    }
  };

  const look = async () => {
    let ended = false;
    if (!document.hidden) {
      const answer = await fetch(results.dataset.results, { headers: { Accept: "application/json" } }).catch(() => null);
      if (answer && answer.ok && !answer.redirected) {
        const told = await answer.json();
        // A button that is being pressed must not be taken away under the pointer.
        if (!part.querySelector(":active")) {
          replace(told.html);
          ended = told.ended;
        }
      }
    }
    if (ended) results.querySelector("[data-cancel]")?.remove();
    else setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}

const shown = document.querySelector("[data-preview]");
if (shown) {
  const form = shown.closest("form");
  let timer = 0;
  let asked = 0;
  const preview = async () => {
    const turn = ++asked;
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-Preview": "1" } }).catch(() => null);
    if (answer && answer.ok && turn === asked) shown.innerHTML = await answer.text();
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(preview, 250); });
}
