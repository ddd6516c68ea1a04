// Left and right keys go to the neighbouring pictures, unless one is writing or pressing a shortcut.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const link = document.querySelector(`[data-walk="${event.key}"]`);
  if (link) link.click();
});
