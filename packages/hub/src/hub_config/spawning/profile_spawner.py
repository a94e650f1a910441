"""The spawner JupyterHub talks to: it turns a person's choice into a container spawner, or refuses.

It fails closed. wrapspawner starts a LocalProcessSpawner inside the hub for a profile it does not
know; here the child is always a UserContainerSpawner, and an unknown profile starts nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from jupyterhub.utils import maybe_future
from traitlets import Instance, Int, Type, Unicode

from hub_config.lifetimes import deletion
from hub_config.spawning import server_tokens
from hub_config.spawning.admission.room import Promise
from hub_config.spawning.admission.turns import TurnTimeoutError
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.offer.choice import choose
from hub_config.spawning.offer.profiles import Profile
from hub_config.spawning.offering_spawner import OfferingSpawner
from hub_config.spawning.refusal import Refusal, StartFailure
from hub_config.spawning.stages import Event, Stage, Stages

NOTHING: dict[str, Any] = {"memory": 0, "cpus": 0.0}
"""What a server of an older hub is taken to be promised: its state does not say."""

_HANDED_OVER = ("api_token", "oauth_client_id", "user_options", "cert_paths", "admin_access")
"""What JupyterHub sets on this spawner for each start. Nothing else is copied to the child:
wrapspawner copies every trait, and so overwrites port, ip, limits, command and environment."""


class PlatformSpawner(OfferingSpawner):
    """Starts the profile that was chosen, or says why not."""

    child_class = Type(UserContainerSpawner, UserContainerSpawner)
    queue_timeout = Int(600, help="Seconds a start waits for its turn").tag(config=True)

    child_spawner: UserContainerSpawner | None
    stages = Instance(Stages, ())
    _chosen: Profile | None = None
    token_number: int | None = None
    last_end = Unicode(help="Why the server ended by itself, until the next start")

    # -- the choice --------------------------------------------------------------------------

    async def _run_apply_user_options(self, user_options: Mapping[str, Any]) -> None:
        """JupyterHub calls this with options of a form or the API, before the start.

        Raises what `_admit` raises.
        """
        self._chosen = await self._admit(user_options)

    async def _admit(self, user_options: Mapping[str, Any]) -> Profile:
        """The profile that is to be started: from here until `clear_state` it has its promise.

        Raises Refusal: what `choose` raises, 403 when this person may not, 503 when there is no
        room.
        """
        try:
            there = await self.on_offer()
            profile = choose(user_options, there.profiles, there.left_out)
        except Refusal:
            # JupyterHub has saved the options already, as the default for a request without any.
            self.user_options = self.orm_spawner.user_options = {}
            raise
        await self.desk.admit(profile, self.key, self.groups, self.host_info)
        return profile

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
            child.observe(self._keep_ending, "ending")
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
        self.token_number = server_tokens.number(self.user.db, self.api_token)
        self.stages.tell(Stage.IMAGE)
        try:
            await self.images.ensure(profile, self.engine, partial(self.stages.tell, Stage.IMAGE))
            async with self.desk.turns.turn(self._wait_for_turn, self.queue_timeout):
                url = await self._start_child(profile)
        except TurnTimeoutError as error:
            raise StartFailure(str(error)) from None
        finally:
            self.stages.end()
        self.desk.ledger.started(self.key)
        return url

    def _wait_for_turn(self, before: int) -> None:
        text = f"{before} are before you" if before > 1 else "one is before you"
        self.stages.tell(Stage.QUEUE, f"Waiting for a turn: {text if before else 'you are next'}")

    async def _start_child(self, profile: Profile) -> str:
        child = self.construct_child()
        child.oauth_client_allowed_scopes = await self._get_oauth_client_allowed_scopes()
        child.use_profile(profile)
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
            deletion.keep_home(self.user)

    # -- the end -----------------------------------------------------------------------------

    @property
    def lost(self) -> str:
        """What the running server lost for want of memory; for its person's pages."""
        return self.child_spawner.lost if self.child_spawner else ""

    def _keep_ending(self, change: dict[str, Any]) -> None:
        """The child saw that its container ended. It is forgotten soon, the reason is not."""
        self.last_end = change["new"] or self.last_end

    # -- state -------------------------------------------------------------------------------

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub: find the container again. Needs no profile and no image."""
        self.child_profile = state.get("profile", "")
        self.last_end = state.get("last_end", "")
        self.token_number = state.get(server_tokens.KEY)
        child_state = state.get("child_state")
        if child_state:
            self.construct_child().load_state(child_state)
            self.desk.ledger.enter(self.key, Promise(**state.get("promise", NOTHING)))

    def get_state(self) -> dict[str, Any]:
        """What to keep in the database: names, numbers and sizes, no environment and no token."""
        if self.child_spawner is None:
            return {"last_end": self.last_end} if self.last_end else {}
        promise = self.desk.ledger.get(self.key) or Promise(**NOTHING)
        return {
            "profile": self.child_profile,
            "child_state": self.child_spawner.get_state(),
            server_tokens.KEY: self.token_number,
            "promise": {"memory": promise.memory, "cpus": promise.cpus},
        }

    def clear_state(self) -> None:
        """Forget the server that was, and what it was promised, but not why it ended."""
        super().clear_state()
        self._chosen = None
        self.desk.ledger.release(self.key)
        self.stages.begin()
