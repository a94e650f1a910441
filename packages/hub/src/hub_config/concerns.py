"""One function per concern of the hub's configuration. Each only sets traits, none reads any."""

from importlib.resources import files
from pathlib import Path

from jupyterhub._data import DATA_FILES_PATH
from traitlets.config import Config

from hub_config import disk, names, shares, tracing
from hub_config.apis import PROXY_API
from hub_config.beside import limits_of, services
from hub_config.branding import brand_of
from hub_config.first_start import Places, read_all, read_secret
from hub_config.lifetimes.times import RoutesProxy, ServerTimes
from hub_config.login import providers
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.reconcile.pages import PURGE_SCOPE, RECONCILE_SCOPE
from hub_config.rotation import cookie_keys
from hub_config.routes import routes_of, sizes_of
from hub_config.runtime.plan import HUB_PORT
from hub_config.settings import Settings
from hub_config.settings.declaration import listed
from hub_config.spawning.profile_spawner import PlatformSpawner
from hub_config.spawning.service_spawner import UserServiceSpawner
from hub_config.texts import Texts
from hub_config.tracking import spaces
from hub_config.watch.requests import told

HUB_FOR_SERVERS = f"http://hub:{HUB_PORT}"
"""The hub's API as a pod finds it; a container knows its address (container_spawner.py)."""

HUB_FOR_PROXY = f"http://hub-internal:{HUB_PORT}"
"""The hub on the network that only hub and proxy are attached to. A server's network would do as
well, but goes away with its server, and all connections to the hub that happened to use it."""

OWN_FOR_PROXY = f"http://{names.SERVICE}-own:{HUB_PORT}"
"""Of several hubs this one, on the same network."""


def apply(c: Config, settings: Settings, places: Places) -> None:
    """Set everything."""
    plain(c, settings)
    networking(c, settings)
    proxy(c, places)
    state(c, settings, places)
    authentication(c, settings, places)
    spawning(c, settings)
    sharing(c, settings, places)
    admission(c, settings, places)
    servers(c)
    services(c, settings, places)
    lifetimes(c, settings, places)
    pages(c, settings, places)


def plain(c: Config, settings: Settings) -> None:
    """Each setting that says which trait it sets as it is, and what the filter enforces as one."""
    for one in listed(type(settings)):
        value = getattr(settings, one.name)
        # An empty one leaves the trait to its own default, which JupyterHub may compute.
        if one.trait and value not in ("", None):
            section, _, name = one.trait.partition(".")
            c[section][name] = value
    c.UserServerSpawner.enforced = settings.enforced
    c.JupyterHub.logging_config = tracing.logging_config(settings.log_format, settings.log_level)


def networking(c: Config, settings: Settings) -> None:
    """Where the hub listens and under which name servers and proxy find it."""
    c.JupyterHub.bind_url = f"http://:8000{settings.base_url}"
    c.JupyterHub.hub_bind_url = f"http://0.0.0.0:{HUB_PORT}"
    own = settings.failover and settings.runtime == "docker"
    c.JupyterHub.hub_connect_url = OWN_FOR_PROXY if own else HUB_FOR_PROXY
    c.Spawner.hub_connect_url = HUB_FOR_SERVERS


def proxy(c: Config, places: Places) -> None:
    """The proxy is a container of its own, so connections survive whatever happens to the hub."""
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = PROXY_API
    c.ConfigurableHTTPProxy.auth_token = read_secret(places.proxy_token)
    # How often the hub compares routes by itself; a new proxy's are the keeper's business.
    c.JupyterHub.last_activity_interval = 30
    c.JupyterHub.cleanup_proxy = False


def state(c: Config, settings: Settings, places: Places) -> None:
    """Database and secrets, in the data volume."""
    c.JupyterHub.db_url = places.database
    # A database of an older JupyterHub is copied beside itself, then brought up to date.
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret_file = str(places.cookie_secret)
    c.CryptKeeper.keys = [bytes.fromhex(one) for one in read_all(places.crypt_key)]
    # A hub that stops or is replaced leaves everybody's server running.
    c.JupyterHub.cleanup_servers = False
    if settings.failover:  # people do not wait for a start that an older hub left half done
        c.JupyterHub.init_spawners_timeout = 1


def authentication(c: Config, settings: Settings, places: Places) -> None:
    """Who may log in: people with an account here, or those another service knows."""
    # How soon a person whose account was disabled loses access at the latest, in seconds.
    c.Authenticator.auth_refresh_age = 60
    c.Authenticator.auth_refresh_strict = True
    if settings.authenticator == "native":
        accounts(c, settings, places)
    else:
        providers.configure(c, settings)


def accounts(c: Config, settings: Settings, places: Places) -> None:
    """Accounts of the platform's own."""
    c.JupyterHub.authenticator_class = ApprovalAuthenticator
    # Whoever authenticates is approved: ApprovalAuthenticator turns everybody else away itself.
    c.Authenticator.allow_all = True
    c.Authenticator.admin_users = {settings.admin_user}
    c.ApprovalAuthenticator.operator = settings
    c.ApprovalAuthenticator.one_time_password_file = str(places.admin_password)
    c.NativeAuthenticator.enable_signup = settings.signup != "closed"


def spawning(c: Config, settings: Settings) -> None:
    """How a person's server becomes a container."""
    c.JupyterHub.spawner_class = PlatformSpawner
    c.PlatformSpawner.operator = settings
    if settings.runtime == "kubernetes":
        # By name: the client of Kubernetes is large, and a hub on Docker never imports it.
        c.PlatformSpawner.child_class = "hub_config.spawning.pod_spawner.UserPodSpawner"
    elif settings.runtime == "swarm":
        c.PlatformSpawner.child_class = UserServiceSpawner
    # JupyterHub's deadline for everything; each part has one of its own that says more.
    parts = settings.pull_timeout + settings.queue_timeout + settings.start_timeout
    c.PlatformSpawner.start_timeout = parts
    # How soon a server that ended by itself is noticed, in seconds; one list tells of everybody's.
    c.Spawner.poll_interval = 10
    # start() returns when the server answers, so this only has to cover one more request.
    c.Spawner.http_timeout = 30


def sharing(c: Config, settings: Settings, places: Places) -> None:
    """What members of a group, and all people, have in common in their containers."""
    c.UserServerSpawner.group_secrets = str(places.group_secrets)
    c.UserServerSpawner.operator = settings


def admission(c: Config, settings: Settings, places: Places) -> None:
    """Who may have which server, and when the machine has room for one more."""
    # The data volume is on the engine's file system, as all named volumes are.
    c.PlatformSpawner.disk = str(places.data)


def servers(c: Config) -> None:
    """What JupyterHub limits by itself, and what is ours to limit."""
    # JupyterHub would turn away who comes when too many start; here they wait for their turn.
    c.JupyterHub.concurrent_spawn_limit = 0
    # The limit of running servers is `admission`'s, which says what is free.
    c.JupyterHub.active_server_limit = 0
    # Somebody who comes back finds the choice of profile, not a server they did not ask for.
    c.JupyterHub.implicit_spawn_seconds = 0


def lifetimes(c: Config, settings: Settings, places: Places) -> None:
    """How long servers and homes of deleted people are kept; what is done about unknown ones."""
    c.JupyterHub.proxy_class = RoutesProxy
    c.JupyterHub.custom_scopes = {
        PURGE_SCOPE: {"description": "Remove homes whose time is over"},
        RECONCILE_SCOPE: {"description": "Have what runs compared with the database"},
        spaces.SPACES_SCOPE: {"description": "Hear which spaces of MLflow somebody has"},
    }
    c.JupyterHub.extra_handlers = routes_of(c, settings, places)


def pages(c: Config, settings: Settings, places: Places) -> None:
    """What people see and what is logged."""
    package = files("hub_config")
    c.JupyterHub.jinja_environment_options = {"extensions": [Texts]}
    c.JupyterHub.template_paths = [str(package / "templates")]
    # JupyterHub serves one folder; links in it lead to our files (Dockerfile), and Tornado follows
    # links only where it is told to (tornado.web.StaticFileHandler, allowed_symlink_directory).
    folders = [str(Path(DATA_FILES_PATH) / "static"), str(package / "static"), str(places.branding)]
    https = (settings.public_url or settings.subdomain_host).startswith("https:")
    c.JupyterHub.tornado_settings = {
        "static_handler_args": {"allowed_symlink_directory": folders},
        # JupyterHub sees to its log-in's cookies by itself, and not to that of forms (_xsrf).
        "cookie_options": {"secure": True} if https else {},
        "log_function": told,
        **cookie_keys(read_all(places.cookie_secret)),
    }
    c.JupyterHub.template_vars = {
        "platform": settings.platform,
        "publishing": settings.publishing,
        "sharing": shares.shown(settings.sharing),
        "brand": brand_of(settings),
        # JupyterHub calls what can be called with the user, and puts the result into the page.
        "profile_name": lambda user: user.spawner.profile_title if user else str,
        "images_left_out": PlatformSpawner.images_left_out,
        "server_times": ServerTimes(limits_of(settings)),
        "disk_full": disk.Notice(places.data),
        "home_size": sizes_of(settings, places),
        "scheduled_runs": settings.scheduled_runs > 0,
        "published_apps": settings.published_apps > 0 and settings.publish_to != "nobody",
        "job_servers": names.JOBS,
        "tracking": spaces.is_on() and f"{settings.base_url}services/{spaces.MLFLOW}/",
        "request_id": lambda _user: tracing.current_id(),
    }
