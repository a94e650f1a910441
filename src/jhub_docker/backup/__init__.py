"""Backups of a platform, and what comes back from them; `packages/backup` is what does the work.

`container` asks that image, `plan` decides what is restored into which volume, `backing_up`,
`restoring` and `drill` are what the operator's tasks do.
"""
