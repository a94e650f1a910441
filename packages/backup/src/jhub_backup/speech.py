"""What this program prints: lines of JSON, one thing each, so that nobody has to guess.

`say` is progress, `result` the answer, `error` a sentence with an exit code.
"""

import json
from typing import Any


def say(text: str) -> None:
    """Progress."""
    _line(say=text)


def result(value: Any) -> None:
    """The answer, which comes last."""
    _line(result=value)


def error(sentence: str, code: int) -> None:
    """Why there is no answer."""
    _line(error=sentence, code=code)


def _line(**what: Any) -> None:
    print(json.dumps(what), flush=True)
