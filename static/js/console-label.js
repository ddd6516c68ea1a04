// The form of a labeling run: what the chosen labeler does, and a prompt only where it reads one.
"use strict";

(() => {
  const chosen = document.querySelector("select[data-reads-prompts]");
  if (!chosen) return;
  const readers = chosen.dataset.readsPrompts.split(" ");
  const prompts = document.querySelectorAll(".field-prompt_kind, [data-for-prompts]");
  const described = document.querySelectorAll("[data-labeler]");
  const show = () => {
    for (const part of prompts) part.hidden = !readers.includes(chosen.value);
    for (const words of described) words.hidden = words.dataset.labeler !== chosen.value;
  };
  chosen.addEventListener("change", show);
  // A browser that comes back to the page puts the last choice in after it has loaded.
  addEventListener("pageshow", show);
  show();
})();
