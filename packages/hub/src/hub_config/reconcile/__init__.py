"""Compares what the runtime has with the database, at the hub's start and every minute.

`differences` decides, `reconciler` acts, `pages` is how it is asked to, and what admins see of it.
"""
