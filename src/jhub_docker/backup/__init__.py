"""Backups of a platform, and what comes back from them; `packages/backup` is what does the work.

`container` asks that image, `plan` decides what is restored into which volume, `restoring` and
`drill` bring it there.
"""
