"""What a registry's refusal means: whether it passes by itself, and what a person can do. Pure."""

import re

from jhub_docker.errors import ActionError


class MissingError(ActionError):
    """The registry does not have what was asked for."""


class PassingError(ActionError):
    """A fault that is worth another try."""


_BUSY = (
    r"code (408|429|5\d\d)|toomanyrequests|too many requests|internal server error|bad gateway"
    r"|service unavailable|gateway timeout"
)
_CUT = (
    r"connection (reset|broken)|broken pipe|\bEOF\b|timeout|timed out|deadline exceeded"
    r"|server misbehav|network is unreachable|no route to host|temporary failure"
    r"|server closed|use of closed network connection|stream error|GOAWAY"
)
_ABSENT = r"code 404|not found|name unknown|manifest unknown|blob unknown"
_KINDS = {_BUSY: PassingError, _CUT: PassingError, _ABSENT: MissingError}

# Status codes are those of the distribution specification 1.1; the words of broken connections are
# Go's. oras leaves the status out where the registry sent an error of its own in words, so both are
# known here. The first that fits is what it is.
_ADVICE = {
    # Before "not found" in general: a credential helper that is not installed.
    r"error getting credentials|docker-credential-|failed to resolve credential": "the "
    "credential helper named in Docker's configuration for {registry} failed: run "
    "`docker login {registry}` again, or correct credsStore and credHelpers there",
    r"code 40[13]|unauthorized|credential not found|authentication required|invalid_grant|denied"
    r"|forbidden": "{registry} does not accept these credentials, or wants some that may do this: "
    "run `docker login {registry}` (its configuration, helpers included, is what is read)",
    _BUSY: "{registry} is busy or in trouble; wait, then run this again",
    r"x509:|tls: failed to verify|unknown authority|bad certificate": "the certificate of "
    "{registry} is not trusted: name the file with its CA in JHUB_REGISTRY_CA",
    r"gave HTTP response to HTTPS client|does not look like a TLS handshake|wrong version num": (
        "{registry} does not speak TLS: if that is right, name it in JHUB_REGISTRY_PLAIN_HTTP"
    ),
    # What a registry that speaks TLS answers to a request in the clear, too.
    r"code 400|HTTP request to an HTTPS server": "{registry} does not take this request. If it "
    "speaks TLS, take it out of JHUB_REGISTRY_PLAIN_HTTP; a registry on this machine is spoken to "
    "over TLS when JHUB_REGISTRY_CA names the file with its CA",
    r"no such host|connection refused": "nothing answers at {registry}: correct the reference, or "
    "start the registry",
    _CUT: "the connection to {registry} broke: look at the network, then run this again",
    _ABSENT: "{registry} does not have it: look at the reference; some registries want the "
    "repository to be made first",
}


def judge(said: str) -> tuple[type[ActionError], str]:
    """What the message of a program that asked a registry means, and what to do about it, if that
    is known.
    """
    text = said.replace("recognizable error message not found", "")  # words of oras, not a 404
    for pattern, advice in _ADVICE.items():
        if re.search(pattern, text, re.IGNORECASE):
            return _KINDS.get(pattern, ActionError), advice
    return ActionError, ""


def is_missing(said: str) -> bool:
    """Whether what was asked for is not there, by the message of the program that asked."""
    return judge(said)[0] is MissingError


def error(what: str, registry: str, said: str, program: str = "oras") -> ActionError:
    """The error for what a program said, beginning with what was tried."""
    kind, advice = judge(said)
    known = f"{advice.format(registry=registry)}. " if advice else ""
    return kind(f"{what}: {known}{program} said: {readable(said)}")


def readable(said: str) -> str:
    """The message as it may be shown: without the queries of addresses, which can be signed."""
    shown = re.sub(r"(https?://[^\s\"?]+)\?[^\s\"]*", r"\1?…", said)
    return " ".join(shown.split())[-600:]
