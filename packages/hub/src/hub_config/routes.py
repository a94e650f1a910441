"""All pages and resources that the hub has beside JupyterHub's, and what they stand on."""

from datetime import timedelta
from typing import Any

from traitlets.config import Config

from hub_config.beside import limits_of
from hub_config.first_start import Places
from hub_config.jobs.app_pages import apps_routes
from hub_config.jobs.publisher import Publisher
from hub_config.jobs.run_pages import runs_routes
from hub_config.jobs.runner import Runner
from hub_config.lifetimes import times
from hub_config.lifetimes.sizes import Sizes
from hub_config.login import outside
from hub_config.login.door import Addresses
from hub_config.monitoring.pages import Sources
from hub_config.monitoring.pages import routes as metrics_routes
from hub_config.monitoring.slow import Slow
from hub_config.monitoring.watch import Watch
from hub_config.now.looking import Looker
from hub_config.now.pages import now_routes
from hub_config.offer.room import DISK_GB
from hub_config.published.pages import published_routes
from hub_config.reconcile.desk import Desk
from hub_config.reconcile.pages import homes_routes
from hub_config.reconcile.reconciler import Reconciler
from hub_config.runtime.meter import Meter
from hub_config.settings import Settings
from hub_config.shares import SharingHandler
from hub_config.spawning.profile_spawner import PlatformSpawner, engine_of
from hub_config.tracking.spaces import SpacesHandler, remove_due
from hub_config.watch.pages import routes as audit_routes

PROXY_METRICS = "http://proxy-api:8002/metrics"
"""The proxy's own metrics, on the network that only hub and proxy are attached to."""


def routes_of(c: Config, settings: Settings, places: Places) -> list[tuple[Any, ...]]:
    """Each with its handler and what that is given.

    JupyterHub would rather have services, which would need rights on all servers for the same.
    """
    limits, keep = limits_of(settings), timedelta(days=settings.keep_homes_days)
    runtime = engine_of(c)
    reconciler = Reconciler(runtime, places.report, places.mark)
    sizes = sizes_of(settings, places)
    meter = Meter(runtime)
    looker = Looker(
        reconciler, lambda: PlatformSpawner(config=c).counter, limits, places.data, sizes, meter
    )
    addresses = Addresses(settings)
    watch = Watch(meter)
    sources = Sources(
        lambda: PlatformSpawner(config=c).counter,
        watch,
        Slow(settings.subdomain_host or settings.public_url),
        sizes,
        places.data,
        places.backup_status,
        PROXY_METRICS,
    )
    runner = Runner(settings)
    publisher = Publisher(settings.published_apps, settings.publish_to)
    jobs = (one.look for one in (runner, publisher) if one.is_on)
    return [
        *metrics_routes(sources),
        *times.routes(limits),
        *homes_routes(
            keep=keep,
            reconciler=reconciler,
            sizes=sizes,
            desk=Desk(places.desk),
            others=remove_due,
            also=(watch.look, *jobs),
        ),
        *now_routes(looker),
        *runs_routes(runner),
        *apps_routes(publisher),
        *outside.routes(addresses, places),
        *audit_routes(places.audit),
        (r"/sharing", SharingHandler),
        *published_routes(places.published, open_to_all=settings.publishing),
        (r"/api/spaces", SpacesHandler),
    ]


def sizes_of(settings: Settings, places: Places) -> Sizes:
    """How large homes are, and how large one should be at most."""
    return Sizes(places.sizes, int(settings.home_limit_gb * DISK_GB))
