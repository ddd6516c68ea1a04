// A preview, fetched anew while its page is read: below the form that asked for it, without losing
// what was typed, or on its own page.
"use strict";

(() => {
  const PAUSE = 700;

  const follow = async (address, shown, status, isWanted) => {
    while (isWanted()) {
      const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
      if (!isWanted()) return;
      if (answer && answer.ok && !answer.redirected) {
        const text = await answer.text();
        const open = shown.querySelector(".preview-links")?.open;
        if (!shown.contains(document.activeElement)) {
          shown.innerHTML = text;
          if (open) shown.querySelector(".preview-links")?.setAttribute("open", "");
        }
        if (answer.headers.get("X-Ended")) {
          shown.innerHTML = text;
          if (status) status.textContent = shown.querySelector("[data-told]")?.textContent ?? "";
          return;
        }
      } else if (answer && answer.status === 404) {
        return;
      }
      await new Promise((later) => { setTimeout(later, PAUSE); });
    }
  };

  const alone = document.querySelector("[data-preview-live]");
  if (alone) follow(alone.dataset.previewLive, alone, null, () => true);

  const button = document.querySelector("button[data-preview]");
  const place = document.querySelector("[data-preview-place]");
  if (!button || !place) return;
  const shown = place.querySelector("[data-preview-shown]");
  const status = place.querySelector("[data-preview-status]");
  let turn = 0;

  const say = (words, isError = false) => {
    const line = document.createElement("p");
    line.className = isError ? "field-error collect-error" : "preview-status";
    line.textContent = words;
    shown.replaceChildren(line);
    status.textContent = words;
  };

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    const mine = ++turn;
    place.hidden = false;
    say("Asking for the page.");
    const body = new FormData(button.form);
    const answer = await fetch(button.formAction, {
      method: "POST", body, credentials: "same-origin", headers: { "X-Preview": "1" },
    }).catch(() => null);
    if (mine !== turn) return;
    const told = answer && answer.headers.get("Content-Type")?.startsWith("application/json")
      ? await answer.json() : {};
    if (!told.live) return say(told.error ?? "The server does not answer.", true);
    place.scrollIntoView({ block: "nearest" });
    await follow(told.live, shown, status, () => mine === turn);
  });
})();
