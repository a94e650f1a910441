"""The spawner JupyterHub talks to: it turns a person's choice into a container spawner, or refuses.

It fails closed. wrapspawner starts a LocalProcessSpawner inside the hub for a profile it does not
know; here the child is always a UserContainerSpawner, and an unknown profile starts nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyterhub.utils import maybe_future
from traitlets import Instance, Type, Unicode
from traitlets import Set as SetTrait
from wrapspawner import ProfilesSpawner

from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.image_source import ImageSource
from hub_config.spawning.options_form import render
from hub_config.spawning.profiles import Profile
from hub_config.spawning.refusal import Refusal
from hub_config.spawning.stages import Event, Stage, Stages

NOTHING_TO_OFFER = (
    "There is no image to start a server from. An administrator can build them with "
    "`./dev invoke build`; they appear here within seconds."
)

_HANDED_OVER = ("api_token", "oauth_client_id", "user_options", "cert_paths", "admin_access")
"""What JupyterHub sets on this spawner for each start. Nothing else is copied to the child:
wrapspawner copies every trait, and so overwrites port, ip, limits, command and environment."""


class PlatformSpawner(ProfilesSpawner):
    """Offers the profiles of the images at hand and starts the one that was chosen."""

    child_class = Type(UserContainerSpawner, UserContainerSpawner)
    image_tag = Unicode("latest", help="Tag of the images on offer").tag(config=True)
    default_profile = Unicode(help="Profile chosen when the form opens").tag(config=True)
    sudo_profiles = SetTrait(Unicode(), help="Profiles with sudo").tag(config=True)

    # JupyterHub looks whether this is empty to know that there is a form.
    options_form = Unicode("profile")
    child_spawner: UserContainerSpawner | None
    _images: ImageSource | None = None
    _chosen: Profile | None = None
    stages = Instance(Stages, ())

    # -- the offer ---------------------------------------------------------------------------

    async def offer(self) -> tuple[Profile, ...]:
        """The profiles of the images the engine has right now."""
        cls = PlatformSpawner
        if cls._images is None:
            cls._images = ImageSource()
        return await cls._images.profiles(self._list_images, self.image_tag)

    async def _list_images(self) -> Sequence[Mapping[str, Any]]:
        spawner = UserContainerSpawner(config=self.config)
        images: Sequence[Mapping[str, Any]] = await spawner.docker("images")
        return images

    async def get_options_form(self) -> str:
        """The form a person chooses a profile with."""
        return render(await self.offer(), self._preselected(), NOTHING_TO_OFFER)

    def _preselected(self) -> str:
        last = (self.user_options or {}).get("profile")
        return str(last or self.default_profile)

    def options_from_form(self, formdata: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The person's options: whatever the form sent, for `apply_user_options` to judge."""
        return {
            key: values[0] if len(values) == 1 else list(values)
            for key, values in formdata.items()
            if key != "_xsrf"
        }

    # -- the choice --------------------------------------------------------------------------

    async def _run_apply_user_options(self, user_options: Mapping[str, Any]) -> None:
        """JupyterHub calls this with options of a form, a query or the API, before the start.

        Raises Refusal 400 for anything but one known profile, 503 when there is none.
        """
        try:
            self._chosen = self._choose(user_options, await self.offer())
        except Refusal:
            # JupyterHub has saved the options already, as the default for a request without any.
            self.user_options = self.orm_spawner.user_options = {}
            raise

    def _choose(self, user_options: Mapping[str, Any], offer: Sequence[Profile]) -> Profile:
        if not offer:
            raise Refusal(NOTHING_TO_OFFER, reason="no-profiles", status_code=503)
        known = {profile.key: profile for profile in offer}
        if unknown := sorted(set(user_options) - {"profile"}):
            raise Refusal(
                f"The only option is `profile`, not {', '.join(unknown)}.", reason="options"
            )
        wanted = user_options.get("profile")
        if not isinstance(wanted, str) or wanted not in known:
            what = "No profile was chosen" if not wanted else "There is no such profile"
            raise Refusal(
                f"{what}; there are: {', '.join(known)}.", reason="profile", status_code=400
            )
        return known[wanted]

    # -- the child ---------------------------------------------------------------------------

    def construct_child(self) -> UserContainerSpawner:
        """The child spawner; it gets this spawner's identity and nothing else of it."""
        child = self.child_spawner
        if child is None:
            child = self.child_spawner = UserContainerSpawner(
                user=self.user,
                orm_spawner=self.orm_spawner,
                hub=self.hub,
                authenticator=self.authenticator,
                config=self.config,
                cookie_options=self.cookie_options,
                cookie_host_prefix_enabled=self.cookie_host_prefix_enabled,
                public_url=self.public_url,
                public_hub_url=self.public_hub_url,
                internal_ssl=self.internal_ssl,
                internal_trust_bundles=self.internal_trust_bundles,
                internal_certs_location=self.internal_certs_location,
            )
        for trait in _HANDED_OVER:
            setattr(child, trait, getattr(self, trait))
        child.stages = self.stages
        return child

    async def start(self) -> str:
        """Start the chosen profile. Raises what `_run_apply_user_options` raises."""
        profile = self._chosen or self._choose(self.user_options, await self.offer())
        self._chosen = None
        self.child_profile = profile.key
        self.stages.tell(Stage.IMAGE)
        child = self.construct_child()
        child.oauth_client_allowed_scopes = await self._get_oauth_client_allowed_scopes()
        if profile.key in self.sudo_profiles:
            profile = replace(profile, sudo=True)
        child.use_profile(profile)
        try:
            return await child.start()
        finally:
            self.stages.end()

    async def progress(self) -> AsyncIterator[Event]:
        """Progress for the page, from the request on."""
        async for event in self.stages.watch():
            yield event

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """With internal TLS: the child puts the certificates where the container finds them."""
        moved: dict[str, str] = await self.construct_child().move_certs(paths)
        return moved

    async def delete_forever(self) -> None:
        """The person or the server was deleted for good."""
        await maybe_future(self.construct_child().delete_forever())

    # -- state -------------------------------------------------------------------------------

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub: find the container again. Needs no profile and no image."""
        self.child_profile = state.get("profile", "")
        child_state = state.get("child_state")
        if child_state:
            self.construct_child().load_state(child_state)

    def get_state(self) -> dict[str, Any]:
        """What to keep in the database: names only, never an environment or a token."""
        if self.child_spawner is None:
            return {}
        return {"profile": self.child_profile, "child_state": self.child_spawner.get_state()}

    def clear_state(self) -> None:
        """Forget the server that was."""
        super().clear_state()
        self._chosen = None
        self.stages.begin()
