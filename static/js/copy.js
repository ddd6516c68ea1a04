// Buttons that copy a text of the page; without this they stay hidden.
for (const button of document.querySelectorAll(".copy")) {
  const word = button.querySelector("[data-copy-word]");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const text = button.dataset.copyText ?? source.textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
      word.textContent = "Copied";
    } catch {
      word.textContent = "Not allowed";
    }
    setTimeout(() => (word.textContent = "Copy"), 2000);
  });
}
