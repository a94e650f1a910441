"""What the spawner offers a person: profiles, judged for them, as a form.

What happens with the choice is in `profile_spawner`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from docker.errors import DockerException
from traitlets import Dict, Instance, Int, Unicode
from wrapspawner import ProfilesSpawner

from hub_config.groups import UserLimits
from hub_config.spawning.admission.desk import Desk
from hub_config.spawning.admission.ledger import Key
from hub_config.spawning.admission.room import Policy
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.images.compatibility import OnOffer
from hub_config.spawning.images.store import ImagePolicy, ImageStore
from hub_config.spawning.offer.cards import Offer
from hub_config.spawning.offer.choice import (
    NOTHING_GOES_WITH_THIS_HUB,
    NOTHING_TO_OFFER,
    form_options,
)
from hub_config.spawning.offer.form import render
from hub_config.spawning.refusal import Refusal

FROM_A_LINK = "A link may suggest a profile, but it starts nothing: press the button to start it."
ENGINE_AWAY = (
    "The hub cannot reach the Docker Engine at the moment, so it cannot tell what there is to "
    "start. Servers that run go on. Try again in a minute; if this stays, tell an administrator."
)


@contextmanager
def asking() -> Iterator[None]:
    """Turns an engine that does not answer, as while it restarts, into a Refusal 503."""
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise Refusal(ENGINE_AWAY, reason="engine-away", status_code=503) from error


class OfferingSpawner(ProfilesSpawner):
    """Knows what there is, who asks, and what is free."""

    default_profile = Unicode(help="Profile chosen when the form opens").tag(config=True)
    group_rules = Dict(help="Rules of groups, by name").tag(config=True)
    user_limits = Instance(UserLimits, (), help="Limits of a person").tag(config=True)
    policy = Instance(Policy, (), help="When a server is admitted").tag(config=True)
    image_policy = Instance(ImagePolicy, (), help="Which images there are").tag(config=True)
    disk = Unicode(".", help="A folder where the engine stores").tag(config=True)
    at_a_time = Int(0, help="Servers that start at the same time").tag(config=True)

    # JupyterHub looks whether this is empty to know that there is a form.
    options_form = Unicode("profile")
    _images: ImageStore | None = None
    _desk: Desk | None = None
    _suggested = ""

    @property
    def desk(self) -> Desk:
        """Where servers are admitted; one for the whole hub."""
        cls = OfferingSpawner
        if cls._desk is None:
            cls._desk = Desk(
                self.policy, self.group_rules, self.user_limits, Path(self.disk), self.at_a_time
            )
        return cls._desk

    @property
    def images(self) -> ImageStore:
        """What can be offered, and how it gets here; one for the whole hub."""
        cls = OfferingSpawner
        if cls._images is None:
            cls._images = ImageStore(self.image_policy)
        return cls._images

    @property
    def engine(self) -> UserContainerSpawner:
        """For questions to the engine that concern no container."""
        return UserContainerSpawner(config=self.config)

    @property
    def key(self) -> Key:
        """What this server is called at the desk."""
        return self.user.id, self.name

    @property
    def groups(self) -> frozenset[str]:
        """Names of the groups this server's owner is in."""
        return frozenset(group.name for group in self.user.groups)

    async def on_offer(self) -> OnOffer:
        """The profiles on offer right now, and those left out."""
        with asking():
            return await self.images.on_offer(self.engine)

    async def host_info(self) -> Mapping[str, Any]:
        """What the engine says of its machine."""
        with asking():
            info: Mapping[str, Any] = await self.engine.docker("info")
        return info

    async def offer(self) -> Offer:
        """What the owner of this server can choose from, and what is free."""
        used = self._used()
        preferred = self._suggested or (used[0] if used else self.default_profile)
        there = await self.on_offer()
        offer = await self.desk.offer(
            there.profiles, self.key, self.groups, self.host_info, used, preferred
        )
        nothing = NOTHING_GOES_WITH_THIS_HUB if there.left_out else NOTHING_TO_OFFER
        reasons = tuple(one.for_admin for one in there.left_out) if self.user.admin else ()
        return replace(offer, left_out=reasons, nothing=nothing)

    async def get_options_form(self) -> str:
        """The form a person chooses a profile with."""
        return render(await self.offer())

    def _used(self) -> list[str]:
        """The profiles of the owner's servers, the one used last first."""
        servers = sorted(
            self.user.orm_spawners.values(),
            key=lambda server: server.last_activity or datetime.min,
            reverse=True,
        )
        # Options are what somebody once sent; only those of a start that was admitted were judged.
        options = [server.user_options or {} for server in servers]
        return [one["profile"] for one in options if isinstance(one.get("profile"), str)]

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
        if cls._images is None or not getattr(user, "admin", False):
            return ()
        return tuple(one.for_admin for one in cls._images.last_offer.left_out)

    @classmethod
    def profile_title(cls, key: str) -> str:
        """What people know the profile `key` by; the key itself when it was not on offer yet."""
        return cls._images.title(key) if cls._images else key
