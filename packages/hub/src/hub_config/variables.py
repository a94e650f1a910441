"""Environment variables of a server: those the hub sets, and names that a group may use. Pure.

The filter passes on nothing else. The start script, tini and the health check may run as root in
the container, so a name that decides which code a program runs is nobody's to set.
"""

import re
from collections.abc import Iterable

OF_THE_HUB = frozenset(
    {
        # JupyterHub 6.1, Spawner.get_env; DockerSpawner 14 adds the last one.
        *(
            f"JUPYTERHUB_{name}"
            for name in (
                *("ACTIVITY_URL", "ADMIN_ACCESS", "API_TOKEN", "API_URL", "BASE_URL", "CLIENT_ID"),
                *("COOKIE_HOST_PREFIX_ENABLED", "COOKIE_OPTIONS", "DEBUG", "DEFAULT_URL", "HOST"),
                *("DISABLE_USER_CONFIG", "OAUTH_ACCESS_SCOPES", "OAUTH_CALLBACK_URL"),
                *("OAUTH_CLIENT_ALLOWED_SCOPES", "OAUTH_SCOPES", "PUBLIC_HUB_URL", "PUBLIC_URL"),
                *("ROOT_DIR", "SERVER_NAME", "SERVICE_PREFIX", "SERVICE_URL", "USER"),
            )
        ),
        *("JPY_API_TOKEN", "MEM_LIMIT", "MEM_GUARANTEE", "CPU_LIMIT", "CPU_GUARANTEE"),
        "JUPYTER_IMAGE_SPEC",
        # hub_config.beside, lifetimes.
        *("JUPYTERHUB_ACTIVITY_INTERVAL", "JHUB_IDLE_TIMEOUT", "JHUB_WARNING_TIME"),
        *("JHUB_PUBLISHING", "JHUB_SCHEDULED_RUNS"),
        # hub_config.tracking.
        *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT",
    }
)
"""What the hub sets, whatever the value: nothing that starts as root takes a decision by it."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_RESERVED = re.compile(
    "|".join(
        (
            # The hub, the start script and tini; the engine's GPU runtime.
            r"JUPYTER.*|JPY_.*|JHUB_.*|NB_.*|GRANT_.*|TINI_.*|NVIDIA_.*|IPYTHON.*|(MEM|CPU)_LIMIT",
            # Who and where one is.
            r"PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|XDG_.*|SUDO_.*|VIRTUAL_ENV",
            # The loader and the C library (glibc, unsecvars.h, and what LD_ stands for).
            r"LD_.*|GLIBC_.*|MALLOC_.*|GCONV_.*|GETCONF_.*|LOCPATH|NLSPATH|TMPDIR|TZDIR|RES(OLV)?_.*",
            r"HOSTALIASES|LOCALDOMAIN|NIS_.*|MEMUSAGE.*|PCPROFILE.*|SEGFAULT_.*|.*_PRELOAD",
            # Shells.
            r"IFS|ENV|BASH.*|SHELLOPTS|PS[0-9]|PROMPT_.*|CDPATH|FPATH|ZDOTDIR|GLOBIGNORE|TERM(INFO|CAP).*",
            # Interpreters, and libraries that load modules.
            r"PYTHON.*|PERL.*|RUBY.*|GEM_.*|NODE_(OPTIONS|PATH|REPL.*|EXTRA.*)|NPM_.*|CLASSPATH",
            r"_?JAVA_.*|JDK_.*|LUA_.*|TCL.*|R_.*|JULIA_.*|OPENSSL_.*|SSLKEYLOGFILE|GIO_.*|GTK_.*|QT_.*",
            r"DYLD_.*|PHP.*|DOTNET_.*|ELECTRON_.*|DENO_.*|BUN_.*|GUILE_.*|GO(DEBUG|FLAGS)|MAKEFLAGS",
            # Programs that take their own configuration or helpers from it.
            r"CURL_.*|GIT_(?!AUTHOR_|COMMITTER_).*|LESS(OPEN|CLOSE)",
        )
    ),
    re.IGNORECASE,
)


def complaint(name: str) -> str:
    """What is wrong with a variable's name; empty when a group may set it."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is no name for a variable: letters, digits and _ are"
    if _RESERVED.fullmatch(name):
        return f"{name} has a meaning of its own in every container and cannot be set for a group"
    return ""


MOST_BYTES = 65_000
"""Of a value: the filter takes 65,536 letters with the name, the kernel 131,072 bytes (execve)."""


def value_complaint(value: str) -> str:
    """What is wrong with a variable's value; empty when a container can have it."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "The value is not UTF-8."
    if "\0" in value:
        return "A value cannot hold a NUL character."
    return f"The value has {size} bytes; at most {MOST_BYTES} fit." if size > MOST_BYTES else ""


def permitted(name: str, patterns: Iterable[str]) -> bool:
    """Whether a group may set it where `patterns` may be set; `*` at the end is any ending."""
    return not complaint(name) and any(
        name.startswith(one[:-1]) if one.endswith("*") else name == one for one in patterns
    )
