// The progress page: one line for each stage, the log's last lines when a start fails.
require(["jhapi", "utils"], (JHAPI, utils) => {
  const { base_url } = window.jhdata;
  const { progress, user, server } = document.getElementById("pending-server").dataset;
  const api = new JHAPI(base_url);
  const element = (id) => document.getElementById(id);
  const lines = new Map();

  const show = (stage, message) => {
    if (!lines.has(stage)) {
      lines.get([...lines.keys()].at(-1))?.classList.add("done");
      const line = document.createElement("li");
      element("progress-log").append(line);
      lines.set(stage, line);
    }
    lines.get(stage).textContent = message;
  };

  const fail = (message) => {
    const [first, ...rest] = message.split("\n");
    element("progress-title").textContent = tr("Your server could not be started");
    element("progress-hint").textContent = tr("You can try again, or choose another profile.");
    element("progress-message").textContent = first.replace(/^Spawn failed: /, "");
    element("progress-bar").classList.add("bg-danger");
    element("progress-details").textContent = rest.join("\n");
    element("progress-details").hidden = rest.length === 0;
    element("stop-server-btn").hidden = true;
    element("again").hidden = false;
  };

  const source = new EventSource(progress);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.progress !== undefined) {
      element("progress-bar").setAttribute("aria-valuenow", event.progress);
      element("progress-bar").style.width = `${event.progress}%`;
    }
    if (event.ready || event.failed) source.close();
    if (event.ready) return window.location.reload();
    if (event.failed) return fail(event.message);
    if (event.message) {
      element("progress-message").textContent = event.message;
      show(event.stage || event.message, event.message);
    }
  };

  // The hub closes the stream of a start that is over; what is true then, a new look tells.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => window.location.reload(), 1000);
  };

  element("stop-server-btn").disabled = false;
  element("stop-server-btn").addEventListener("click", ({ currentTarget: button }) => {
    button.disabled = true;
    element("progress-message").textContent = tr("Stopping…");
    const options = {
      success: () => (window.location = utils.url_path_join(base_url, "home")),
      error: (...about) => {
        button.disabled = false;
        utils.ajax_error_dialog(...about);
      },
    };
    if (server) api.stop_named_server(user, server, options);
    else api.stop_server(user, options);
  });
});
