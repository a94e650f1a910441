"""What a person's own tools do in the container: uv, and trust in the operator's CA bundle.

All of it runs against the TLS peer, so that no network is needed and the operator's bundle, which
alone knows the peer's CA, has to work.
"""

from jhub_testing.subject import Subject
from jhub_testing.tls_peer import MODULE, PACKAGE

_PYTHON = "/usr/local/bin/python3.11"
_SAYS = f"import {MODULE}; print({MODULE}.ANSWER)"
_ANSWER = "from the peer"


def _shell(subject: Subject, script: str) -> str:
    index = subject.peer.index
    environment = {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": index, "PIP_NO_CACHE_DIR": "1"}
    return subject.server.run(["sh", "-euc", script], environment=environment)


def uv_project_works(subject: Subject) -> None:
    """`uv init`, `uv add`, `uv run` in the home make and use a project's own environment."""
    script = (
        f"cd; rm -rf project; uv init -q project; cd project; uv add -q {PACKAGE};"
        f" uv run -q python -c '{_SAYS}; import sys; print(sys.prefix)'"
    )
    answer, prefix = _shell(subject, script).splitlines()[-2:]
    assert answer == _ANSWER, answer
    assert prefix.endswith("/project/.venv"), f"the project's environment is {prefix}"


def uv_venv_and_pip_work(subject: Subject) -> None:
    """`uv venv` and `uv pip install` in the home."""
    script = (
        "cd; rm -rf own; uv venv -q own; . own/bin/activate;"
        f" uv pip install -q {PACKAGE}; python -c '{_SAYS}'"
    )
    assert _shell(subject, script).splitlines()[-1] == _ANSWER


def pip_trusts_the_operator(subject: Subject) -> None:
    """pip installs from a server that only the operator's bundle knows."""
    script = (
        f"cd; rm -rf withpip; {_PYTHON} -m venv withpip;"
        f" withpip/bin/pip install -q {PACKAGE}; withpip/bin/python -c '{_SAYS}'"
    )
    assert _shell(subject, script).splitlines()[-1] == _ANSWER


def curl_git_and_python_trust_the_operator(subject: Subject) -> None:
    """curl, git and Python's urllib reach a server that only the operator's bundle knows."""
    peer = subject.peer
    _shell(subject, f"curl --fail --silent --show-error --output /dev/null {peer.index}")
    _shell(subject, f"git ls-remote {peer.repository}")
    opened = f"import urllib.request as r; r.urlopen('{peer.index}').read()"
    _shell(subject, f'python -c "{opened}"; {_PYTHON} -c "{opened}"')


def node_trusts_the_operator(subject: Subject) -> None:
    """Every Node in the image reaches that server; without one, the variable it reads is set."""
    bundle = subject.server.environment().get("NODE_EXTRA_CA_CERTS", "")
    assert bundle, "NODE_EXTRA_CA_CERTS is not set"
    found = subject.server.run(
        ["find", "/opt", "/usr/local/bin", "/usr/bin", "-name", "node", "-type", "f", "-perm", "-1"]
    )
    for node in found.split():
        fetch = f"fetch('{subject.peer.index}').then(r => process.exit(r.ok ? 0 : 1))"
        _shell(subject, f'{node} -e "{fetch}"')


def without_the_bundle_the_peer_is_refused(subject: Subject) -> None:
    """The same server without the operator's bundle does not trust the peer."""
    with subject.booted(ready=False, command=["sleep", "infinity"]) as server:
        code, _ = server.attempt(["curl", "--silent", subject.peer.index], inherit=False)
    assert code == 60, f"curl ended with {code}, expected 60: the peer's certificate is unknown"


CHECKS = (
    uv_project_works,
    uv_venv_and_pip_work,
    pip_trusts_the_operator,
    curl_git_and_python_trust_the_operator,
    node_trusts_the_operator,
    without_the_bundle_the_peer_is_refused,
)
