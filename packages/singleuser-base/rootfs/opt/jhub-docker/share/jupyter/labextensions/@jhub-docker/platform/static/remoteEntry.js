// What JupyterLab has of the platform: memory in use and time left in its status bar; links that
// colleagues can use; *Publish*; *Run on a schedule*.
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

  async function status() {
    const { IStatusBar } = await module("@jupyterlab/statusbar");
    const { INotebookTracker } = await module("@jupyterlab/notebook");
    const { Widget } = await module("@lumino/widgets");
    return {
      id: "@jhub-docker/platform:status",
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
        statusBar.registerStatusItem("@jhub-docker/platform:status", { item, align: "right", rank: 900 });
        window.dispatchEvent(new Event("jhub-look"));
      },
    };
  }

  // *Copy Shareable Link* would lead to the same place in the server of whoever opens it, so the hub
  // is asked, which knows what the file's owner shows to others (hub_config/published/links.py).
  async function sharing() {
    const { PageConfig } = await module("@jupyterlab/coreutils");
    const { IFileBrowserFactory } = await module("@jupyterlab/filebrowser");
    const { IMainMenu } = await module("@jupyterlab/mainmenu");
    const { ICommandPalette } = await module("@jupyterlab/apputils");
    return {
      id: "@jhub-docker/platform:sharing",
      description: "Links for colleagues, Publish, and Run on a schedule.",
      autoStart: true,
      requires: [IFileBrowserFactory],
      optional: [IMainMenu, ICommandPalette],
      activate: (app, files, menu, palette) => {
        const prefix = PageConfig.getOption("hubPrefix");
        if (!prefix) return;
        const hub = PageConfig.getOption("hubHost") + prefix;
        const owner = encodeURIComponent(PageConfig.getOption("hubServerUser"));
        // A form of the hub that is opened with a file: by the menu with the one that is in front, by
        // the file browser's with the chosen one.
        const chosen = () => files.tracker.currentWidget?.selectedItems().next().value?.path ?? "";
        const front = () => app.shell.currentWidget?.context;
        const commands = [
          {
            command: "jhub-docker:publish",
            label: "Publish…",
            caption: "Show this notebook, as it is now, to everybody who is signed in",
            offered: ({ publishing }) => publishing,
            kinds: /\.ipynb$/,
            form: "published?path=",
          },
          {
            command: "jhub-docker:schedule",
            label: "Run on a schedule…",
            caption: "Run this file at its times, also while this server is stopped",
            offered: ({ runs }) => runs,
            kinds: /\.(ipynb|py|sh)$/,
            form: "runs?file=",
          },
        ];
        let told = {};
        for (const { command, label, caption, offered, kinds, form } of commands) {
          const fits = ({ file }) => Boolean(kinds.test(file ? chosen() : (front()?.path ?? "")));
          app.commands.addCommand(command, {
            label,
            caption,
            isVisible: (args) => Boolean(offered(told) && (!args.file || fits(args))),
            isEnabled: (args) => Boolean(offered(told) && fits(args)),
            execute: async ({ file }) => {
              const open = front();
              const path = file ? chosen() : open?.path;
              if (!path) return;
              if (open?.path === path && open.model.dirty) await open.save();
              const own = app.serviceManager.contents.localPath(path);
              window.open(`${hub}${form}${encodeURIComponent(own)}`, "_blank", "noopener");
            },
          });
          palette?.addItem({ command, category: "File Operations" });
          app.contextMenu.addItem({
            command,
            args: { file: true },
            selector: '.jp-DirListing-item[data-isdir="false"]',
            rank: 13,
          });
        }
        menu?.fileMenu.addGroup(commands.map(({ command }) => ({ command })), 41);
        const changed = () =>
          commands.forEach(({ command }) => app.commands.notifyCommandChanged(command));
        app.shell.currentChanged?.connect(changed);
        window.addEventListener("jhub-status", ({ detail }) => {
          if (detail.publishing === null) return; // a hub that is older than these links
          PageConfig.setOption("shareUrl", `${hub}link/${owner}`);
          told = detail;
          changed();
        });
        window.dispatchEvent(new Event("jhub-look"));
      },
    };
  }

  (window._JUPYTERLAB ??= {})["@jhub-docker/platform"] = {
    init: (scope) => { shared = scope; },
    get: async (name) => {
      if (name !== "./extension") throw new Error(`${name} is not here`);
      const made = await Promise.all([status(), sharing()]);
      return () => ({ __esModule: true, default: made });
    },
  };
})();
