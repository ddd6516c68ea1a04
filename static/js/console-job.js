// Follows one job: parts of the page are fetched again when the job says that it moved
// (server-sent events), or every few seconds where events do not arrive. A page that shows more than
// its parts (data-reload) is loaded again at the end.
"use strict";

const page = document.getElementById("job");
if (page && !("ended" in page.dataset)) {
  const log = page.querySelector("[data-log]");
  const noLog = page.querySelector("[data-no-log]");
  const followButton = page.querySelector("[data-follow]");
  let seq = Number(page.dataset.seq);
  let following = true;
  let fetching = false;
  let again = false;
  let ended = false;
  let timer = 0;
  let source = null;

  const toEnd = () => { log.scrollTop = log.scrollHeight; };
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  log.addEventListener("scroll", () => {
    following = atEnd();
    followButton.hidden = following;
  });
  followButton.addEventListener("click", () => { following = true; toEnd(); followButton.hidden = true; });
  toEnd();

  const append = (line) => {
    if (line.seq <= seq) return;
    seq = line.seq;
    const row = document.createElement("div");
    row.className = `line line-${line.level}`;
    const at = document.createElement("span");
    at.className = "at";
    at.textContent = line.at;
    row.append(at, ` ${line.text}`);
    log.append(row);
    while (log.childElementCount > 2000) log.firstElementChild.remove();
    noLog.hidden = true;
    if (following) toEnd();
  };

  const replace = (name, html) => {
    const part = page.querySelector(`[data-part="${name}"]`);
    if (part.dataset.html === html) return;
    const active = part.contains(document.activeElement) && document.activeElement.textContent;
    part.dataset.html = html;
    part.innerHTML = html;
    if (active) [...part.querySelectorAll("button, a")].find((node) => node.textContent === active)?.focus();
  };

  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(`${page.dataset.live}?after=${seq}`, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const told = await answer.json();
        replace("head", told.head);
        replace("made", told.made);
        told.log.forEach(append);
        if (told.ended && !told.log.length) stop();
        else if (told.ended) again = true;
      }
    } catch { /* the next round tries again */ }
    fetching = false;
    if (again && !ended) { again = false; later(400); }
  };

  const later = (delay) => {
    if (timer) return;
    timer = setTimeout(() => { timer = 0; refresh(); }, delay);
  };
  const stop = () => {
    ended = true;
    clearInterval(poll);
    source?.close();
    if ("reload" in page.dataset) location.reload();
  };
  const poll = setInterval(() => { if (!document.hidden) later(0); }, 3000);

  if (window.EventSource) {
    source = new EventSource(`${page.dataset.events}?after=${seq}`);
    for (const name of ["progress", "log", "end"]) source.addEventListener(name, () => later(300));
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !ended) later(0); });
}
