"""Every call the hub may make, and the rule that judges it. What is not here is refused.

A request is read strictly, its rule is found, and the rule judges.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine_filter import bodies, containers, images, networks, services, target, volumes
from engine_filter.calls import Answer, Call, Engine, Forward, Refused
from engine_filter.policy import Policy

Rule = Callable[[Call], Awaitable[Forward | Answer]]


async def as_it_is(call: Call) -> Forward:
    """Nothing to judge: it only tells about the engine."""
    return Forward(call.path, call.query)


@dataclass(frozen=True)
class Route:
    """One call: `path` may hold one {name}; `query` lists what may be asked; `body` whether."""

    method: str
    path: str
    rule: Rule
    query: frozenset[str] = frozenset()
    body: bool = False

    def name_in(self, path: str) -> str | None:
        """The {name} in `path`, empty where the route has none; None when it does not fit."""
        # An image's name may hold slashes, all others may not.
        name = r"([A-Za-z0-9][A-Za-z0-9_.:@/-]*)" if "/images/" in self.path else r"([\w.-]+)"
        pattern = re.escape(self.path).replace(r"\{name\}", name)
        match = re.fullmatch(pattern, path, re.ASCII)
        return None if match is None else "".join(match.groups())


def _route(method: str, path: str, rule: Rule, *query: str, body: bool = False) -> Route:
    return Route(method, path, rule, frozenset(query), body)


ROUTES = (
    _route("GET", "/_ping", as_it_is),
    _route("HEAD", "/_ping", as_it_is),
    _route("GET", "/version", as_it_is),
    _route("GET", "/info", as_it_is),
    _route("GET", "/images/json", images.list_offers, "all", "only_ids", "filters"),
    _route("GET", "/images/{name}/json", images.inspect),
    _route("POST", "/images/create", images.pull, "fromImage", "tag"),
    _route("GET", "/containers/json", containers.list_own,
           "all", "filters", "limit", "size", "trunc_cmd"),
    _route("POST", "/containers/create", containers.create, "name", body=True),
    _route("GET", "/containers/{name}/json", containers.inspect),
    _route("POST", "/containers/{name}/start", containers.on_own),
    _route("POST", "/containers/{name}/stop", containers.on_own, "t"),
    _route("DELETE", "/containers/{name}", containers.on_own, "v", "link", "force"),
    _route("GET", "/containers/{name}/logs", containers.endless_on_own,
           "stdout", "stderr", "follow", "timestamps", "tail", "since", "until"),
    _route("GET", "/containers/{name}/stats", containers.usage, "stream", "one-shot"),
    # All networks of the engine are shown: the platform's pool has to keep clear of them.
    _route("GET", "/networks", as_it_is, "filters"),
    _route("POST", "/networks/create", networks.create, body=True),
    _route("POST", "/networks/{name}/connect", networks.connect, body=True),
    _route("POST", "/networks/{name}/disconnect", networks.disconnect, body=True),
    _route("DELETE", "/networks/{name}", networks.on_own),
    _route("GET", "/volumes", volumes.list_own, "filters"),
    _route("POST", "/volumes/create", volumes.create, body=True),
    _route("GET", "/volumes/{name}", volumes.on_own),
    _route("DELETE", "/volumes/{name}", volumes.on_own),
    _route("GET", "/nodes", services.nodes),
    _route("GET", "/tasks", services.list_own, "filters"),
    _route("GET", "/services", services.list_own, "filters", "status"),
    _route("POST", "/services/create", services.create, body=True),
    _route("GET", "/services/{name}", services.inspect, "insertDefaults"),
    _route("GET", "/services/{name}/logs", services.logs,
           "details", "stdout", "stderr", "follow", "timestamps", "tail", "since"),
    _route("DELETE", "/services/{name}", services.on_own),
)  # fmt: skip


def find(method: str, path: str, query: dict[str, str], *, body: bool) -> tuple[Route, str]:
    """The route of a call and the name in its path. Raises Refused when there is none."""
    for route in ROUTES:
        name = route.name_in(path) if route.method == method else None
        if name is None:
            continue
        if extra := sorted(set(query) - route.query):
            raise Refused(f"{method} {route.path} may not have {extra[0][:100]!r} in its query")
        if body and not route.body:
            raise Refused(f"{method} {route.path} may not have a body")
        return route, name
    raise Refused(f"{method[:20]} {path[:200]} is not among the calls the hub needs")


@dataclass(frozen=True)
class Verdict:
    """What to do with a call; `version` is the API's version as a path prefix, or empty."""

    version: str
    decision: Forward | Answer


async def judge(
    method: str, raw_target: str, raw_body: bytes, policy: Policy, look_ups: Callable[[str], Engine]
) -> Verdict:
    """Decide about one call. Raises Refused, or MissingError for an object that is not there.

    `look_ups` gives the engine as seen through one version of its API.
    """
    asked = target.parse(raw_target)
    route, name = find(method, asked.path, asked.query, body=bool(raw_body))
    call = Call(
        path=asked.path,
        name=name,
        query=asked.query,
        body=bodies.parse(raw_body),
        policy=policy,
        engine=look_ups(asked.version),
    )
    return Verdict(asked.version, await route.rule(call))
