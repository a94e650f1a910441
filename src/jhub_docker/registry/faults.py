"""What a registry's refusal means: whether it passes by itself, and what a person can do (pure).

It reads what oras says. Status codes are those of the distribution specification 1.1; the words of
broken connections are Go's. oras leaves the status out where the registry sent an error of its own
in words, so both are known here.
"""

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(https?://[^\s\"?]+)\?[^\s\"]*")


@dataclass(frozen=True)
class Fault:
    """`passing` faults are worth another try; `missing` says that what was asked for is not there.

    `advice` completes a message that begins with what was tried.
    """

    advice: str
    passing: bool = False
    missing: bool = False


_KNOWN: tuple[tuple[str, Fault], ...] = (
    # Before "not found" in general: a credential helper that is not installed.
    (
        r"error getting credentials|docker-credential-|failed to resolve credential",
        Fault(
            "the credential helper named in Docker's configuration for {registry} failed: run "
            "`docker login {registry}` again, or correct credsStore and credHelpers there"
        ),
    ),
    (
        r"code 401|unauthorized|credential not found|authentication required|invalid_grant",
        Fault(
            "{registry} does not accept these credentials, or wants some: run `docker login "
            "{registry}` (its configuration, helpers included, is what is read)"
        ),
    ),
    (
        r"code 403|\bdenied\b|forbidden",
        Fault(
            "the account known to Docker may not do this in {registry}: ask for the right to push "
            "to the repository, or `docker login {registry}` with another account"
        ),
    ),
    (
        r"code 405|operation is unsupported|\bunsupported\b",
        Fault(
            "{registry} does not permit this: deleting is switched off in many registries (in "
            "Distribution's own by `storage.delete.enabled`), and some delete only in their own "
            "interface"
        ),
    ),
    (
        r"code 413|entity too large",
        Fault("{registry}, or a proxy before it, refuses blobs this large: raise its limit"),
    ),
    (
        r"code (408|429)|toomanyrequests|too many requests",
        Fault("{registry} asks to slow down; wait, then run this again", passing=True),
    ),
    (
        r"code 5\d\d|internal server error|bad gateway|service unavailable|gateway timeout",
        Fault("{registry} is in trouble; wait, then run this again", passing=True),
    ),
    (
        r"x509:|tls: failed to verify|unknown authority|bad certificate",
        Fault(
            "the certificate of {registry} is not trusted: name the file with its CA in "
            "JHUB_REGISTRY_CA"
        ),
    ),
    (
        r"gave HTTP response to HTTPS client|does not look like a TLS handshake|wrong version num",
        Fault(
            "{registry} does not speak TLS: if that is right, name it in JHUB_REGISTRY_PLAIN_HTTP"
        ),
    ),
    (
        # What a registry that speaks TLS answers to a request in the clear, too.
        r"code 400|HTTP request to an HTTPS server",
        Fault(
            "{registry} does not take this request. If it speaks TLS, take it out of "
            "JHUB_REGISTRY_PLAIN_HTTP; a registry on this machine is spoken to over TLS when "
            "JHUB_REGISTRY_CA names the file with its CA"
        ),
    ),
    (r"no such host", Fault("there is no host of that name: correct the reference")),
    (
        r"connection (reset|broken)|broken pipe|\bEOF\b|timeout|timed out|deadline exceeded"
        r"|server misbehav|connection refused|network is unreachable|no route to host"
        r"|temporary failure|server closed|use of closed network connection|stream error|GOAWAY",
        Fault(
            "the connection to {registry} broke: look at the network, then run this again",
            passing=True,
        ),
    ),
    (
        r"code 404|not found|name unknown|manifest unknown|blob unknown",
        Fault(
            "{registry} does not have it: look at the reference; some registries want the "
            "repository to be made first",
            missing=True,
        ),
    ),
    (r"no space left", Fault("the disk is full: make room")),
)
_UNKNOWN = Fault("what it says is not known here")


def crashed(said: str) -> bool:
    """Whether oras itself broke down, as 1.2 does when two transfers fail in two ways at once.

    What was wrong is not in its message then. Seen with oras-go 2.5, `syncutil.Go`.
    """
    return said.startswith("panic: ") or "\npanic: " in said


def judge(said: str) -> Fault:
    """What oras's message, its standard error, means."""
    said = said.replace("recognizable error message not found", "")  # words of oras, not a 404
    for pattern, fault in _KNOWN:
        if re.search(pattern, said, re.IGNORECASE):
            return fault
    return _UNKNOWN


def readable(said: str) -> str:
    """The message as it may be shown: without the queries of addresses, which can be signed."""
    lines = (line.strip() for line in _ADDRESS.sub(r"\1?…", said).splitlines())
    return " ".join(line for line in lines if line)[-600:]
