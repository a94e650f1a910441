"""All private names of JupyterHub, DockerSpawner and wrapspawner that the hub relies on.

Public hooks come first. What is here has none: each name with what it is used for; a test fails as
soon as a version of the three does not have one.
"""

from typing import Any

VERSIONS = {"jupyterhub": "6.1.1", "dockerspawner": "14.0.0", "wrapspawner": "1.0.1"}
"""With these the names below were read."""

PRIVATE = {
    "jupyterhub.spawner:Spawner._spawn_future": "a start that is under way can be cancelled",
    "jupyterhub.handlers.base:BaseHandler.spawn_single_user": "who waits for a cancelled start",
    "jupyterhub.handlers.base:BaseHandler._check_named_server_request": "refusals of names",
    "jupyterhub.apihandlers.users:UserAPIHandler.delete": "deleting people with slow servers",
    "jupyterhub.apihandlers.users:UserAPIHandler.find_user": "the same",
    "jupyterhub.spawner:Spawner._get_oauth_client_allowed_scopes": "the child has none of its own",
    "jupyterhub.spawner:Spawner.run_pre_spawn_hook": "choices are judged before the start",
    "jupyterhub.user:User.spawners": "all servers of a person",
    "jupyterhub.slugs:is_valid_safe_slug": "what a server may be called",
    "dockerspawner.dockerspawner:DockerSpawner.create_object": "makes the container",
    "dockerspawner.dockerspawner:DockerSpawner.start_object": "starts it",
    "dockerspawner.dockerspawner:DockerSpawner.docker": "goes the runtime's way",
    "dockerspawner.dockerspawner:DockerSpawner.client": "the same",
    "dockerspawner.dockerspawner:DockerSpawner.executor": "the same",
    "dockerspawner.dockerspawner:DockerSpawner.object_id_key": "what a container is known by",
    "wrapspawner:WrapSpawner.construct_child": "the child is always ours",
    "wrapspawner:WrapSpawner.child_spawner": "the same",
}
"""`module:attribute` and what for."""


def spawn_future(spawner: Any) -> Any:
    """The start of a server that is under way, or was the last; None when there was none."""
    return spawner._spawn_future


def stop_future(spawner: Any) -> Any:
    """The stop that is under way, None when there is none; JupyterHub sets it at the first stop."""
    return getattr(spawner, "_stop_future", None)
