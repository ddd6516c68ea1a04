// The upload page: sends one thing after the other, so that each has its progress and its own
// answer, and an album keeps their order. Without this the form sends all at once.
"use strict";

const form = document.getElementById("upload-form");
if (form) {
  const input = document.getElementById("upload-files");
  const folder = document.getElementById("upload-folder");
  const drop = form.querySelector("[data-drop]");
  const section = document.querySelector("[data-progress]");
  const title = document.getElementById("progress-title");
  const total = section.querySelector("[data-total]");
  const rows = section.querySelector("[data-rows]");
  const stop = section.querySelector("[data-stop]");
  const again = section.querySelector("[data-again]");
  const only = section.querySelector("[data-only-refused]");
  const words = (name) => form.dataset[name].split(",");
  const number = (name) => Number(form.dataset[name]);
  const waiting = [];
  const failed = [];
  const counts = { done: 0, all: 0, known: 0, refused: 0, others: 0 };
  const albums = new Map();
  let current = null;

  form.querySelector("[data-drop-words]").hidden = false;
  form.querySelector("[data-named-albums]").hidden = false;
  form.querySelector("[data-folder]").hidden = !("webkitdirectory" in folder);
  form.querySelector(".start-row").hidden = true;

  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const linkTo = (address, text) => Object.assign(document.createElement("a"), { href: address, textContent: text });

  const say = (row, state, ...parts) => {
    row.className = `is-${state}`;
    row.querySelector(".upload-said").replaceChildren(...parts);
  };

  const tell = () => {
    const parts = [`${counts.done} of ${counts.all} uploaded`];
    if (counts.known) parts.push(`${counts.known} known before`);
    if (counts.refused) parts.push(`${counts.refused} refused`);
    if (counts.others) parts.push(`${counts.others} other file${counts.others === 1 ? "" : "s"} passed over`);
    title.textContent = parts.join(", ");
    if (!current) for (const [name, address] of [...albums].slice(-3)) title.append(" · ", linkTo(address, name));
    total.max = counts.all || 1;
    total.value = counts.done;
    stop.hidden = !current;
    again.hidden = Boolean(current) || !failed.length;
    section.querySelector("[data-only]").hidden = !counts.refused;
  };

  // An archive is taken in by a job, which its row follows.
  const follow = async (row, job) => {
    const address = `/admin/jobs/job/${job.id}/change/`;
    for (;;) {
      const ended = ["completed", "partial", "failed", "cancelled"].includes(job.status);
      if (ended) {
        const taken = job.result ? `${job.result.added} added${job.result.known ? `, ${job.result.known} known before` : ""}` : job.status;
        const left = job.result?.refused ? `, ${job.result.refused} left out` : "";
        if (job.status === "failed") say(row, "refused", linkTo(address, job.error || "failed"));
        else say(row, job.result?.added ? "added" : "known", linkTo(address, taken + left));
        if (job.result?.album) albums.set(job.params.album, `/admin/gallery/album/${job.result.album}/change/`);
        tell();
        return;
      }
      const place = job.progress_total ? `${job.progress_done} of ${job.progress_total} taken in` : "waits to be taken in";
      say(row, "known", linkTo(address, place));
      await uploadSend.pause(1000);
      try {
        const answer = await fetch(`/api/jobs/${job.id}`);
        if (answer.ok) job = await answer.json();
      } catch { /* the connection is lost; it is asked again */ }
    }
  };

  const judge = (row, told) => {
    if (told.album) albums.set(told.album.name, `/admin/gallery/album/${told.album.id}/change/`);
    if (told.job) { follow(row, told.job); return; }
    const { item } = told;
    const address = item.image ? `/admin/gallery/image/${item.image.id}/change/` : "";
    if (item.outcome === "created") say(row, "added", linkTo(address, "added"));
    else if (item.outcome === "duplicate") { counts.known += 1; say(row, "known", linkTo(address, "known before")); }
    else { counts.refused += 1; say(row, "refused", item.message); }
  };

  const tooLarge = ({ file, isArchive }) => {
    const most = number(isArchive ? "maxArchiveBytes" : "maxBytes");
    return file.size > most ? `It has ${megabytes(file.size)}; at most ${megabytes(most)} are taken.` : "";
  };

  const attempt = async (thing) => {
    const { row } = thing;
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", thing.path);
    const note = document.createElement("span");
    say(row, "sending", bar, note);
    const task = {
      stopped: false,
      abort: () => {},
      progress: (sent, all) => { bar.max = all || 1; bar.value = sent; note.textContent = sent < all ? "" : "being taken in"; },
      lost: () => { note.textContent = "The connection is lost; trying again"; },
    };
    current = task;
    tell();
    const refused = tooLarge(thing);
    try {
      if (refused) { counts.refused += 1; say(row, "refused", refused); } else judge(row, await uploadSend.send(thing, task, number("partsFrom")));
      counts.done += 1;
    } catch (error) {
      const canGoBetter = error.again ?? true;
      if (canGoBetter) failed.push(thing);
      else { counts.refused += 1; counts.done += 1; }
      say(row, "refused", task.stopped ? "stopped" : error.message);
      if (task.stopped) failed.push(...waiting.splice(0));
    }
  };

  const work = async () => {
    if (current) return;
    while (waiting.length) await attempt(waiting.shift());
    current = null;
    tell();
  };

  const rowOf = (thing) => {
    const row = document.createElement("li");
    const name = Object.assign(document.createElement("span"), { className: "upload-name", textContent: thing.path, title: thing.path });
    if (thing.beside.length) name.append(Object.assign(document.createElement("span"), { className: "muted", textContent: ` with ${thing.beside.map((file) => file.name.slice(file.name.lastIndexOf("."))).join(", ")}` }));
    row.append(name, Object.assign(document.createElement("span"), { className: "upload-said", textContent: "waits" }));
    return row;
  };

  const albumOf = (thing, named) => {
    const typed = document.getElementById("upload-album").value.trim();
    if (typed || !named) return typed;
    return (thing.folder || (thing.isArchive ? uploadFiles.stem(thing.file.name) : "")).slice(0, 200).trim();
  };

  const take = (found) => {
    const { things, others } = uploadFiles.sorted(found, words("pictures"), words("sidecars"));
    const named = document.getElementById("upload-named").checked;
    const isPublic = document.getElementById("upload-public").checked;
    const made = things.map((thing) => ({ ...thing, isPublic, album: albumOf(thing, named), row: rowOf(thing) }));
    rows.append(...made.map((thing) => thing.row));
    waiting.push(...made);
    counts.all += made.length;
    counts.others += others;
    section.hidden = !(counts.all || counts.others);
    tell();
    work();
  };

  for (const field of [input, folder]) {
    field.addEventListener("change", () => { take(uploadFiles.chosen(field.files)); field.value = ""; });
  }
  form.querySelector("[data-choose-folder]").addEventListener("click", () => folder.click());
  form.addEventListener("submit", (event) => event.preventDefault());
  stop.addEventListener("click", () => { current.stopped = true; current.abort(); });
  again.addEventListener("click", () => {
    for (const thing of failed) say(thing.row, "waiting", "waits");
    waiting.push(...failed.splice(0));
    work();
  });
  only.addEventListener("change", () => rows.classList.toggle("only-refused", only.checked));

  // The whole page is a place to drop on, so that no picture replaces the page by accident.
  const carriesFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("is-over"); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("is-over");
    take(await uploadFiles.dropped(event.dataTransfer));
  });
  window.addEventListener("beforeunload", (event) => { if (current) event.preventDefault(); });
}
