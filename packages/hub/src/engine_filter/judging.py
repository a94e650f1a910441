"""From a request to a decision: read it strictly, find its rule, let the rule judge."""

from collections.abc import Callable
from dataclasses import dataclass

from engine_filter import bodies, routes, target
from engine_filter.calls import Answer, Call, Engine, Forward
from engine_filter.policy import Policy


@dataclass(frozen=True)
class Verdict:
    """What to do with a call; `version` is the API's version as a path prefix, or empty."""

    version: str
    decision: Forward | Answer


async def judge(
    method: str,
    raw_target: str,
    raw_body: bytes,
    policy: Policy,
    look_ups: Callable[[str], Engine],
) -> Verdict:
    """Decide about one call. Raises Refused, or MissingError for an object that is not there.

    `look_ups` gives the engine as seen through one version of its API.
    """
    asked = target.parse(raw_target)
    route, name = routes.find(method, asked.path, asked.query, body=bool(raw_body))
    call = Call(
        method=method,
        path=asked.path,
        name=name,
        query=asked.query,
        body=bodies.parse(raw_body),
        policy=policy,
        engine=look_ups(asked.version),
    )
    return Verdict(asked.version, await route.rule(call))
