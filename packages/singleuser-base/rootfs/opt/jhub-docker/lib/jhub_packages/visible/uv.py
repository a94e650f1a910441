"""`python -m uv`: the uv of the image, for what looks for it as a module, such as `%uv`."""

import os
import sys


def find_uv_bin() -> str:
    """Where uv is, as the module of the `uv` wheel says it."""
    return "/usr/local/bin/uv"


if __name__ == "__main__":
    # Its environment is that of the Python that was asked.
    if sys.prefix != sys.base_prefix:
        os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    os.execv(find_uv_bin(), ["uv", *sys.argv[1:]])  # noqa: S606
