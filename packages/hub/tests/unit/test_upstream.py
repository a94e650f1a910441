"""All private names of JupyterHub, its spawners, wrapspawner and NativeAuthenticator that the hub
relies on without a promise are there, in the versions they were read in.

Public hooks come first (`add_user`, `delete_user`, `refresh_user`, `get_handlers`). What is here
has none: each name with what it is used for.
"""

import importlib
import inspect
from functools import reduce
from importlib.metadata import version

import pytest

VERSIONS = {
    "jupyterhub": "6.1.1",
    "dockerspawner": "14.0.0",
    "jupyterhub-kubespawner": "7.1.0",
    "wrapspawner": "1.0.1",
    "jupyterhub-nativeauthenticator": "1.3.0",
}
"""With these the names below were read."""

PRIVATE = {
    "jupyterhub.spawner:Spawner._spawn_future": "a start that is under way can be cancelled",
    "jupyterhub.spawner:Spawner._stop_pending": "nobody starts what is just being ended",
    "jupyterhub.handlers.base:BaseHandler.spawn_single_user": "who waits for a cancelled start",
    "jupyterhub.handlers.base:BaseHandler._check_named_server_request": "refusals of names",
    "jupyterhub.apihandlers.users:UserAPIHandler.delete": "deleting people with slow servers",
    "jupyterhub.apihandlers.users:UserAPIHandler.find_user": "the same",
    "jupyterhub.spawner:Spawner._get_oauth_client_allowed_scopes": "the child has none of its own",
    "jupyterhub.spawner:Spawner.run_pre_spawn_hook": "choices are judged before the start",
    "jupyterhub.spawner:Spawner.poll_and_notify": "one list tells of everybody's servers",
    "jupyterhub.user:User.spawners": "all servers of a person",
    "jupyterhub.slugs:is_valid_safe_slug": "what a server may be called",
    "dockerspawner.dockerspawner:DockerSpawner.create_object": "makes the container",
    "dockerspawner.dockerspawner:DockerSpawner.start_object": "starts it",
    "dockerspawner.dockerspawner:DockerSpawner.docker": "goes the runtime's way",
    "dockerspawner.dockerspawner:DockerSpawner.client": "the same",
    "dockerspawner.dockerspawner:DockerSpawner.executor": "the same",
    "dockerspawner.dockerspawner:DockerSpawner.object_id_key": "what a container is known by",
    "kubespawner:KubeSpawner._expand_user_properties": "the runtime is wanted before a person",
    "kubespawner:KubeSpawner.get_pod_manifest": "makes the pod",
    "kubespawner.clients:shared_client": "one client for the whole hub",
    "wrapspawner:WrapSpawner.construct_child": "the child is always ours",
    "wrapspawner:WrapSpawner.child_spawner": "the same",
    "nativeauthenticator.orm:UserInfo.username": "its table of accounts",
    "nativeauthenticator.orm:UserInfo.password": "the same",
    "nativeauthenticator.orm:UserInfo.is_authorized": "the same",
    "nativeauthenticator.orm:UserInfo.email": "the same",
    "nativeauthenticator.orm:UserInfo.has_2fa": "second factors are taken over",
    "nativeauthenticator.orm:UserInfo.otp_secret": "the same",
    "nativeauthenticator:NativeAuthenticator.add_new_table": "makes that table at the hub's start",
    "jupyterhub.auth:Authenticator._deprecated_db_session": "the session accounts are read with",
    "jupyterhub.apihandlers.users:UserAPIHandler.patch": "what a rename means",
    "jupyterhub.crypto:CryptKeeper.fernet": "seals second factors",
    "jupyterhub.dbutil:backup_db_file": "a copy before tables of the platform's own are changed",
    "jupyterhub.handlers.base:BaseHandler._set_cookie": "cookies as JupyterHub sets its own",
    "jupyterhub.handlers.base:BaseHandler.find_user": "users by name",
    "jupyterhub.handlers.base:BaseHandler.get_current_user_cookie": "who is here by a session",
    "jupyterhub.handlers.base:BaseHandler.get_session_cookie": "the session that stays",
    "jupyterhub.handlers.base:BaseHandler.get_token": "whether a server asks",
    "jupyterhub.handlers.base:BaseHandler.login_user": "a session once all steps are done",
    "jupyterhub.handlers.base:BaseHandler.set_login_cookie": "the session that stays",
    "jupyterhub.handlers.base:BaseHandler.stop_single_user": "servers of disabled accounts",
    "jupyterhub.handlers.base:BaseHandler.user_from_username": "a user for an account",
    "jupyterhub.handlers.base:BaseHandler.users": "a renamed user is looked up afresh",
    "jupyterhub.handlers.pages:SpawnHandler._post": "a form that is sent twice",
    "jupyterhub.handlers.pages:SpawnHandler._wrap_spawn_single_user": "the same",
    "jupyterhub.handlers.pages:SpawnHandler._get_pending_url": "the same",
    "jupyterhub.handlers.login:LoginHandler._render": "the log-in page with a message",
    "jupyterhub.orm:APIToken.session_id": "tokens of other browsers end",
    "jupyterhub.orm:OAuthCode.user_id": "log-ins under way end",
    "jupyterhub.orm:User.cookie_id": "sessions end",
    "jupyterhub.user:User._auth_refreshed": "whether somebody may stay is asked at once",
}
"""`module:attribute` and what for."""


ASSIGNED = {"jupyterhub.handlers.base:BaseHandler.get_current_user": "_jupyterhub_user"}
"""A function and the attribute that it sets: who has just logged in, for the same request."""


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_name_that_the_hub_relies_on_is_there(name: str) -> None:
    module, _, path = name.partition(":")
    found = importlib.import_module(module)
    owner, _, attribute = path.rpartition(".")
    if owner == "User" and attribute == "spawners":
        # An attribute of objects, not of the class.
        assert "self.spawners = " in inspect.getsource(found.User.__init__)
        return
    holder = getattr(found, owner) if owner else found
    assert hasattr(holder, attribute), f"{name} is gone: {PRIVATE[name]}"


@pytest.mark.parametrize(("name", "attribute"), ASSIGNED.items())
def test_an_attribute_that_the_hub_relies_on_is_set(name: str, attribute: str) -> None:
    module, _, path = name.partition(":")
    function = reduce(getattr, path.split("."), importlib.import_module(module))
    assert f"self.{attribute} =" in inspect.getsource(function)


@pytest.mark.parametrize("package", VERSIONS)
def test_the_names_were_read_in_the_version_that_is_locked(package: str) -> None:
    assert version(package) == VERSIONS[package], (
        f"{package} is another version: look through the names here, then write it down"
    )
