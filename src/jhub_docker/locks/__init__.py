"""What is locked: `uv.lock` and `package-lock.json` read, refreshed, compared, judged."""
