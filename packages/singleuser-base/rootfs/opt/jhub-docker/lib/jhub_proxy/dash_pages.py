"""Pages of Dash, made to work behind the proxy as they are.

Dash writes addresses from the root into its page, and asks for more at the root; behind
`/proxy/<port>/` that is somebody else's, and its page says "Loading..." for ever. Where everything
is, its page reads from one piece of JSON (dash/dash.py, `_generate_config_html`), so that is set
right.
"""

from __future__ import annotations

import re

MOST_BYTES = 2**20
"""Its page is a few thousand; one larger than this is none."""

_CONFIG = re.compile(
    rb'(<script id="_dash-config" type="application/json">.*?"requests_pathname_prefix":\s*)'
    rb'"(?:/|\\u002f)"',
    re.DOTALL,
)
_ADDRESS = re.compile(rb'((?:src|href)=")/(?=_dash-|assets/|_favicon)')


def relocated(page: bytes, prefix: str) -> bytes:
    """Dash's page as it has to be below `prefix` (`/user/ann/proxy/8050/`); others are not changed.

    One that was told where it is (DASH_REQUESTS_PATHNAME_PREFIX) is right already.
    """
    below = prefix.encode()
    changed, found = _CONFIG.subn(lambda one: one[1] + b'"' + below + b'"', page, count=1)
    return _ADDRESS.sub(lambda one: one[1] + below, changed) if found else page
