// What was chosen or dropped, as things to upload: each picture with its sidecars, each archive.
"use strict";

(() => {
  const CLUTTER = /(^|\/)(\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)/i;
  const byName = new Intl.Collator("en", { numeric: true }).compare;
  const ending = (path) => path.slice(path.lastIndexOf(".")).toLowerCase();
  const stem = (path) => path.slice(0, path.length - ending(path).length);

  // A folder gives at most a hundred entries at a time.
  const entriesIn = async (folder) => {
    const reader = folder.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (!some.length) return found;
      found.push(...some);
    }
  };

  const walk = async (entry, found) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    } else for (const inner of await entriesIn(entry)) await walk(inner, found);
  };

  // Call it while the drop is handled: the browser forgets what was dropped right behind it.
  const dropped = (transfer) => {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return Promise.resolve(chosen(transfer.files));
    return (async () => {
      const found = [];
      for (const entry of entries) await walk(entry, found);
      return found;
    })();
  };

  const chosen = (files) => [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

  // found: {file, path}. Returns things ({file, path, beside, isArchive, folder}) in the order of
  // their names, folder by folder, and how many files are none of ours.
  const sorted = (found, pictures, sidecars) => {
    const clean = found.filter(({ path }) => !CLUTTER.test(path));
    const told = new Map(clean.filter(({ path }) => sidecars.includes(ending(path))).map((each) => [each.path, each]));
    const used = new Set();
    const things = [];
    let others = 0;
    for (const { file, path } of clean) {
      const isArchive = ending(path) === ".zip";
      const inFolder = path.includes("/");
      if (told.has(path)) continue;
      if (inFolder && !isArchive && !pictures.includes(ending(path))) { others += 1; continue; }
      const beside = [];
      for (const base of [stem(path), path]) {
        for (const end of sidecars) if (told.has(base + end)) { beside.push(told.get(base + end).file); used.add(base + end); }
      }
      things.push({ file, path, beside, isArchive, folder: inFolder ? path.split("/")[0] : "" });
    }
    // A caption that nothing stands beside is sent alone, and told so.
    for (const [path, { file }] of told) {
      if (used.has(path)) continue;
      if (path.includes("/")) others += 1;
      else things.push({ file, path, beside: [], isArchive: false, folder: "" });
    }
    things.sort((one, other) => byName(one.path, other.path));
    return { things, others };
  };

  window.uploadFiles = { dropped, chosen, sorted, stem };
})();
