// The pictures of a list, one at a time over the page. Every tile is a link to its own page, which
// opens without this script, in a new tab, or with "Details".
import PhotoSwipeLightbox from "../vendor/photoswipe/photoswipe-lightbox.esm.min.js";

const list = document.querySelector("#list");
const LINKS = "li[data-lightbox] > a";
const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

const lightbox = new PhotoSwipeLightbox({
  gallery: "#list",
  children: LINKS,
  pswpModule: () => import("../vendor/photoswipe/photoswipe.esm.min.js"),
  bgOpacity: 1,
  loop: false,
  wheelToZoom: true,
  showAnimationDuration: still ? 0 : 140,
  hideAnimationDuration: still ? 0 : 140,
  showHideAnimationType: still ? "none" : "fade",
  paddingFn: (viewport) =>
    viewport.x < 720
      ? { top: 56, bottom: 96, left: 0, right: 0 }
      : { top: 56, bottom: 84, left: 72, right: 72 },
  counter: false,
  errorMsg: "This picture could not be loaded.",
});

// Tiny pictures are enlarged by whole steps, their pixels square.
lightbox.on("contentAppendImage", ({ content }) => {
  if (content.data.element?.dataset.tiny) content.element.classList.add("is-tiny");
});

function told(pswp) {
  return pswp.currSlide?.data.element?.dataset ?? {};
}

function fill(caption, pswp) {
  const data = told(pswp);
  caption.querySelector("[data-words]").textContent = data.words || "";
  caption.querySelector("[data-details]").href = pswp.currSlide.data.element.href;
  const original = caption.querySelector("[data-original]");
  original.hidden = !data.original;
  if (data.original) original.href = data.original;
  caption.querySelector("[data-veil]").hidden = !data.reveal;
  caption.querySelector("[data-failed]").hidden = true;
}

// "Show this one": the sharp addresses are told only now, to this visitor.
async function reveal(caption, pswp) {
  const { index, element } = { index: pswp.currIndex, element: pswp.currSlide.data.element };
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(element.dataset.reveal, {
    method: "POST",
    headers: { "X-CSRFToken": token, Accept: "application/json" },
  }).catch(() => null);
  if (!answer?.ok) {
    caption.querySelector("[data-failed]").hidden = false;
    return;
  }
  const sharp = await answer.json();
  delete element.dataset.reveal;
  element.dataset.pswpSrc = sharp.src;
  element.dataset.pswpSrcset = sharp.srcset;
  element.dataset.words = sharp.words;
  element.dataset.original = sharp.original;
  const thumbnail = element.querySelector("img");
  thumbnail.srcset = sharp.srcset;
  thumbnail.src = sharp.src;
  thumbnail.alt = sharp.alt;
  pswp.refreshSlideContent(index);
  fill(caption, pswp);
}

// The next page of the list comes by the same way as when one scrolls down.
function more(pswp) {
  const sentinel = document.querySelector(".more-sentinel");
  if (sentinel && pswp.currIndex >= pswp.getNumItems() - 4) window.htmx?.trigger(sentinel, "intersect");
}

// More of the list may have come since one clicked, even before the lightbox stood.
lightbox.on("change", () => {
  lightbox.pswp.options.dataSource.items = [...list.querySelectorAll(LINKS)];
});

lightbox.on("uiRegister", () => {
  const { pswp } = lightbox;
  pswp.element.setAttribute("aria-label", "Picture");
  // From here on it listens to keys.
  pswp.on("openingAnimationEnd", () => pswp.element.setAttribute("data-open", ""));
  pswp.ui.registerElement({
    name: "place",
    className: "pswp__counter",
    order: 5,
    onInit: (place) => {
      pswp.on("change", () => {
        // Of a list that goes on, what has come so far is no number to tell.
        const goesOn = document.querySelector(".more-sentinel");
        const number = pswp.currIndex + 1;
        place.textContent = goesOn ? number : `${number} of ${pswp.getNumItems()}`;
      });
    },
  });
  pswp.ui.registerElement({
    name: "caption",
    order: 9,
    isButton: false,
    appendTo: "root",
    onInit: (place) => {
      place.append(document.querySelector("#lightbox-caption").content.cloneNode(true));
      place.querySelector("[data-show]").addEventListener("click", () => reveal(place, pswp));
      pswp.on("change", () => {
        fill(place, pswp);
        more(pswp);
      });
    },
  });
});

lightbox.on("keydown", (event) => {
  const { key, target } = event.originalEvent;
  const details = key === "i" || (key === "Enter" && !target.closest("a, button"));
  if (details) window.location.assign(lightbox.pswp.currSlide.data.element.href);
});

// Going back closes it, as a page would.
let closing = false;
lightbox.on("beforeOpen", () => {
  closing = false;
  window.history.pushState({ lightbox: true }, "");
});
window.addEventListener("popstate", () => {
  const { pswp } = lightbox;
  if (!pswp) return;
  closing = true;
  // While it still opens, it does not listen.
  if (pswp.opener.isOpen) pswp.close();
  else pswp.on("openingAnimationEnd", () => pswp.close());
});
lightbox.on("close", () => {
  if (!closing && window.history.state?.lightbox) window.history.back();
});
lightbox.on("destroy", () => {
  const seen = lightbox.pswp?.currSlide?.data.element;
  seen?.scrollIntoView({ block: "nearest" });
  seen?.focus({ preventScroll: true });
});

document.addEventListener("htmx:afterSettle", () => {
  const { pswp } = lightbox;
  if (pswp?.currSlide) pswp.dispatch("change");
});

if (list) lightbox.init();
