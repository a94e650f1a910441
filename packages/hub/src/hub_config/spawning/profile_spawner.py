"""The spawner JupyterHub talks to: it turns a person's choice into a container spawner, or refuses.

It fails closed. wrapspawner starts a LocalProcessSpawner inside the hub for a profile it does not
know; here the child is always one of ours, and an unknown profile starts nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from jupyterhub.utils import maybe_future
from traitlets import Instance, Type, Unicode, default
from traitlets.config import Config
from wrapspawner import ProfilesSpawner

from hub_config import names
from hub_config.jobs import app_rows, commands, rows
from hub_config.offer import counter
from hub_config.offer.cards import Person, form_options, render
from hub_config.offer.counter import Counter
from hub_config.offer.profiles import Profile
from hub_config.offer.turns import TurnTimeoutError
from hub_config.settings import Settings
from hub_config.spawning import servers
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.server_spawner import UserServerSpawner
from hub_config.told import Event, Refusal, Stage, Stages, StartFailure

FROM_A_LINK = "A link may suggest a profile, but it starts nothing: press the button to start it."

_HANDED_OVER = ("api_token", "oauth_client_id", "user_options", "cert_paths", "admin_access")
"""What JupyterHub sets on this spawner for each start. Nothing else is copied to the child:
wrapspawner copies every trait, and so overwrites port, ip, limits, command and environment."""


class PlatformSpawner(ProfilesSpawner):
    """Starts the profile that was chosen, or says why not."""

    child_class = Type(UserContainerSpawner, UserServerSpawner).tag(config=True)
    operator = Instance(Settings, (), help="What the operator has set").tag(config=True)
    disk = Unicode(".", help="A folder where the engine stores").tag(config=True)

    # JupyterHub looks whether this is empty to know that there is a form.
    options_form = Unicode("profile")
    child_spawner: UserServerSpawner | None
    stages = Instance(Stages, ())
    last_end = Unicode(help="Why the server ended by itself, until the next start")
    token_number: int | None = None
    _counter: Counter | None = None
    _chosen: Profile | None = None
    _suggested = ""

    # -- the choice --------------------------------------------------------------------------

    @property
    def engine(self) -> Any:
        """Where servers run."""
        return self.child_class(config=self.config).runtime

    @property
    def counter(self) -> Counter:
        """Where people are served; one for the whole hub."""
        cls = PlatformSpawner
        if cls._counter is None:
            cls._counter = counter.make(self, self.engine)
        return cls._counter

    @property
    def customer(self) -> Person:
        """The owner of this server."""
        return Person(
            (self.user.name, self.name),
            frozenset(group.name for group in self.user.groups),
            counter.profiles_used(self.user.orm_spawners),
            bool(self.user.admin),
        )

    async def get_options_form(self) -> str:
        """The form a person chooses a profile with."""
        return render(await self.counter.offer(self.customer, self._suggested))

    def options_from_form(self, formdata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The person's options: whatever the form sent, for `choose` to judge."""
        return form_options(formdata)

    def options_from_query(self, query_data: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """A link may suggest a profile, but whoever follows it has to press the button.

        A GET needs no XSRF token, so anyone's page could start a server with such a link.
        Raises Refusal, upon which JupyterHub shows the form (handlers/pages.py, SpawnHandler).
        """
        suggested = form_options(query_data).get("profile")
        self._suggested = suggested if isinstance(suggested, str) else ""
        raise Refusal(FROM_A_LINK, reason="link", status_code=200)

    @classmethod
    def images_left_out(cls, user: Any) -> tuple[str, ...]:
        """For admins' pages: a sentence for each profile that does not go with this hub."""
        if cls._counter is None or not getattr(user, "admin", False):
            return ()
        return tuple(one.for_admin for one in cls._counter.images.last_offer.left_out)

    async def routes_of_images(self) -> frozenset[str]:
        """First parts of paths that servers of the images here answer beside Jupyter's own.

        With the engine away those known last: nothing is started then anyway.
        """
        try:
            there = await self.counter.on_offer()
        except Refusal:
            there = self.counter.images.last_offer
        return frozenset().union(*(profile.routes for profile in there.profiles))

    async def profile_title(self, key: str) -> str:
        """What people know the profile `key` by; the key itself when it was not on offer yet."""
        return (await self.counter.titles())(key)

    @default("apply_user_options")
    def _judged_later(self) -> Callable[..., None]:
        """JupyterHub would log each refusal of this hook with a traceback; the next has none."""
        return lambda _spawner, _options: None

    async def run_pre_spawn_hook(self) -> None:
        """JupyterHub calls this before the start. Raises what `_admit` raises."""
        self._chosen = await self._admit(self.user_options)
        await maybe_future(super().run_pre_spawn_hook())

    async def _admit(self, user_options: Mapping[str, Any]) -> Profile:
        """The profile that is to be started: from here until `clear_state` it has its promise.

        Raises Refusal: 400 for wrong options, 403 when this person may not, 503 when there is no
        room.
        """
        try:
            profile = await self.counter.choice(user_options)
        except Refusal:
            # JupyterHub has saved the options already, as the default for a request without any.
            self.user_options = self.orm_spawner.user_options = {}
            raise
        return await self.counter.admit(profile, self.customer)

    # -- the child ---------------------------------------------------------------------------

    def construct_child(self) -> UserServerSpawner:
        """The child spawner; it gets this spawner's identity and nothing else of it."""
        child = self.child_spawner
        if child is None:
            child = self.child_spawner = self.child_class(
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
            child.observe(self._keep_ending, "ending")
            child.remember = self._remember
            child.has_ended = self._has_ended
        for trait in _HANDED_OVER:
            setattr(child, trait, getattr(self, trait))
        child.stages = self.stages
        return child

    async def start(self) -> str:
        """Start the chosen profile, once its image is here and it is its turn.

        The turn begins after the image is here: nobody waits for somebody else's download. Raises
        what `_admit` raises, and StartFailure.
        """
        profile = self._chosen or await self._admit(self.user_options)
        self._chosen = None
        self.last_end = ""
        self.child_profile = profile.key
        self.token_number = servers.token_number(self.user.db, self.api_token)
        self.stages.tell(Stage.IMAGE)
        try:
            tell = partial(self.stages.tell, Stage.IMAGE)
            await self.counter.images.ensure(profile, self.counter.engine, tell)
            patience = self.operator.queue_timeout
            async with self.counter.turns.turn(self._wait_for_turn, patience):
                url = await self._start_child(profile)
        except TurnTimeoutError as error:
            raise StartFailure(str(error)) from None
        finally:
            self.stages.end()
        self.counter.promises.release(self.customer.key)
        return url

    def _wait_for_turn(self, before: int) -> None:
        text = f"{before} are before you" if before > 1 else "one is before you"
        self.stages.tell(Stage.QUEUE, f"Waiting for a turn: {text if before else 'you are next'}")

    async def _start_child(self, profile: Profile) -> str:
        child = self.construct_child()
        child.oauth_client_allowed_scopes = await self._get_oauth_client_allowed_scopes()
        child.use_profile(profile)
        if names.is_job(self.name):
            child.cmd = commands.of_server(self.user.db, self.user.id, self.name)
        # JupyterHub's own deadline also covers the pull and the queue.
        return await asyncio.wait_for(child.start(), child.start_timeout)

    async def progress(self) -> AsyncIterator[Event]:
        """Progress for the page, from the request on."""
        async for event in self.stages.watch():
            yield event

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """With internal TLS: the child puts the certificates where the container finds them."""
        moved: dict[str, str] = await self.construct_child().move_certs(paths)
        return moved

    async def delete_forever(self) -> None:
        """The person was deleted, or one named server of theirs.

        The one without a name cannot be deleted alone (JupyterHub 6.1, UserServerAPIHandler).
        """
        await maybe_future(self.construct_child().delete_forever())
        if not self.name:
            servers.keep_home(self.user)

    async def poll_and_notify(self) -> Any:
        """Asked every `poll_interval` for every server; a list mostly tells enough."""
        if self.child_spawner is not None and await self.child_spawner.still_runs():
            return None
        return await super().poll_and_notify()

    # -- the end -----------------------------------------------------------------------------

    @property
    def lost(self) -> str:
        """What the running server lost for want of memory; for its person's pages."""
        return self.child_spawner.lost if self.child_spawner else ""

    def _keep_ending(self, change: dict[str, Any]) -> None:
        """The child saw that its container ended. It is forgotten soon, the reason is not."""
        self.last_end = change["new"] or self.last_end

    def _has_ended(self, exit_code: int | None, words: str) -> None:
        if names.is_job(self.name):
            rows.has_ended(self.user.db, self.user.id, self.name, exit_code, words)
            app_rows.has_ended(self.user.db, self.user.id, self.name, words)

    # -- state -------------------------------------------------------------------------------

    def _remember(self) -> None:
        """There is a container: a hub that is killed now takes it over when it starts again."""
        self.orm_spawner.state = self.get_state()
        if names.is_job(self.name):
            rows.has_begun(self.user.db, self.user.id, self.name)
        self.user.db.commit()

    async def get_url(self) -> str:
        """Where the server is, also when the hub was killed before it wrote that down."""
        return await self.construct_child().get_url()

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub: find the container again. Needs no profile and no image."""
        self.child_profile = state.get("profile", "")
        self.last_end = state.get("last_end", "")
        self.token_number = state.get(servers.TOKEN_KEY)
        if child_state := state.get("child_state"):
            self.construct_child().load_state(child_state)

    def get_state(self) -> dict[str, Any]:
        """What to keep in the database: names and numbers, no environment and no token."""
        if self.child_spawner is None:
            return {"last_end": self.last_end} if self.last_end else {}
        return {
            "profile": self.child_profile,
            "child_state": self.child_spawner.get_state(),
            servers.TOKEN_KEY: self.token_number,
        }

    def clear_state(self) -> None:
        """Forget the server that was, but not why it ended. What still runs stays promised."""
        super().clear_state()
        self._chosen = None
        self.counter.promises.release(self.customer.key)
        self.stages.begin()


def engine_of(c: Config) -> Callable[[], Any]:
    """Tells where servers run by this configuration, once it is complete."""
    return lambda: PlatformSpawner(config=c).engine
