"""What each request that changes something is called in the audit log. Pure.

A request that is in no line of the table is told too, as `request`, so that nothing is left out
because it was forgotten here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

ONE = r"(?P<on>[^/]+)"
SERVER = r"(?P<server>[^/]*)"
ACTION = r"(?P<action>[a-z-]+)"


@dataclass(frozen=True)
class Kind:
    """A request: `what` it is called, whose it is, which fields of it are told.

    `{action}` in `what` is a part of the path, or a field of the form. `own` means that it is about
    whoever asks. `named_by` is the field that holds a person's name, or a list of them.
    """

    methods: str
    path: str
    what: str
    own: bool = False
    named_by: str = ""
    fields: tuple[str, ...] = ()


KINDS = (
    Kind("POST", "login", "login", named_by="username"),
    Kind("POST", "login/code", "login.code"),
    Kind("GET POST", "oauth_callback", "login"),
    Kind("GET POST", "logout", "logout", own=True),
    Kind("POST", "signup", "signup", named_by="username"),
    Kind("POST", "change-password", "password.change", own=True),
    Kind("POST", f"second-factor/{ACTION}", "second-factor.{action}", own=True),
    Kind("POST", f"authorize/{ONE}", "account.approve"),
    Kind("POST", f"discard/{ONE}", "account.discard"),
    Kind("POST", f"accounts/{ONE}/{ACTION}", "account.{action}"),
    Kind("POST", "people", "account.add"),
    Kind("POST", "homes", "home.{action}", named_by="person", fields=("volume", "group", "night")),
    Kind("POST", "(api/)?published", "notebook.publish", own=True, fields=("path",)),
    Kind("POST", "published/(?P<notebook>[0-9a-f]+)", "notebook.{action}", own=True),
    Kind("POST", "sharing", "share.{action}", own=True, fields=("server", "kind", "with", "id")),
    Kind("POST", "spawn", "server.start", own=True, fields=("profile",)),
    Kind("POST", f"spawn/{ONE}(/{SERVER})?", "server.start", fields=("profile",)),
    Kind("POST", f"api/users/{ONE}/server", "server.start", fields=("profile",)),
    Kind("POST", f"api/users/{ONE}/servers/{SERVER}", "server.start", fields=("profile",)),
    Kind("DELETE", f"api/users/{ONE}/server", "server.stop"),
    Kind("DELETE", f"api/users/{ONE}/servers/{SERVER}", "server.stop", fields=("remove",)),
    Kind("POST", "runs", "run.add", own=True, fields=("file", "profile", "cron", "zone")),
    Kind("POST", f"runs/[0-9]+/{ACTION}", "run.{action}"),
    Kind("POST", "apps", "app.add", own=True, fields=("file", "profile", "audience", "days")),
    Kind("POST", f"apps/-/[0-9]+/{ACTION}", "app.{action}"),
    Kind("POST", f"more-time/{SERVER}", "server.more-time", own=True),
    Kind("GET POST", "api/oauth2/authorize", "server.access"),
    Kind("POST", f"api/users/{ONE}/admin-access", "server.access"),
    Kind("POST", "api/users", "user.make", named_by="usernames", fields=("admin",)),
    Kind("POST", f"api/users/{ONE}", "user.make"),
    Kind("PATCH", f"api/users/{ONE}", "user.change", fields=("name", "admin")),
    Kind("DELETE", f"api/users/{ONE}", "user.delete"),
    Kind("POST", f"api/users/{ONE}/tokens", "token.make", fields=("expires_in", "scopes", "roles")),
    Kind("DELETE", f"api/users/{ONE}/tokens/(?P<token>[a-z]?[0-9]{1, 18})", "token.revoke"),
    # What is no token's id may be the token itself.
    Kind("DELETE", f"api/users/{ONE}/tokens/.*", "token.revoke"),
    Kind("POST", "api/groups/(?P<group>[^/]+)/users", "group.add", named_by="users"),
    Kind("DELETE", "api/groups/(?P<group>[^/]+)/users", "group.remove", named_by="users"),
    Kind(
        *("PUT", "api/groups/(?P<group>[^/]+)/properties", "group.properties"),
        fields=("folder", "reads", "writes"),
    ),
    Kind("POST", "api/groups", "group.make", fields=("groups",)),
    Kind("POST", "api/groups/(?P<group>[^/]+)", "group.make", named_by="users"),
    Kind("DELETE", "api/groups/(?P<group>[^/]+)", "group.delete"),
    Kind("POST", f"api/shares/{ONE}/{SERVER}", "share.make", fields=("user", "group", "scopes")),
    Kind("PATCH DELETE", f"api/shares/{ONE}/{SERVER}", "share.revoke", fields=("user", "group")),
    Kind("POST", f"api/share-codes/{ONE}/{SERVER}", "share-code.make"),
    Kind("DELETE", f"api/share-codes/{ONE}/{SERVER}", "share-code.revoke"),
    Kind("POST", "accept-share", "share.accept", own=True),
    Kind("DELETE", f"api/users/{ONE}/shared/.*", "share.leave"),
    Kind("GET", "audit/export", "audit.export", fields=("person", "what", "since", "until")),
    Kind("POST", "api/shutdown", "hub.shutdown", fields=("proxy", "servers")),
)
"""The first line that fits is the one."""

_WITHOUT_REQUESTS = ("hub", "session", "settings", "files", "request", "audit")
_OF_OPERATORS = ("setting", "secret", "backup", "restore", "database")

AREAS = frozenset(
    {*_WITHOUT_REQUESTS, *_OF_OPERATORS, *(kind.what.partition(".")[0] for kind in KINDS)}
)
"""How the names of all entries begin."""

_UNTOLD = re.compile(
    r"POST (api/(proxy|reconcile|homes/purge|oauth2/token|users/[^/]+/activity)"
    r"|security/csp-report)"
    # A server, and a person at work, report that all the time.
    r"|(POST|PUT) api/lifetimes/.*"
)
"""What the platform's own parts ask all the time; what comes of it is told where it is done."""

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_PATHS = [(kind, re.compile(kind.path)) for kind in KINDS]


@dataclass(frozen=True)
class Meant:
    """What a request means."""

    kind: Kind
    parts: Mapping[str, str] = field(default_factory=dict)

    def what(self, form: Mapping[str, Any]) -> str:
        """What it is called; `form` is what was sent."""
        action = self.parts.get("action") or str(form.get("action", ""))
        known = action if re.fullmatch(r"[a-z-]{1,30}", action) else "unknown"
        return self.kind.what.format(action=known)


def meaning(method: str, path: str) -> Meant | None:
    """What a request to `path` below the hub's prefix means; None for one that is not told."""
    for kind, pattern in _PATHS:
        if method in kind.methods.split() and (found := pattern.fullmatch(path)):
            parts = {name: unquote(text) for name, text in found.groupdict().items() if text}
            return Meant(kind, parts)
    if method not in _CHANGES or _UNTOLD.fullmatch(f"{method} {path}"):
        return None
    return Meant(Kind(method, path, "request"))
