// The form of a labeling run: what the chosen labeler does, and only what it goes by.
"use strict";

(() => {
  const chosen = document.querySelector("select[data-reads-prompts]");
  if (!chosen) return;
  const readers = chosen.dataset.readsPrompts.split(" ");
  const batchers = chosen.dataset.takesBatches.split(" ");
  const prompts = document.querySelectorAll(
    ".field-prompt_kind, .field-trigger_word, .field-include_context, [data-for-prompts]",
  );
  const batches = document.querySelectorAll(".field-use_batches");
  const described = document.querySelectorAll("[data-labeler]");
  const show = () => {
    for (const part of prompts) part.hidden = !readers.includes(chosen.value);
    for (const part of batches) part.hidden = !batchers.includes(chosen.value);
    for (const words of described) words.hidden = words.dataset.labeler !== chosen.value;
  };
  chosen.addEventListener("change", show);
  // A browser that comes back to the page puts the last choice in after it has loaded.
  addEventListener("pageshow", show);
  show();
})();
