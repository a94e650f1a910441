"""One person's server as one pod of Kubernetes.

KubeSpawner makes the pod's manifest, so that an operator's `config.d` may set any of its traits
(node selectors, tolerations, pull secrets) as `c.UserPodSpawner.…`. What is done with it goes
through the runtime as everywhere: no watch of KubeSpawner's runs, and it removes no claim.
"""

from http import HTTPStatus
from secrets import token_hex
from typing import Any

from kubespawner import KubeSpawner
from traitlets import Unicode

from hub_config import names
from hub_config.offer.profiles import Profile
from hub_config.runtime.cluster import Storage
from hub_config.runtime.interface import AwayError, Place
from hub_config.runtime.kubernetes import KubernetesRuntime, status_of
from hub_config.spawning import options, pods
from hub_config.spawning.folders import Folders
from hub_config.spawning.server_spawner import UserServerSpawner
from hub_config.told import Stage, StartFailure

AWAY = (
    "The hub cannot reach the cluster at the moment, so the server was not started. Try again in a "
    "minute; if this stays, tell an administrator."
)
NO_ROOM = (
    "The quota of this platform's namespace has no room for this server. Try again when others "
    "have stopped theirs, or choose a smaller profile."
)
REFUSED = (
    "The cluster does not permit what this server needs. Trying again does not help: tell an "
    "administrator, who finds the reason in the hub's log."
)
CONFLICT = (
    "A pod with the name of this server is still there, perhaps because the last one is just being "
    "removed. Try again in a minute; if this stays, tell an administrator."
)


class PodFolders(Folders):
    """Folders that are claims, which many pods have at the same time."""

    async def make(self, volume: str, folder: str, token: str = "") -> str:
        """Make the claim unless it is there; returns the word on the one that is."""
        word: str = await self.spawner.runtime.make_folder(volume, folder, token)
        return word


class UserPodSpawner(UserServerSpawner, KubeSpawner):
    """Starts and ends the pod of one server."""

    object_id = Unicode(help="The pod's uid; empty before there is one")
    profile: Profile
    operators: pods.Mounts
    delete_pvc = False
    storage_pvc_ensure = False
    events_enabled = False

    _runtime: KubernetesRuntime | None = None

    # -- parts -------------------------------------------------------------------------------

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        """KubeSpawner asks for names before there is a person, where the hub wants the runtime."""
        if self.user is None:
            return template
        expanded: str = super()._expand_user_properties(template, slug_scheme)
        return expanded

    @property
    def runtime(self) -> KubernetesRuntime:
        """Where servers run; one for the whole hub."""
        cls = UserPodSpawner
        if cls._runtime is None:
            set_ = self.operator
            homes = (self.storage_class or "", set_.home_size, set_.home_access)
            storage = Storage(*homes, set_.folder_class, set_.folder_size)
            cls._runtime = KubernetesRuntime(self.enforced.platform, self.namespace, storage)
        return cls._runtime

    @property
    def object_name(self) -> str:
        """What its pod is called; `names.dns` writes it as Kubernetes takes it."""
        return names.container(self.enforced.container_prefix, self.user.name, self.name)

    @property
    def place(self) -> Place:
        """What this server's things are called."""
        return Place(self.user.name, self.name, self.object_name, names.dns(self.object_name))

    def use_profile(self, profile: Profile) -> None:
        """Take over everything `profile` says; called once, before the start."""
        self.profile = profile
        self.image = profile.image
        self.port = profile.port
        self.default_url = profile.default_url
        operator = self.enforced
        said = options.labels(self.place, operator.platform, self.home.database, profile)
        made = pods.size(profile, operator) | pods.rights(profile, operator)
        made |= pods.marks(operator.platform, said, self.object_name)
        self._set(pods.added({name: getattr(self, name) for name in pods.ADDED}, made))
        self.extra_pod_config: dict[str, Any] = {**self.extra_pod_config, **pods.EXTRA}
        # What an operator mounts stays beside what each start mounts anew.
        mounts = ("volumes", "volume_mounts")
        self.operators = {name: pods.listed(getattr(self, name)) for name in mounts}

    def _set(self, traits: dict[str, Any]) -> None:
        for name, value in traits.items():
            setattr(self, name, value)

    # -- start -------------------------------------------------------------------------------

    async def make(self) -> None:
        """Make the home's claim and the pod; returns when the pod has an address."""
        await self.end.clear(gently=False)
        self.stages.tell(Stage.VOLUME)
        home = await self.home.ready()
        folders = await PodFolders(self).there()
        own = pods.volumes(self.profile, self.enforced, home, folders)
        self._set(pods.beside(self.operators, own))
        self.stages.tell(Stage.CONTAINER)
        self.pod_name = names.dns(self.object_name)
        manifest, values = await self.get_pod_manifest(), {}
        (container,) = [one for one in manifest.spec.containers if one.name == "notebook"]
        for variable in container.env:
            if variable.value is not None:
                values[variable.name] = variable.value
        # Who may read pods reads no secret of a group and no token: both are in a Secret.
        container.env = [one for one in container.env if one.value is None]
        secret = f"{self.pod_name}-{token_hex(4)}"
        container.env_from = [*(container.env_from or ()), {"secretRef": {"name": secret}}]
        made = await self.runtime.begin(self.object_name, manifest)
        await self.runtime.hand_over(secret, values, made)
        self.object_id = made.id
        self.remember()
        self.address = (await self.placed()).address
        self.remember()

    def trouble(self, error: Exception) -> StartFailure | None:
        """What to tell a person when the cluster fails or refuses a call."""
        if not isinstance(error, AwayError):
            return None
        status = status_of(error)
        if status == HTTPStatus.FORBIDDEN:
            if "exceeded quota" in str(error):
                return StartFailure(NO_ROOM, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
            return StartFailure(REFUSED)
        if status == HTTPStatus.CONFLICT:
            return StartFailure(CONFLICT, status_code=HTTPStatus.CONFLICT)
        if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return StartFailure(AWAY, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return StartFailure(REFUSED)

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the pod again, from the moment there is one."""
        return {**super().get_state(), "object_id": self.object_id}

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the pod again."""
        super().load_state(state)
        self.object_id = state.get("object_id", "")

    def clear_state(self) -> None:
        """Forget the pod that was."""
        super().clear_state()
        self.object_id = self.address = ""

    async def delete_forever(self) -> None:
        """The person, or a named server, is gone: the home is put aside, not removed here."""
