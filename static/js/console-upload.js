// Uploads one file after the other, so that each has its progress and its own answer, and an
// album keeps the order in which the files were chosen. Without this the form sends all at once.
"use strict";

const form = document.getElementById("upload-form");
if (form) {
  const input = document.getElementById("upload-files");
  const drop = form.querySelector("[data-drop]");
  const section = document.querySelector("[data-progress]");
  const title = document.getElementById("progress-title");
  const total = section.querySelector("[data-total]");
  const rows = section.querySelector("[data-rows]");
  const maxBytes = Number(form.dataset.maxBytes);
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const waiting = [];
  const counts = { done: 0, all: 0, created: 0, duplicate: 0, refused: 0 };
  let sending = false;
  let albumLink = null;

  form.querySelector("[data-drop-words]").hidden = false;
  form.querySelector(".start-row").hidden = true;

  const megabytes = (bytes) => `${(bytes / 1048576).toFixed(1)} MB`;

  const say = (row, state, text, address) => {
    row.className = `is-${state}`;
    const said = row.querySelector(".upload-said");
    said.replaceChildren();
    if (address) {
      const link = document.createElement("a");
      link.href = address;
      link.textContent = text;
      said.append(link);
    } else said.textContent = text;
  };

  const tell = () => {
    const parts = [`${counts.done} of ${counts.all} uploaded`];
    if (counts.duplicate) parts.push(`${counts.duplicate} known before`);
    if (counts.refused) parts.push(`${counts.refused} refused`);
    title.textContent = parts.join(", ");
    if (albumLink && !sending) {
      const link = document.createElement("a");
      link.href = albumLink.href;
      link.textContent = albumLink.name;
      title.append(" · ", link);
    }
    total.max = counts.all;
    total.value = counts.done;
  };

  const send = (file, row, options) => new Promise((resolve) => {
    const body = new FormData();
    body.append("files", file);
    if (options.album) body.append("album", options.album);
    body.append("is_public", options.isPublic ? "true" : "false");
    const request = new XMLHttpRequest();
    const bar = document.createElement("progress");
    bar.max = file.size || 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    row.querySelector(".upload-said").replaceChildren(bar);
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
    request.addEventListener("load", () => {
      let told = null;
      try { told = JSON.parse(request.responseText); } catch { /* not ours */ }
      resolve({ status: request.status, told });
    });
    request.addEventListener("error", () => resolve({ status: 0, told: null }));
    request.open("POST", form.dataset.api);
    request.setRequestHeader("X-CSRFToken", token);
    request.send(body);
  });

  const judge = (row, answer) => {
    const item = answer.told?.items?.[0];
    if (item) {
      counts[item.outcome] += 1;
      const address = item.image ? `/admin/gallery/image/${item.image.id}/change/` : null;
      if (item.outcome === "created") say(row, "added", "added", address);
      else if (item.outcome === "duplicate") say(row, "known", "known before", address);
      else say(row, "refused", item.message);
      if (answer.told.album) {
        albumLink = { href: `/admin/gallery/album/${answer.told.album.id}/change/`, name: answer.told.album.name };
      }
      return;
    }
    counts.refused += 1;
    const message = answer.told?.error?.message;
    if (message) say(row, "refused", message);
    else if (answer.status === 0) say(row, "refused", "The connection broke. Choose the file again; what arrived is not added twice.");
    else if (answer.status === 401 || answer.status === 403) say(row, "refused", "Your session has ended. Sign in again, then choose the file again.");
    else if (answer.status === 413) say(row, "refused", "The server takes no file of this size.");
    else say(row, "refused", `The server answered ${answer.status}. Try again; its log has the cause.`);
  };

  const work = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const { file, row, options } = waiting.shift();
      if (file.size > maxBytes) {
        counts.refused += 1;
        say(row, "refused", `The file is ${megabytes(file.size)}; at most ${maxBytes / 1048576} MB are taken.`);
      } else judge(row, await send(file, row, options));
      counts.done += 1;
      tell();
    }
    sending = false;
    tell();
  };

  const take = (files) => {
    const options = {
      album: document.getElementById("upload-album").value.trim(),
      isPublic: document.getElementById("upload-public").checked,
    };
    for (const file of files) {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "upload-name";
      name.textContent = file.name;
      const said = document.createElement("span");
      said.className = "upload-said";
      said.textContent = "waits";
      row.append(name, said);
      rows.append(row);
      waiting.push({ file, row, options });
      counts.all += 1;
    }
    section.hidden = !counts.all;
    tell();
    work();
  };

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // The whole page is a place to drop on, so that no picture replaces the page by accident.
  const carriesFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("is-over"); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("is-over");
    take([...event.dataTransfer.files]);
  });
  window.addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
}
