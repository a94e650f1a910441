// The home page: stop and delete servers, and go to the form for a new one. Its buttons are disabled
// until they do something: a click before that would be lost, and the name that was typed with it.
require(["jhapi", "utils"], (JHAPI, utils) => {
  const { base_url, user } = window.jhdata;
  const api = new JHAPI(base_url);
  const news = document.getElementById("server-news");

  const reload = () => window.location.reload();

  // JupyterHub answers before a slow stop is over; the page shows what is true afterwards.
  const whenSettled = (name) =>
    api.get_user(user, {
      success: (found) => {
        const server = (found.servers || {})[name];
        if (server && server.pending) setTimeout(() => whenSettled(name), 500);
        else reload();
      },
      error: reload,
    });

  const act = (button, message, call, name) => {
    button.disabled = true;
    button.textContent = message;
    news.textContent = message;
    const options = { success: () => whenSettled(name), error: failed(button) };
    call(options);
  };

  const failed = (button) => (...about) => {
    button.disabled = false;
    button.textContent = tr("Try again");
    utils.ajax_error_dialog(...about);
  };

  for (const button of document.querySelectorAll("[data-stop]")) {
    const name = button.dataset.stop;
    button.addEventListener("click", () =>
      act(
        button,
        tr("Stopping…"),
        (options) =>
          name ? api.stop_named_server(user, name, options) : api.stop_server(user, options),
        name,
      ),
    );
  }

  for (const button of document.querySelectorAll("[data-delete]")) {
    const { delete: name, title } = button.dataset;
    button.addEventListener("click", () => {
      if (!window.confirm(tr("Delete the server “%(title)s”? Your files stay.", { title }))) return;
      act(button, tr("Deleting…"), (options) => api.delete_named_server(user, name, options), name);
    });
  }

  // What one's running servers take, for as long as somebody looks.
  const SECONDS = 10;
  const showUsage = async () => {
    if (!document.hidden) {
      const answer = await fetch(`${base_url}usage`, { cache: "no-store" }).catch(() => null);
      const told = answer?.ok && !answer.redirected ? await answer.json() : {};
      for (const place of document.querySelectorAll("[data-usage]")) {
        const usage = told[place.dataset.usage];
        if (!usage?.says) continue;
        place.textContent = tr("Uses %(amount)s.", { amount: usage.says });
        place.classList.toggle("usage-near", usage.near);
        place.hidden = false;
      }
    }
    setTimeout(showUsage, SECONDS * 1000);
  };
  if (document.querySelector("[data-usage]")) showUsage();

  const form = document.getElementById("new-server");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const title = utils.sanitise_display_name(document.getElementById("new-server-name").value);
    if (!title) return;
    const path = utils.url_path_join(base_url, "spawn", encodeURIComponent(user), utils.safe_slug(title));
    window.location = `${path}?${new URLSearchParams({ display_name: title })}`;
  });

  for (const button of document.querySelectorAll("[data-stop], [data-delete], #new-server button")) {
    button.disabled = false;
  }
});
