"""The seed's hub as it is meant: ProfilesSpawner over DockerSpawner, upstream and unchanged.

Two lines make it work at all (wrapspawner 1.0.1 hands the wrapper's own port and address down to
the spawner it wraps); everything else is the default.
"""

# ruff: noqa: F821
# mypy: ignore-errors
import json
import os

given = json.loads(os.environ["BENCH_PEER"])

c = get_config()
c.Spawner.port = 8888
c.Spawner.ip = "0.0.0.0"  # noqa: S104

c.JupyterHub.bind_url = "http://:8000"
c.JupyterHub.hub_ip = "0.0.0.0"  # noqa: S104
c.JupyterHub.hub_connect_ip = given["hub"]
c.JupyterHub.db_url = "sqlite:////tmp/hub.sqlite"
c.JupyterHub.cookie_secret_file = "/tmp/cookie_secret"  # noqa: S105, S108
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "wrapspawner.ProfilesSpawner"
# What the wrapper has under the same name as DockerSpawner is heeded only here.
own = {"name_template": given["hub"] + "-{username}", **given["limits"]}
c.ProfilesSpawner.profiles = [
    (key, key, "dockerspawner.DockerSpawner", {"image": image, **own})
    for key, image in given["images"].items()
]
c.DockerSpawner.network_name = given["network"]
c.DockerSpawner.volumes = {given["volumes"] + "{username}": "/home/nebula"}
c.DockerSpawner.extra_create_kwargs = {"labels": given["labels"]}
c.DockerSpawner.remove = True
