// Fields for tags offer those that begin with what is typed; with "many", the last of several.
"use strict";

let lists = 0;
for (const field of document.querySelectorAll("[data-complete-tag]")) {
  const many = field.dataset.completeTag === "many";
  const list = document.createElement("datalist");
  list.id = `tags-offered-${++lists}`;
  field.after(list);
  field.setAttribute("list", list.id);
  let timer = 0;
  let turn = 0;
  const offer = async () => {
    const own = ++turn;
    const before = many ? field.value.slice(0, field.value.lastIndexOf(",") + 1) : "";
    const typed = field.value.slice(before.length).trim();
    if (!typed) { list.replaceChildren(); return; }
    const answer = await fetch(`/api/tags/complete?nsfw=show&q=${encodeURIComponent(typed)}`).catch(() => null);
    if (!answer || !answer.ok || own !== turn) return;
    const { items } = await answer.json();
    list.replaceChildren(...items.map((item) => {
      const option = document.createElement("option");
      option.value = before ? `${before} ${item.name}` : item.name;
      option.label = `${item.count} picture${item.count === 1 ? "" : "s"}${item.alias ? `, also “${item.alias}”` : ""}`;
      return option;
    }));
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(offer, 150); });
}
