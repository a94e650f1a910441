// JupyterLab's status bar: memory in use of what the server has, and when it stops for being idle.
//
// Written as JupyterLab loads it (a container of module federation), so that nothing has to be built:
// `init` gets the modules that all extensions share, `get` gives the plugin. What it shows comes from
// the script that is in every page (jhub_activity/page.js), by an event; without a hub nothing comes.
(() => {
  "use strict";
  let shared;
  const module = async (name) => {
    const [found] = Object.values(shared[name]);
    return (await found.get())();
  };

  const gigabytes = (bytes) => (bytes / 2 ** 30).toFixed(1);
  const minutes = (seconds) => (seconds < 90 ? "a minute" : `${Math.round(seconds / 60)} min`);
  const text = ({ memory, idle_left: left }) =>
    [
      memory &&
        `Memory ${gigabytes(memory.used)}${memory.limit ? ` of ${gigabytes(memory.limit)}` : ""} GB`,
      left !== null && `Idle stop in ${minutes(left)}`,
    ].filter(Boolean).join(" · ");

  async function plugin() {
    const { IStatusBar } = await module("@jupyterlab/statusbar");
    const { INotebookTracker } = await module("@jupyterlab/notebook");
    const { Widget } = await module("@lumino/widgets");
    return {
      id: "@jhub-docker/limits:status",
      description: "Memory in use and time left in the status bar.",
      autoStart: true,
      optional: [IStatusBar, INotebookTracker],
      activate: (app, statusBar, notebooks) => {
        // A kernel that was ended shows before the next look is due: whether memory was the reason
        // is asked at once.
        notebooks?.widgetAdded.connect((_, panel) =>
          panel.sessionContext.statusChanged.connect((_, status) => {
            if (status.endsWith("restarting") || status === "dead")
              window.dispatchEvent(new Event("jhub-look"));
          }));
        if (!statusBar) return;
        const item = new Widget();
        item.addClass("jp-StatusBar-TextItem");
        item.title.caption = item.node.title =
          "Memory that all programs of this server use together. A program that needs more is ended.";
        window.addEventListener("jhub-status", ({ detail }) => {
          item.node.textContent = text(detail);
          const { memory } = detail;
          item.node.style.color =
            memory && memory.limit && memory.used > 0.9 * memory.limit
              ? "var(--jp-error-color0)" : "";
        });
        statusBar.registerStatusItem("@jhub-docker/limits:status", { item, align: "right", rank: 900 });
        window.dispatchEvent(new Event("jhub-look"));
      },
    };
  }

  (window._JUPYTERLAB ??= {})["@jhub-docker/limits"] = {
    init: (scope) => { shared = scope; },
    get: async (name) => {
      if (name !== "./extension") throw new Error(`${name} is not here`);
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
