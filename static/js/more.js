// Says so when more pictures could not be loaded; the link beside it is the way to try again.
function fail() {
  const sentence = document.querySelector("[data-more-failed]");
  if (sentence) sentence.hidden = false;
}

document.addEventListener("htmx:responseError", fail);
document.addEventListener("htmx:sendError", fail);
