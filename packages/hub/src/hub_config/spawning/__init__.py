"""How a person's choice of a profile becomes a running container: `profile_spawner` is what
JupyterHub talks to, its child `container_spawner` is composed of `options` and `parts`; `servers`
is what all servers of a person have in common.
"""
