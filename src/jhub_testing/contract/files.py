"""What the image consists of: nothing secret or superfluous in a layer, a sound environment."""

import re

from jhub_testing.subject import Subject

_HARMLESS_UV = {"UV_TOOL_BIN_DIR=/home/nebula/.local/bin"}
"""A base may set this variable and a child cannot unset it: this value is uv's own default."""


def no_cache_in_layers(subject: Subject) -> None:
    """No layer has what apt, uv, pip, npm or a build step needed only for a while."""
    found = subject.findings.caches
    assert not found, f"{len(found)} cached or temporary files, such as {found[:10]}"


def no_secret_in_layers(subject: Subject) -> None:
    """No layer, history entry or variable has a private key, token or password."""
    found = subject.findings.secrets
    assert not found, f"{len(found)} secrets: {found[:10]}"


def no_machine_ca_in_layers(subject: Subject) -> None:
    """No layer has a CA that only the building machine trusts."""
    found = subject.findings.machine_ca
    assert not found, f"the building machine's own CA is in {found[:10]}"


def no_uv_variables(subject: Subject) -> None:
    """No variable redirects a person's own `uv sync`."""
    prefixes = ("UV_", "VIRTUAL_ENV=")
    found = {entry for entry in subject.config["Env"] or () if entry.startswith(prefixes)}
    assert found <= _HARMLESS_UV, f"these would redirect uv: {sorted(found - _HARMLESS_UV)}"


def environment_is_not_writable(subject: Subject) -> None:
    """Nothing under /opt can be written by the person."""
    command = ["find", "/opt", "-writable", "!", "-type", "l"]
    found = subject.server.run(command).split()
    assert not found, f"{len(found)} paths can be written, such as {found[:5]}"


def jupyterhub_matches_the_hub(subject: Subject) -> None:
    """The server's JupyterHub has the hub's major version: only then the hub offers it."""
    assert subject.hub_jupyterhub, "the subject does not say which JupyterHub the hub has"
    program = "import importlib.metadata as m; print(m.version('jupyterhub'))"
    command = [f"{subject.environment}/bin/python", "-c", program]
    mine, hub = subject.server.run(command).strip(), subject.hub_jupyterhub
    assert mine.split(".")[0] == hub.split(".")[0], f"jupyterhub {mine} here, {hub} on the hub"


def server_extensions_load(subject: Subject) -> None:
    """Every enabled server extension loads, in the listing and in the running server."""
    command = [f"{subject.environment}/bin/jupyter-server", "extension", "list"]
    listing = re.sub(r"\x1b\[\d*m", "", subject.server.run(command))
    broken = [line for line in listing.splitlines() if " X " in line or "rror" in line]
    assert " OK" in listing, f"no extension was found: {listing}"
    assert not broken, f"these do not validate: {broken}"
    log = subject.server.container.logs().decode(errors="replace")
    failed = [line for line in log.splitlines() if "| extension failed" in line]
    assert not failed, f"these failed to load: {failed}"


def environment_is_trimmed(subject: Subject) -> None:
    """Neither packages' tests nor source maps nor the hub's front end are in the environment."""
    script = (
        'find "$1" -name "*.map" -o -path "*/share/jupyterhub/static/*" -type f'
        ' -o -path "*/site-packages/pandas/tests/*" | head -5'
    )
    found = subject.server.run(["sh", "-euc", script, "sh", subject.environment])
    assert not found, f"the environment has {found}"


CHECKS = (
    no_uv_variables,
    environment_is_trimmed,
    environment_is_not_writable,
    jupyterhub_matches_the_hub,
    server_extensions_load,
    no_cache_in_layers,
    no_secret_in_layers,
    no_machine_ca_in_layers,
)
