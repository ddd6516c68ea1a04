// Changes the theme in place; without this the same form reloads the page.
const form = document.querySelector("[data-theme-switch]");

async function change(event) {
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "follow" });
  if (!answer.ok) return window.location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const theme = fresh.documentElement.dataset.theme;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  event.submitter.replaceWith(fresh.querySelector("[data-theme-switch] button"));
  form.querySelector("button").focus();
}

if (form) form.addEventListener("submit", change);
