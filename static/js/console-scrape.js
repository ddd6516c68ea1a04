// The form that starts a crawl: a preset fills in the options that it speaks of and leaves all else
// as it was typed; whoever then changes one of them has chosen by hand.
"use strict";

(() => {
  const form = document.getElementById("start-form");
  const told = document.getElementById("scrape-presets");
  if (!form || !told) return;
  const presets = JSON.parse(told.textContent);
  const names = new Set(Object.values(presets).flatMap(Object.keys));
  const byHand = form.querySelector('input[name="preset"][value=""]');

  form.addEventListener("change", (event) => {
    const { name, value } = event.target;
    if (name === "preset") {
      for (const [option, chosen] of Object.entries(presets[value] ?? {})) {
        const field = form.elements.namedItem(option);
        if (field.type === "checkbox") field.checked = chosen;
        else field.value = chosen;
      }
    }
  });
  form.addEventListener("input", (event) => {
    if (names.has(event.target.name)) byHand.checked = true;
  });
})();
