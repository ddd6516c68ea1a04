// Sending one thing: a small picture in one request, a large one or an archive in parts (tus),
// each again and again while the connection is lost.
"use strict";

(() => {
  const PART_BYTES = 4_000_000;
  const PAUSES = [0, 1000, 2000, 4000, 8000, ...Array(40).fill(15_000)];
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  const tokenOf = () => document.querySelector("#upload-form [name=csrfmiddlewaretoken]").value;

  class Failed extends Error {
    // again: whether it may go better another time.
    constructor(message, again) { super(message); this.again = again; }
  }

  const failure = (status, told) => {
    const said = told?.error?.message;
    if (status === 401 || status === 403) return new Failed("Your session has ended. Sign in again in another tab, then try again.", true);
    if (said) return new Failed(said, status >= 500 || status === 410);
    if (status === 413) return new Failed("The server takes no file of this size.", false);
    return new Failed(`The server answered ${status}. Try again; its log has the cause.`, true);
  };

  const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };

  const post = (address, body, task) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    task.abort = () => { request.abort(); reject(new Failed("stopped", true)); };
    request.upload.addEventListener("progress", (event) => task.progress(event.loaded, event.total));
    request.addEventListener("load", () => resolve({ status: request.status, told: parsed(request.responseText) }));
    request.addEventListener("error", () => resolve({ status: 0 }));
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", tokenOf());
    request.send(body);
  });

  // A lost connection is waited for; what arrived already is not added twice.
  const persistently = async (address, makeBody, task) => {
    for (const milliseconds of PAUSES) {
      await pause(milliseconds);
      if (task.stopped) throw new Failed("stopped", true);
      const { status, told } = await post(address, makeBody(), task);
      if (status >= 200 && status < 300) return told;
      if (status !== 0 && ![502, 503, 504].includes(status)) throw failure(status, told);
      task.lost();
    }
    throw new Failed("The connection is lost. Try again when it is back; what has come stays.", true);
  };

  const whole = (thing, task) => persistently("/api/images/upload", () => {
    const body = new FormData();
    body.append("files", thing.file, thing.file.name);
    for (const file of thing.beside) body.append("files", file, file.name);
    if (thing.album) body.append("album", thing.album);
    body.append("is_public", String(thing.isPublic));
    return body;
  }, task).then((told) => ({ item: told.items[0], album: told.album }));

  const inParts = async (thing, task) => {
    const { file, album, isPublic } = thing;
    const metadata = { filename: file.name, is_public: String(isPublic) };
    if (album) metadata.album = album;
    const url = await new Promise((resolve, reject) => {
      const upload = new tus.Upload(file, {
        endpoint: "/api/uploads",
        chunkSize: PART_BYTES,
        retryDelays: PAUSES,
        metadata,
        headers: { "X-CSRFToken": tokenOf() },
        fingerprint: () => Promise.resolve(["imagineer", file.name, file.size, file.lastModified, album, isPublic].join("|")),
        onProgress: (sent, total) => task.progress(sent, total),
        onShouldRetry: (error) => {
          const status = error.originalResponse?.getStatus() ?? 0;
          const again = status === 0 || status === 409 || status >= 502;
          if (again) task.lost();
          return again;
        },
        onError: (error) => {
          const response = error.originalResponse;
          if (response) reject(failure(response.getStatus(), parsed(response.getBody())));
          else reject(new Failed("The connection is lost. Try again when it is back; what has come stays.", true));
        },
        onSuccess: () => resolve(upload.url),
      });
      task.abort = () => { upload.abort(); reject(new Failed("stopped", true)); };
      upload.findPreviousUploads().then((earlier) => {
        if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
        upload.start();
      });
    });
    // Kept until here, so that a page that was closed before the end goes on from there.
    const forget = async () => {
      const kept = await tus.defaultOptions.urlStorage.findAllUploads();
      for (const each of kept) if (each.uploadUrl === url) await tus.defaultOptions.urlStorage.removeUpload(each.urlStorageKey);
    };
    try {
      const told = await persistently(`${url}/finish`, () => {
        const body = new FormData();
        for (const beside of thing.beside) body.append("beside", beside, beside.name);
        return body;
      }, task);
      await forget();
      return told;
    } catch (error) {
      if (!error.again) await forget();
      throw error;
    }
  };

  // Resolves with {item, album} or {job}; rejects with a sentence.
  const send = (thing, task, partsFrom) => (thing.isArchive || thing.file.size >= partsFrom ? inParts(thing, task) : whole(thing, task));

  window.uploadSend = { send, pause };
})();
