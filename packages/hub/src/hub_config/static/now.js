// The page Now stays true: what changes of it is fetched every few seconds, sorted as it is.
const SECONDS = 5;
const shown = document.getElementById("now");
let query = window.location.search;

const refresh = async () => {
  if (!document.hidden) {
    const answer = await fetch(shown.dataset.source + query, { cache: "no-store" }).catch(() => null);
    // A hub that restarts, or a log-in that has ended: what was seen last stays.
    if (answer?.ok && !answer.redirected) {
      const focused = shown.contains(document.activeElement) && document.activeElement.dataset.sort;
      shown.innerHTML = await answer.text();
      if (focused) shown.querySelector(`[data-sort="${focused}"]`)?.focus();
    }
  }
};

shown.addEventListener("click", (event) => {
  const link = event.target.closest("[data-sort]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  query = new URL(link.href).search;
  window.history.replaceState(null, "", query);
  refresh();
});

const go = async () => {
  await refresh();
  setTimeout(go, SECONDS * 1000);
};
setTimeout(go, SECONDS * 1000);
