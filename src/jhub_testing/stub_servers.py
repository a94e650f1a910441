"""An image of a few megabytes whose server the hub takes for one of ours: for tests and benchmarks
that need many servers, or quick ones.

It answers every request, tells the hub of its activity as often as ours do, and is looked at by the
engine's health check. It is offered as an operator offers an image: declared in `config.toml`.
"""

import base64
import json
import os
import textwrap
from dataclasses import dataclass

from jhub_docker.catalog.identity import LABEL
from jhub_docker.nox import TEST_TAG
from jhub_testing.resources import Engine

JUPYTERHUB = "6.1.1"
"""What the image says it has."""

SERVER = [
    "perl",
    "-e",
    r"""
use IO::Select; use IO::Socket::INET;
$SIG{TERM} = sub { exit };
sleep shift if @ARGV;
my $server = IO::Socket::INET->new(LocalPort => 8888, Listen => 99, ReuseAddr => 1) or die $!;
my ($hub, $port, $path) = $ENV{JUPYTERHUB_ACTIVITY_URL} =~ m{^http://([^:/]+):(\d+)(/.*)$};
my ($told, $next) = (undef, 0);
sub tell_of_activity {
    my ($s, $m, $h, $day, $month, $year) = gmtime;
    my $now = sprintf "%d-%02d-%02dT%02d:%02d:%02dZ", $year + 1900, $month + 1, $day, $h, $m, $s;
    my $servers = qq({"$ENV{JUPYTERHUB_SERVER_NAME}": {"last_activity": "$now"}});
    my $body = qq({"last_activity": "$now", "servers": $servers});
    my $length = length $body;
    $told = IO::Socket::INET->new(PeerAddr => $hub, PeerPort => $port, Timeout => 5) or return;
    print $told join "\r\n", "POST $path HTTP/1.0",
        "Authorization: token $ENV{JUPYTERHUB_API_TOKEN}",
        "Content-Type: application/json", "Content-Length: $length", "", $body;
}
my $waiting = IO::Select->new($server);
while (1) {
    # The first time after the hub has asked: before it is on the network, its name takes long.
    if ($hub && $next && time >= $next) { $next = time + 300; tell_of_activity() }
    $waiting->can_read($next ? $next - time : undef) or next;
    my $client = $server->accept or next;
    while (<$client>) { last if /^\s*$/ }
    print $client join "\r\n", "HTTP/1.1 200 OK", "Content-Type: application/json",
        "X-JupyterHub-Version: 6.1.1", "Content-Length: 19", "Connection: close", "",
        '{"version": "stub"}';
    close $client;
    $next ||= time + 1;
}
""",
]

_HEALTHY = (
    "HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 "
    """CMD perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:8888") or exit 1'"""
)


@dataclass(frozen=True)
class Stub:
    """An image, the labels it has, and how a platform comes to offer it."""

    reference: str
    profile: str
    labels: dict[str, str]
    settings: dict[str, str]
    config: str


def offer(prefix: str, memory: str = "64M") -> Stub:
    """One below `prefix`, which nothing else is pulled from."""
    profiles = {"name": "stub", "profiles": {"s": {"mem_limit": memory}}}
    config = f"""
        [[images]]
        reference = "{prefix}stub:1"
        jupyterhub = "{JUPYTERHUB}"
        name = "stub"
        profiles.s = {{ mem_limit = "{memory}" }}
    """
    return Stub(
        f"{prefix}stub:1",
        "stub-s",
        {f"{LABEL}.profiles": json.dumps(profiles), f"{LABEL}.jupyterhub": JUPYTERHUB},
        {"JHUB_PULL_FROM": prefix, "JHUB_PULL_POLICY": "never"},
        textwrap.dedent(config),
    )


def answering_after(seconds: int) -> list[str]:
    """The server's command when it takes so long to start."""
    return [*SERVER, str(seconds)]


def make(engine: Engine, memory: str = "64M", prefix: str = "", *, after: int = 0) -> Stub:
    """Have the image in the engine until the session ends, below `prefix` or one of its own; its
    servers answer `after` so many seconds.
    """
    stub = offer(prefix or f"{engine.name('stubs')}/", memory)
    labels = {**stub.labels, **engine.labels}
    repository, _, tag = stub.reference.rpartition(":")
    told = engine.client.api.import_image_from_data(
        system(engine),
        repository=repository,
        tag=tag,
        changes=[
            *(f"LABEL {key}='{value}'" for key, value in labels.items()),
            "USER 1000:100",
            _HEALTHY,
            f"CMD {json.dumps(answering_after(after))}",
        ],
    )
    assert "errorDetail" not in told, told
    return stub


def system(engine: Engine) -> bytes:
    """A system with a shell and Perl, as an archive."""
    tag = os.environ.get(TEST_TAG, "latest")
    programs = "$(ldd /bin/sh /usr/bin/perl | grep -o '/[^ :]*' | sort -u)"
    code = f"tar -czh {programs} /usr/lib/*/perl-base 2>/dev/null | base64"
    told = engine.run(f"local/uv-marimo:{tag}", ["sh", "-c", code], network_mode="none")
    return base64.b64decode(told)
