"""Why a server is not started, in words for the person who asked for it."""

from html import escape

from jupyterhub.spawner import SpawnException


class Refusal(SpawnException):
    """A spawn that policy or the choice itself rules out: nothing was started.

    JupyterHub shows `jupyterhub_message` on pages (utils.py, format_exception) and the message in
    the API's answer, with `status_code`. `reason` is a short label for the metrics.
    """

    def __init__(self, message: str, *, reason: str, status_code: int = 400) -> None:
        super().__init__(message, reason=reason, status_code=status_code)
        self.jupyterhub_message = message


class StartFailure(SpawnException):
    """A server that was started and did not come up.

    The first line of `message` is the reason, the others are the last ones of the log.
    """

    def __init__(self, message: str, *, status_code: int = 500) -> None:
        super().__init__(message, reason="start-failed", status_code=int(status_code))
        self.jupyterhub_message = message
        reason, _, lines = message.partition("\n")
        self.jupyterhub_html_message = f"<p>{escape(reason)}</p>"
        if lines:
            # As in not_running.html; long lines scroll, so the keyboard has to get there.
            self.jupyterhub_html_message += (
                '<pre class="log-tail" tabindex="0" role="region" '
                f'aria-label="Last lines of its log">{escape(lines)}</pre>'
            )
