// The page Now stays true: what changes of it is fetched every few seconds, sorted as it is.
const SECONDS = 5;
const shown = document.getElementById("now");
let query = window.location.search;

const region = () => shown.querySelector("[role=region]");

const refresh = async () => {
  if (!document.hidden) {
    const asked = query;
    const answer = await fetch(shown.dataset.source + asked, { cache: "no-store" }).catch(() => null);
    // A hub that restarts, or a log-in that has ended: what was seen last stays.
    if (answer?.ok && !answer.redirected) {
      const text = await answer.text();
      if (asked !== query) return; // sorted otherwise meanwhile
      // Whoever reads with the keyboard, or has moved the table sideways, stays where they are.
      const focused = shown.contains(document.activeElement) ? document.activeElement : null;
      const [left, sort] = [region()?.scrollLeft, focused?.dataset.sort];
      shown.innerHTML = text;
      if (left) region()?.scrollTo({ left });
      if (focused) (sort ? shown.querySelector(`[data-sort="${sort}"]`) : region())?.focus({ preventScroll: true });
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
