// The review: pictures come in parts, ahead of whoever looks at them; each decision is sent by
// itself, one after the other, while one goes on. Without this file every button is a form.
"use strict";

import { cookie, draftOf, edit, enliven, innerKeys, isEditing, keepDraft, putBack, showOther, takeOver, toTags } from "./review-item.js";

const AHEAD = 8;
const PICTURES_AHEAD = 3;
const UNDOS = "review-undo";
const MOST_UNDOS = 100;
const SWIPE = 60;

const root = document.querySelector("[data-review]");
const seat = root.querySelector("[data-seat]");
const find = (name) => root.querySelector(`[data-${name}]`);
const thin = (number) => String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

const ids = [];
const parts = new Map();
const pictures = new Map();
const ends = { behind: false, before: false };
const undos = JSON.parse(sessionStorage.getItem(UNDOS) || "[]");
let at = 0;
let first = Number(root.dataset.number);
let sending = Promise.resolve();
let unsent = 0;
let moving = null;

const current = () => seat.querySelector("form.review-item");
const query = () => root.dataset.query;

// --- The queue ---------------------------------------------------------------------------------

const parsed = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
};

const asked = async (name, id) => {
  const answer = await fetch(`${root.dataset.more}?${query()}&${name}=${id}`, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error("unanswered");
  return answer.json();
};

const fetching = {};

// One request at a time in each direction; true if anything came.
const fetchMore = (name) => {
  if (ends[name]) return Promise.resolve(false);
  fetching[name] ??= asked(name, name === "behind" ? ids[ids.length - 1] : ids[0]).then((told) => {
    const fresh = told.items.filter(({ id }) => !parts.has(id));
    for (const { id, html } of fresh) parts.set(id, html);
    if (name === "behind") ids.push(...fresh.map(({ id }) => id));
    else {
      ids.unshift(...fresh.map(({ id }) => id).reverse());
      at += fresh.length;
      first -= fresh.length;
    }
    ends[name] = !told.more;
    return fresh.length > 0;
  }).finally(() => { delete fetching[name]; });
  return fetching[name];
};

// The next pictures' files, as the page will ask for them.
const fetchPictures = () => {
  for (const id of ids.slice(at + 1, at + 1 + PICTURES_AHEAD)) {
    if (pictures.has(id)) continue;
    const shown = parsed(parts.get(id)).querySelector(".review-mat img");
    const picture = new Image();
    picture.sizes = shown.sizes;
    picture.srcset = shown.srcset;
    picture.src = shown.getAttribute("src");
    pictures.set(id, picture);
    if (pictures.size > 4 * PICTURES_AHEAD) pictures.delete(pictures.keys().next().value);
  }
};

const lookAhead = async () => {
  try {
    if (ids.length - at <= AHEAD) await fetchMore("behind");
    if (at === 0) await fetchMore("before");
  } catch { /* Asked again with the next step. */ }
  fetchPictures();
  tellPlace();
};

const tellPlace = () => {
  const total = Math.max(Number(root.dataset.total), first + at);
  const ended = at >= ids.length;
  const number = ended ? total : first + at;
  find("place").textContent = ended ? "" : `${thin(number)} of ${thin(total)}${"isMore" in root.dataset ? "+" : ""}`;
  const progress = document.querySelector("[data-progress]");
  progress.max = total;
  progress.value = number;
  const turned = { previous: at > 0 || !ends.before, next: !ended };
  for (const [name, possible] of Object.entries(turned)) {
    const link = root.querySelector(`[data-go="${name}"]`);
    link.ariaDisabled = String(!possible);
  }
};

// --- What is shown -----------------------------------------------------------------------------

const show = () => {
  const id = ids[at];
  const form = id === undefined ? null : parsed(parts.get(id));
  if (form) {
    seat.replaceChildren(form);
    enliven(form, press);
  } else {
    seat.replaceChildren(find("end").content.cloneNode(true));
  }
  for (const name of ["edit", "accept"]) find(name).hidden = !form;
  history.replaceState(null, "", `${root.dataset.page}?${query()}${form ? `&image=${id}` : ""}`);
  tellPlace();
};

// The same picture's part anew, if it is still looked at.
const renew = (id, html) => {
  if (!html) return;
  parts.set(id, html);
  const before = current();
  if (!before || Number(before.dataset.image) !== id) return;
  const form = parsed(html);
  const goOn = takeOver(before, form);
  seat.replaceChildren(form);
  enliven(form, press);
  goOn();
};

const move = async (step) => {
  const wanted = at + step;
  try {
    if (wanted >= ids.length) await fetchMore("behind");
    if (wanted < 0) await fetchMore("before");
  } catch {
    trouble("The next pictures could not be fetched: the connection is lost.", () => go(step));
    return;
  }
  const there = Math.min(Math.max(at + step, 0), ids.length);
  if (there === at) return;
  at = there;
  show();
  lookAhead();
};

// While the next picture is not there yet, what is pressed is for it, not for the last one.
const go = (step) => {
  if (!ids.length || moving) return;
  moving = move(step).finally(() => { moving = null; });
};

const arrived = async () => {
  while (moving) await moving;
};

const goTo = (id) => {
  const place = ids.indexOf(id);
  if (place < 0) {
    location.assign(`${root.dataset.page}?${query()}&image=${id}`);
    return;
  }
  at = place;
  show();
  lookAhead();
};

const say = (text) => {
  if (!find("said")) return;
  find("said").textContent = text;
  find("undo").hidden = !undos.length;
};

// What went wrong stays until it is dealt with: whoever sent it looks at another picture by now.
const trouble = (text, again, id) => {
  const row = document.createElement("p");
  row.append(text, " ");
  const button = (label, press_) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => { row.remove(); press_(); });
    row.append(made, " ");
  };
  if (again) button("Try again", again);
  if (id !== undefined && ids[at] !== id) button("Go there", () => goTo(id));
  button("Dismiss", () => {});
  find("trouble").append(row);
};

// --- Decisions ---------------------------------------------------------------------------------

const press = (button) => button.form.requestSubmit(button);

const post = async (id, body) => {
  let answer;
  try {
    answer = await fetch(`${root.dataset.page}${id}/?${query()}`, {
      method: "POST",
      body,
      keepalive: true,
      headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") ?? body.get("csrfmiddlewaretoken") },
    });
  } catch {
    return { again: true, message: "It was not saved: the connection is lost." };
  }
  if (answer.redirected || answer.status === 403) {
    return { again: true, message: "It was not saved: your session has ended. Sign in again in another tab." };
  }
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  const message = told?.error?.message ?? `It was not saved: the server answered ${answer.status}.`;
  return { message, html: told?.html, again: answer.status >= 500, gone: answer.status === 404 };
};

// Decisions are sent in their order; the next waits for the answer to the one before.
const send = (id, body, text) => {
  unsent += 1;
  sending = sending.then(async () => {
    const told = await post(id, body);
    unsent -= 1;
    if (told.message) {
      // What was written is kept, to be saved again or put back.
      if (text !== undefined && text !== body.get("seen")) keepDraft(id, text);
      renew(id, told.html);
      trouble(`Image ${id}: ${told.message}`, told.again ? () => send(id, body, text) : null, id);
      return;
    }
    if (text !== undefined && draftOf(id) === text) keepDraft(id, null);
    if (told.undo) {
      undos.push({ id, undo: told.undo });
      undos.splice(0, undos.length - MOST_UNDOS);
      sessionStorage.setItem(UNDOS, JSON.stringify(undos));
    }
    renew(id, told.html);
    say(`Image ${id}: ${told.said}`);
  });
  return sending;
};

const decide = (form, button) => {
  const id = Number(form.dataset.image);
  const body = new FormData(form, button);
  if (body.get("action") === "accept") {
    const text = String(body.get("text")).trim();
    if (!text) {
      say("There is no caption to accept; write one.");
      edit(form);
      return;
    }
    keepDraft(id, null);
    form.querySelector("[data-editor]").open = false;
    send(id, body, text);
    go(1);
    return;
  }
  if (button.dataset.rate) {
    for (const other of form.querySelectorAll("[data-rate]")) other.ariaPressed = String(other === button);
  }
  if ("add" in button.dataset) form.querySelector("[data-tag-field]").value = "";
  send(id, body);
};

const undo = async () => {
  await sending;
  const last = undos.pop();
  if (!last) { say("There is nothing to take back."); return; }
  sessionStorage.setItem(UNDOS, JSON.stringify(undos));
  const body = new FormData();
  body.set("action", "undo");
  body.set("undo", last.undo);
  await send(last.id, body);
  if (ids[at] !== last.id) goTo(last.id);
};

const reveal = async (form, button) => {
  const id = Number(form.dataset.image);
  await fetch(button.formAction, {
    method: "POST", body: new FormData(form), headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") ?? "" },
  }).catch(() => null);
  const told = await asked("image", id).catch(() => null);
  if (told?.items.length) renew(id, told.items[0].html);
};

// --- Keys, clicks, swipes ------------------------------------------------------------------------

const help = find("help");
const single = help.querySelector("[data-keys]");
single.checked = localStorage.getItem("review-keys") !== "off";
single.addEventListener("change", () => localStorage.setItem("review-keys", single.checked ? "on" : "off"));

// Of a key that is held down only these go on: decisions are made one by one.
const MOVES = new Set(["n", "p", "ArrowRight", "ArrowLeft"]);

const onForm = (act) => () => { const form = current(); if (form) act(form); };

const KEYS = {
  a: onForm((form) => {
    // Whoever accepts quickly does not want to find the next keys written into a caption.
    if (form.querySelector("[data-field]").value.trim()) find("accept").click();
    else sending.then(() => { if (current() === form) say("There is no caption to accept; press e to write one."); });
  }),
  e: onForm(edit),
  n: () => go(1), ArrowRight: () => go(1),
  p: () => go(-1), ArrowLeft: () => go(-1),
  t: onForm((form) => form.querySelector("[data-tag-field]").focus()),
  r: onForm(toTags),
  o: onForm(showOther),
  h: onForm((form) => { const history = form.querySelector("[data-history]"); if (history) { history.open = !history.open; history.scrollIntoView({ block: "nearest" }); } }),
  v: onForm((form) => form.querySelector("[data-reveal]")?.click()),
  z: undo,
  "/": () => document.getElementById("review-search").focus(),
  "?": () => help.showModal(),
  ...Object.fromEntries(["1", "2", "3", "4"].map((key) => [key, onForm((form) => press(form.querySelector(`[data-rate="${key}"]`)))])),
};

document.addEventListener("keydown", (event) => {
  if (help.open || event.defaultPrevented) return;
  const form = current();
  if (form?.contains(event.target) && innerKeys(form, event, press)) return;
  if (event.target.closest("input, textarea, select, details.filter-menu[open]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); undo(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || !single.checked) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = KEYS[key];
  if (!act) return;
  event.preventDefault();
  if (event.repeat && !MOVES.has(key)) return;
  if (moving) arrived().then(act); else act();
});

root.addEventListener("submit", (event) => {
  if (!event.target.matches(".review-item")) return;
  event.preventDefault();
  if (!event.submitter || moving) return;
  if ("reveal" in event.submitter.dataset) reveal(event.target, event.submitter);
  else decide(event.target, event.submitter);
});

let touched = null;
seat.addEventListener("touchstart", (event) => {
  const touch = event.touches.length === 1 && event.target.closest(".review-mat") ? event.touches[0] : null;
  touched = touch && { x: touch.clientX, y: touch.clientY };
}, { passive: true });
seat.addEventListener("touchend", (event) => {
  if (!touched) return;
  const [across, down] = [event.changedTouches[0].clientX - touched.x, event.changedTouches[0].clientY - touched.y];
  touched = null;
  if (Math.abs(across) > SWIPE && Math.abs(down) < SWIPE) go(across < 0 ? 1 : -1);
}, { passive: true });

window.addEventListener("beforeunload", (event) => {
  const form = current();
  if (unsent || (form && isEditing(form) && draftOf(Number(form.dataset.image)) !== undefined)) event.preventDefault();
});

const open = find("help-open");
open.hidden = false;
open.addEventListener("click", () => help.showModal());
help.querySelector("[data-help-close]").addEventListener("click", () => help.close());

// Links to pages of their own become buttons.
for (const link of root.querySelectorAll("[data-go]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.go = link.dataset.go;
  button.append(...link.childNodes);
  button.addEventListener("click", () => go(button.dataset.go === "next" ? 1 : -1));
  link.replaceWith(button);
}

root.classList.add("is-live");
if (current()) {
  ids.push(Number(current().dataset.image));
  parts.set(ids[0], seat.innerHTML.trim());
  find("edit").hidden = false;
  find("edit").addEventListener("click", () => { const form = current(); if (isEditing(form)) putBack(form); else edit(form); });
  find("undo").addEventListener("click", undo);
  show();
  say("");
  lookAhead();
}
