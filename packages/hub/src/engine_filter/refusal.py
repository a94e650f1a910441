"""How a rule says no, and how a request is said not to be HTTP that can be judged."""


class Refused(Exception):  # noqa: N818  it is an answer, not a fault of this program
    """A call the hub does not need; the message names the rule. Answered with 403."""


class MissingError(Exception):
    """The engine has no such object; answered with 404 and the engine's own message."""
