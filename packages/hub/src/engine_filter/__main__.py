"""`python -m engine_filter`: serve the hub's socket in front of the engine's until told to stop.

Settings come from the environment alone: what the hub can write must not loosen what it may do.
"""

import asyncio
import os
import sys

from engine_filter import ENGINE_SOCKET, HUB_SOCKET, policy, serving
from hub_config import SettingsError, health, tracing
from hub_config.settings import reading


def main() -> int:
    """Run the filter; returns an exit code, 2 for wrong settings."""
    try:
        settings = reading.read(os.environ, default_file=None)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)
        return 2
    tracing.configure_logs(settings.log_format, "%(levelname)s %(message)s", settings.log_level)
    health.check(f"unix:{HUB_SOCKET}")
    rules = policy.from_settings(settings)
    return asyncio.run(serving.serve(rules, ENGINE_SOCKET, HUB_SOCKET))


if __name__ == "__main__":
    sys.exit(main())
