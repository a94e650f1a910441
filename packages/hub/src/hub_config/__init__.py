"""The hub's configuration as a tested library.

`settings` says what can be set, `first_start` makes the secrets, one module per concern sets
traits, `spawning` and `login` hold the spawner and the authenticator. `jupyterhub_config.py` only
calls these.
"""
