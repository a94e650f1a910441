// In every page of this server: tells it that a person is there, and tells the person when the
// server is about to be stopped. No frame or request that a page sends by itself counts.
(() => {
  "use strict";
  const base = new URL(".", document.currentScript.src);
  let reported = 0;
  let every = 15;
  let timer = 0;
  let notice = null;

  const cookie = () => {
    const found = document.cookie.split("; ").find((one) => one.startsWith("_xsrf="));
    return found ? decodeURIComponent(found.slice("_xsrf=".length)) : "";
  };
  // JupyterHub wants the token for a script's GET too, and sends who has none to its log-in page.
  const send = (method, path) =>
    fetch(new URL(path, base), {
      method,
      credentials: "same-origin",
      redirect: "error",
      headers: { "X-XSRFToken": cookie() },
    });
  const post = (path) => send("POST", path);
  const askAgain = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, seconds * 1000);
  };

  const here = (event) => {
    if (!event.isTrusted || Date.now() - reported < every * 1000) return;
    reported = Date.now();
    post("input").then(() => notice && ask(), () => {});
  };
  for (const kind of ["keydown", "pointerdown", "wheel", "touchstart"])
    addEventListener(kind, here, { capture: true, passive: true });

  const words = (seconds) =>
    seconds < 90 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;

  const button = (label, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    Object.assign(made.style, {
      font: "inherit", color: "inherit", background: "transparent", cursor: "pointer",
      border: "1px solid currentColor", borderRadius: "4px", padding: ".25rem .75rem",
    });
    made.addEventListener("click", action);
    return made;
  };

  const show = (answer) => {
    if (!answer.notice) {
      if (notice) notice.remove();
      notice = null;
      return;
    }
    if (!notice) {
      notice = document.createElement("div");
      notice.setAttribute("role", "alert");
      Object.assign(notice.style, {
        position: "fixed", zIndex: 2147483647, insetInline: "0", bottom: "0", display: "flex",
        flexWrap: "wrap", gap: ".75rem", alignItems: "center", justifyContent: "center",
        padding: ".75rem 1rem", font: "14px/1.4 system-ui, sans-serif",
        color: "#ffffff", background: "#7a3b00",
      });
      notice.append(document.createElement("span"));
      if (answer.activity_helps)
        notice.append(button("I am still here", () => post("input").then(ask, ask)));
      if (answer.more_time)
        notice.append(button("More time", () => post("more-time").then(ask, ask)));
      (document.body || document.documentElement).append(notice);
    }
    notice.firstChild.textContent =
      (answer.activity_helps
        ? "Nobody used this server for a while. It stops in "
        : "This server has run for as long as servers may. It stops in ") +
      `${words(answer.seconds_left)}; saved files stay, what is only in memory is lost.`;
  };

  async function ask() {
    try {
      const response = await send("GET", "time");
      if (!response.ok) throw new Error(response.status);
      const answer = await response.json();
      every = answer.report_every;
      if (window === window.top) show(answer);
      askAgain(answer.ask_again);
    } catch {
      askAgain(60);
    }
  }
  ask();
})();
