"""Compares what the runtime has with the database, at the hub's start and every minute.

`differences` decides, `reconciler` acts, `handlers` is how it is asked to.
"""
