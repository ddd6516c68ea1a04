// A crawl's page while the crawl runs: its counts and newest pictures, fetched every two seconds.
"use strict";

(() => {
  const section = document.getElementById("scrape");
  if (!section || section.hasAttribute("data-ended")) return;

  const refresh = async () => {
    if (document.hidden) return later();
    try {
      const response = await fetch(section.dataset.live, { credentials: "same-origin" });
      if (response.redirected || !response.ok) return later();
      const focused = section.contains(document.activeElement);
      if (!focused) section.innerHTML = await response.text();
      if (response.headers.get("X-Ended")) return location.reload();
    } catch {
      // The server is away for a moment: the next try comes anyway.
    }
    later();
  };
  const later = () => setTimeout(refresh, 2000);
  later();
})();
