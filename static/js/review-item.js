// What one does within the part of the page that holds one picture: its words, their tokens, its
// tags. The queue around it is in review.js.
"use strict";

const TYPING_MS = 150;

export const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);

const idOf = (form) => Number(form.dataset.image);
const fieldOf = (form) => form.querySelector("[data-field]");
const editorOf = (form) => form.querySelector("[data-editor]");

// --- Words that were typed and not saved: kept while one moves on, and over a reload -------------

const DRAFTS = "review-drafts";
const drafts = new Map(JSON.parse(sessionStorage.getItem(DRAFTS) || "[]"));

export const draftOf = (id) => drafts.get(id);

export const keepDraft = (id, text) => {
  if (text === null) drafts.delete(id); else drafts.set(id, text);
  sessionStorage.setItem(DRAFTS, JSON.stringify([...drafts]));
};

// --- The caption ---------------------------------------------------------------------------------

export const isEditing = (form) => editorOf(form).open;

export const edit = (form) => {
  editorOf(form).open = true;
  const field = fieldOf(form);
  field.focus();
  field.scrollIntoView({ block: "nearest" });
  field.setSelectionRange(field.value.length, field.value.length);
};

export const putBack = (form) => {
  const field = fieldOf(form);
  field.value = field.defaultValue;
  keepDraft(idOf(form), null);
  editorOf(form).open = false;
  field.blur();
  count(form);
};

// The captions that stand, one after the other, in the place of the one that counts.
export const showOther = (form) => {
  const others = [...form.querySelectorAll("[data-other]")];
  if (!others.length || isEditing(form)) return;
  const text = form.querySelector("[data-text]");
  const from = form.querySelector(".review-caption [data-from]");
  form.first ??= { words: [...text.childNodes], value: fieldOf(form).defaultValue, from: [...from.childNodes] };
  form.turn = ((form.turn ?? 0) + 1) % (others.length + 1);
  others.forEach((other, index) => other.classList.toggle("is-shown", index === form.turn - 1));
  const other = others[form.turn - 1];
  if (other) {
    fieldOf(form).value = other.querySelector("[data-words]").textContent;
    text.textContent = fieldOf(form).value;
    from.replaceChildren(...[...other.querySelector("[data-from]").childNodes].map((node) => node.cloneNode(true)));
  } else {
    fieldOf(form).value = form.first.value;
    text.replaceChildren(...form.first.words);
    from.replaceChildren(...form.first.from);
  }
  count(form);
};

// --- How many tokens -----------------------------------------------------------------------------

let counting = 0;

const count = async (form) => {
  const turn = ++counting;
  const text = fieldOf(form).value;
  const answer = await fetch("/api/labeling/tokens", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") ?? "" },
    body: JSON.stringify({ texts: [text] }),
  }).catch(() => null);
  if (!answer?.ok || turn !== counting) return;
  const { items: [{ tokens, cut_at: cut }], limit, is_exact: exact } = await answer.json();
  const shown = form.querySelector("[data-tokens]");
  shown.classList.toggle("is-over", cut !== null);
  shown.textContent = `${exact ? "" : "about "}${tokens} of ${limit} tokens`;
  if (cut !== null) {
    // The place is told in characters; the text here is in UTF-16.
    const read = [...text].slice(0, cut).join("").trimEnd().split(/\s+/).slice(-4).join(" ");
    shown.textContent += `: nothing is read behind “…${read}”`;
  }
};

// --- Tags, completed from those that there are -----------------------------------------------------

const complete = async (form, field) => {
  const list = form.querySelector("[data-completions]");
  const turn = (form.completing = (form.completing ?? 0) + 1);
  const text = field.value.trim();
  if (!text) return close(form);
  const answer = await fetch(`/api/tags/complete?q=${encodeURIComponent(text)}`).catch(() => null);
  if (!answer?.ok || turn !== form.completing || document.activeElement !== field) return undefined;
  const { items } = await answer.json();
  list.replaceChildren(...items.map(({ name, count: used }, index) => {
    const option = document.createElement("li");
    option.role = "option";
    option.id = `review-tag-${index}`;
    option.dataset.name = name;
    option.ariaSelected = "false";
    const number = document.createElement("span");
    number.textContent = used;
    option.append(name, number);
    return option;
  }));
  list.hidden = !items.length;
  field.ariaExpanded = String(!list.hidden);
  return undefined;
};

const close = (form) => {
  form.completing = (form.completing ?? 0) + 1;
  const field = form.querySelector("[data-tag-field]");
  form.querySelector("[data-completions]").hidden = true;
  field.ariaExpanded = "false";
  field.removeAttribute("aria-activedescendant");
};

const point = (form, step) => {
  const options = [...form.querySelectorAll("[data-completions] [role=option]")];
  if (!options.length) return;
  const here = options.findIndex((option) => option.ariaSelected === "true");
  const there = here < 0 ? (step > 0 ? 0 : options.length - 1) : (here + step + options.length) % options.length;
  options.forEach((option, index) => { option.ariaSelected = String(index === there); });
  options[there].scrollIntoView({ block: "nearest" });
  form.querySelector("[data-tag-field]").setAttribute("aria-activedescendant", options[there].id);
};

const pointedAt = (form) => form.querySelector("[data-completions]:not([hidden]) [aria-selected=true]");

export const toTags = (form) => {
  const chips = form.querySelectorAll("[data-tag]");
  (chips[chips.length - 1] ?? form.querySelector("[data-tag-field]")).focus();
};

const tagKeys = (form, event, submit) => {
  const field = event.target;
  const chosen = pointedAt(form);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    point(form, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Tab" && chosen) {
    event.preventDefault();
    field.value = chosen.dataset.name;
    close(form);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (chosen) field.value = chosen.dataset.name;
    if (field.value.trim()) submit(form.querySelector("[data-add]"));
    close(form);
  } else if (event.key === "Escape") {
    if (form.querySelector("[data-completions]").hidden) field.blur(); else close(form);
  } else if (event.key === "Backspace" && !field.value) {
    event.preventDefault();
    toTags(form);
  }
};

const chipKeys = (form, event, submit) => {
  const chips = [...form.querySelectorAll("[data-tag]")];
  const here = chips.indexOf(event.target);
  if (event.key === "ArrowLeft") chips[Math.max(0, here - 1)].focus();
  else if (event.key === "ArrowRight") (chips[here + 1] ?? form.querySelector("[data-tag-field]")).focus();
  else if (event.key === "Delete" || event.key === "Backspace") submit(event.target);
  else if (event.key === "Escape") event.target.blur();
  else return false;
  event.preventDefault();
  return true;
};

// Keys within a field or a tag; whether they meant something there. submit: presses a button.
export const innerKeys = (form, event, submit) => {
  if (event.target.matches("[data-field]")) {
    if (event.key === "Escape") putBack(form);
    // On a phone Enter breaks the line, as everywhere; there is a button beside it.
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      submit(editorOf(form).querySelector("[data-action]"));
    }
    return true;
  }
  if (event.target.matches("[data-tag-field]")) { tagKeys(form, event, submit); return true; }
  return event.target.matches("[data-tag]") && chipKeys(form, event, submit);
};

// --- Making a part live ----------------------------------------------------------------------------

export const enliven = (form, submit) => {
  const field = fieldOf(form);
  const tag = form.querySelector("[data-tag-field]");
  let typing = 0;
  editorOf(form).addEventListener("toggle", () => { if (isEditing(form) && document.activeElement?.matches("summary")) edit(form); });
  field.addEventListener("input", () => {
    keepDraft(idOf(form), field.value === field.defaultValue ? null : field.value);
    clearTimeout(typing);
    typing = setTimeout(() => count(form), TYPING_MS);
  });
  tag.addEventListener("input", () => {
    clearTimeout(form.typingTag);
    form.typingTag = setTimeout(() => complete(form, tag), TYPING_MS);
  });
  tag.addEventListener("blur", () => close(form));
  // Before the field loses the focus, which closes the list.
  form.querySelector("[data-completions]").addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    tag.value = option.dataset.name;
    close(form);
    submit(form.querySelector("[data-add]"));
  });
  const leave = form.querySelector("[data-leave]");
  leave.hidden = false;
  leave.addEventListener("click", () => putBack(form));
  const draft = draftOf(idOf(form));
  if (draft !== undefined && draft !== field.defaultValue) {
    field.value = draft;
    editorOf(form).open = true;
    count(form);
  }
};

// A part that comes in the place of an older one of the same picture: what was being done goes on.
export const takeOver = (before, form) => {
  const focused = before.contains(document.activeElement) ? document.activeElement : null;
  if (isEditing(before)) editorOf(form).open = true;
  const history = form.querySelector("[data-history]");
  if (history && before.querySelector("[data-history]")?.open) history.open = true;
  const tag = form.querySelector("[data-tag-field]");
  tag.value = before.querySelector("[data-tag-field]").value;
  const place = [...before.querySelectorAll("[data-tag]")].indexOf(focused);
  return () => {
    if (!focused) return;
    if (focused.matches("[data-field]")) edit(form);
    else if (focused.matches("[data-tag-field], [data-add]")) tag.focus();
    else if (focused.matches("[data-rate]")) form.querySelector(`[data-rate="${focused.dataset.rate}"]`).focus();
    else if (place >= 0) {
      const chips = [...form.querySelectorAll("[data-tag]")];
      (chips[Math.min(place, chips.length - 1)] ?? tag).focus();
    }
  };
};
