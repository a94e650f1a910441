// In every page of this server: tells it that a person is there, and tells the person when the
// server is about to be stopped, when a program was ended for want of memory, and what was kept for
// them. No frame or request that a page sends by itself counts. And it leads what programs call
// http://localhost:8050/ to them: in a browser that is the machine in front of it.
(() => {
  "use strict";
  const base = new URL(".", document.currentScript.src);
  let reported = 0;
  let every = 15;
  let timer = 0;
  const language = navigator.languages.map((one) => one.slice(0, 2)).find((one) => /de|en/.test(one));
  const tr = (english, german) => (language === "de" ? german : english);

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
    post("input").then(() => notices.end && ask(), () => {});
  };
  for (const kind of ["keydown", "pointerdown", "wheel", "touchstart"])
    addEventListener(kind, here, { capture: true, passive: true });

  // As programs print it, put it into a frame, or have it opened. The page's own address stays what it
  // is: a hub may be on the machine in front of it.
  const local = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/;
  const led = (address) => {
    let url;
    try {
      url = new URL(address, document.baseURI);
    } catch {
      return address;
    }
    if (url.protocol !== "http:" || !local.test(url.hostname) || url.origin === location.origin) return address;
    return new URL(`../proxy/${url.port || 80}${url.pathname}${url.search}${url.hash}`, base).href;
  };
  const lead = (element, attribute) => {
    const address = element.getAttribute(attribute);
    if (address && led(address) !== address) element.setAttribute(attribute, led(address));
  };
  const leadLink = (event) => {
    const link = event.composedPath().find((one) => one.localName === "a");
    if (link) lead(link, "href");
  };
  for (const kind of ["pointerdown", "click"]) addEventListener(kind, leadLink, { capture: true });
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target.localName === "iframe") lead(target, "src");
      for (const node of addedNodes) {
        if (node.localName === "iframe") lead(node, "src");
        else if (node.firstElementChild) for (const one of node.getElementsByTagName("iframe")) lead(one, "src");
      }
    }
  }).observe(document, { attributes: true, attributeFilter: ["src"], childList: true, subtree: true });
  // Terminals open an empty window first, and then say where it goes.
  const open = window.open;
  window.open = (address, ...how) => {
    if (address) return open.call(window, led(address), ...how);
    const opened = open.call(window, address, ...how);
    return opened && new Proxy(opened, {
      get: (it, name) => (name === "location" ? place(it) : bound(it, name)),
      set: (it, name, value) => {
        it[name] = name === "location" ? led(value) : value;
        return true;
      },
    });
  };
  const bound = (it, name) => (typeof it[name] === "function" ? it[name].bind(it) : it[name]);
  const place = (it) => ({
    get href() { return it.location.href; },
    set href(to) { it.location.href = led(to); },
    assign: (to) => it.location.assign(led(to)),
    replace: (to) => it.location.replace(led(to)),
  });

  // An application behind /proxy/<port>/ may believe that it is at the root of its host. What its pages
  // ask for there the hub leads back, by the page that asks; a socket follows nobody, and tells no page.
  const mine = new URL("..", base).pathname;
  const hubs = mine.replace(/user\/.*/, "");
  const [application] = location.pathname.slice(mine.length).match(/^(?:[^/]+\/)?proxy\/\d+(?=\/)/) || [];
  if (application) {
    const theirs = new RegExp(`^${hubs}(user|hub|services|${application})/`);
    const below = (address) => {
      if (!URL.canParse(address, document.baseURI)) return address;
      const url = new URL(address, document.baseURI);
      if (url.host !== location.host || theirs.test(url.pathname)) return address;
      url.pathname = mine + application + url.pathname;
      return url.href.replace(/^http/, "ws");
    };
    const Plain = WebSocket;
    window.WebSocket = class WebSocket extends Plain {
      constructor(address, ...how) {
        super(below(address), ...how);
      }
    };
  }

  const words = (seconds) =>
    seconds < 90
      ? `${Math.round(seconds)} ${tr("seconds", "Sekunden")}`
      : `${Math.round(seconds / 60)} ${tr("minutes", "Minuten")}`;

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

  const notices = {};
  const remove = (kind) => {
    if (notices[kind]) notices[kind].remove();
    delete notices[kind];
  };
  // One line at the bottom; `buttons` are made when it comes up, its text may change.
  const say = (kind, colour, text, buttons) => {
    if (!notices[kind]) {
      const notice = document.createElement("div");
      notice.setAttribute("role", "alert");
      Object.assign(notice.style, {
        position: "fixed", zIndex: 2147483647, insetInline: "0", bottom: "0", display: "flex",
        flexWrap: "wrap", gap: ".75rem", alignItems: "center", justifyContent: "center",
        padding: ".75rem 1rem", font: "14px/1.4 system-ui, sans-serif",
        color: "#ffffff", background: colour,
      });
      notice.append(document.createElement("span"), ...buttons());
      (document.body || document.documentElement).append(notice);
      notices[kind] = notice;
    }
    notices[kind].firstChild.textContent = text;
  };
  const close = (kind) => button(tr("Close", "Schließen"), () => remove(kind));

  const show = (answer) => {
    if (!answer.notice) return remove("end");
    const why = answer.activity_helps
      ? tr("Nobody used this server for a while.", "Niemand hat diesen Server eine Weile benutzt.")
      : tr("This server has run for as long as servers may.", "Dieser Server lief, so lange Server dürfen.");
    const left = words(answer.seconds_left);
    say(
      "end",
      "#7a3b00",
      `${why} ${tr(
        `It stops in ${left}; saved files stay, what is only in memory is lost.`,
        `Er stoppt in ${left}; gespeicherte Dateien bleiben, was nur im Speicher ist, geht verloren.`,
      )}`,
      () => [
        ...(answer.activity_helps
          ? [button(tr("I am still here", "Ich bin noch da"), () => post("input").then(ask, ask))] : []),
        ...(answer.more_time ? [button(tr("More time", "Mehr Zeit"), () => post("more-time").then(ask, ask))] : []),
      ],
    );
  };

  // JupyterLab has a menu and VS Code its status bar for it; marimo has nothing to add one to.
  let wayBack = null;
  const leadBack = (hub) => {
    if (wayBack || !hub || !document.querySelector("marimo-filename")) return;
    wayBack = document.createElement("a");
    wayBack.href = hub;
    wayBack.textContent = "Hub";
    wayBack.title = tr(
      "The hub: stop this server, or start another interface",
      "Der Hub: diesen Server stoppen, oder eine andere Oberfläche starten",
    );
    wayBack.className = "print:hidden"; // marimo's own
    Object.assign(wayBack.style, {
      position: "fixed", zIndex: 60, insetInlineStart: "50%", bottom: "6px", padding: "2px 10px",
      font: "14px/1.4 system-ui, sans-serif", color: "#ffffff", background: "#1f4f7a",
      borderRadius: "4px", textDecoration: "none",
    });
    document.body.append(wayBack);
  };

  const gigabytes = (bytes) => `${Math.round(bytes / 2 ** 30 * 10) / 10} GB`;
  let killed = null;
  // For the status bars too (JupyterLab's is an extension of ours), so that only one asks.
  async function look() {
    if (document.visibilityState !== "visible") return;
    const response = await send("GET", "status");
    if (!response.ok) return;
    const status = await response.json();
    leadBack(status.hub);
    dispatchEvent(new CustomEvent("jhub-status", { detail: status }));
    if (killed !== null && status.killed > killed) {
      const most = status.memory.limit && gigabytes(status.memory.limit);
      say(
        "memory",
        "#8b1a1a",
        tr(
          "Out of memory: a program of this server, such as a notebook's kernel, needed more than " +
            `${most ? `the ${most} the server has` : "there was"}, and was ended. What it had in memory is ` +
            "lost, saved files stay. Load less at once, or stop the server and choose a larger profile.",
          "Kein Speicher mehr: ein Programm dieses Servers, etwa der Kernel eines Notebooks, brauchte mehr als " +
            `${most ? `die ${most}, die der Server hat` : "da war"}, und wurde beendet. Was es im Speicher hatte, ` +
            "ist verloren, gespeicherte Dateien bleiben. Laden Sie weniger auf einmal, oder stoppen Sie den " +
            "Server und wählen ein größeres Profil.",
        ),
        () => [close("memory")],
      );
    }
    if (status.memory) killed = status.killed;
  }

  async function offer() {
    const response = await send("GET", "recovered");
    if (!response.ok) return;
    const { names, opens } = await response.json();
    const unseen = names.filter((name) => !localStorage.getItem(`jhub-recovered ${name}`));
    if (!unseen.length) return;
    say(
      "recovered",
      "#1f4f7a",
      tr(
        "The server ended with notebooks that had no name yet. They are in the folder “recovered” of your home.",
        "Der Server endete mit Notebooks, die noch keinen Namen hatten. Sie sind im Ordner „recovered“ Ihres Homes.",
      ),
      () => [
        ...unseen.map((name) => button(tr(`Open ${name}`, `${name} öffnen`), () => window.open(opens + name))),
        button(tr("Close", "Schließen"), () => {
          for (const name of unseen) localStorage.setItem(`jhub-recovered ${name}`, "seen");
          remove("recovered");
        }),
      ],
    );
  }

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
  if (window === window.top) {
    const again = () => look().catch(() => {});
    setInterval(again, 10000);
    document.addEventListener("visibilitychange", again);
    addEventListener("jhub-look", again);
    again();
    addEventListener("load", () => offer().catch(() => {}));
  }
})();
