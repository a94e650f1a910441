"""The settings of people's servers: their sizes and rights, when they start and end."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from hub_config.settings import values
from hub_config.settings.declaration import Declared, enforced, setting
from hub_config.settings.gpus import GpuDevices, GpuProfiles
from hub_config.settings.tables import PullPolicy

_NO_DEVICES = "services have no devices by request"
_NOWHERE = {
    "docker": {"shared_path": "shared folders are volumes"},
    "kubernetes": {
        "shared_path": "shared folders are claims",
        "sudo_profiles": "it cannot be had",
        "ca_bundle": "the chart's value caBundle takes its place",
        "gpu_devices": "it cannot be had",
    },
    "swarm": {
        "gpu_profiles": _NO_DEVICES,
        "gpu_devices": _NO_DEVICES,
        "disk_limit_gb": "services have no such limit",
        "read_only_root": "services have no memory to run programs from beside it",
    },
}
"""What cannot be had where servers run elsewhere, and why."""


class ServerSettings(Declared):
    """What holds for servers."""

    # Servers.
    image_tag: values.Tag = enforced("latest")
    """Tag of the single-user images that are offered."""
    default_profile: str = setting("")
    """Profile that is chosen when the form opens; empty: the first one."""
    allow_named_servers: bool = setting(True, trait="JupyterHub.allow_named_servers")
    """Whether a person may have several servers."""
    named_server_limit: values.Number = setting(3, trait="JupyterHub.named_server_limit_per_user")
    """Named servers each person may have; 0: no limit."""
    start_timeout: Annotated[int, Field(ge=10)] = setting(
        300, trait="UserServerSpawner.start_timeout"
    )
    """Seconds a server has from its turn until it answers."""
    max_memory_gb: values.Amount = enforced(16.0)
    """Memory (2³⁰ bytes) one server has at most, whatever its image says; 0: no limit."""
    max_cpus: values.Amount = enforced(16.0)
    """CPUs one server has and is guaranteed at most, whatever its image says; 0: no limit."""
    pids_limit: Annotated[int, Field(ge=100)] = enforced(4096)
    """Processes and threads one server may have."""
    log_size: values.LogSize = enforced("10m")
    """Size of each of the three files a server's log may have: 500k, 10m, 1g."""
    disk_limit_gb: values.Amount = enforced(0)
    """What a server may write beside the home (10⁹ bytes); 0: no limit."""
    read_only_root: bool = enforced(False)
    """Whether servers without sudo can write to home and memory only."""
    idle_timeout: values.Number = setting(3600)
    """Seconds without activity after which a server is stopped; 0: never."""
    warning_time: values.Number = setting(600)
    """Seconds before a server's end at which its person is told."""
    more_time_cap: values.Number = setting(28800)
    """Seconds an idle server may stay longer when its person asks; 0: none."""
    max_age: values.Number = setting(0)
    """Seconds after which a server is stopped even when busy; 0: never."""
    keep_homes_days: values.Number = setting(30)
    """Days the home of somebody who was deleted, or a group's folder, is kept; 0: not at all."""
    home_limit_gb: values.Amount = setting(0)
    """What a home should have at most (10⁹ bytes): its person and admins are warned; 0: none."""
    measure_homes_minutes: Annotated[int, Field(ge=1)] = setting(60)
    """Minutes between two measurements of homes by the Compose profile `homes`."""
    concurrent_spawn_limit: values.Number = setting(0)
    """Servers that start at the same time, others queue; 0: twice the CPUs."""
    queue_timeout: values.Seconds = setting(600)
    """Seconds a request waits for its turn."""
    active_server_limit: values.Number = setting(0)
    """Servers that may run at the same time; 0: no limit."""
    docker_threads: Annotated[int, Field(ge=1, le=128)] = setting(16)
    """Calls to the Docker Engine that may be under way at the same time."""
    nb_uid: Annotated[int, Field(ge=1000, le=2**31)] | None = enforced(None)
    """User id of the person inside the container; empty: the image's, 1000."""
    nb_gid: Annotated[int, Field(ge=100, le=2**31)] | None = enforced(None)
    """Group id of the person inside the container; empty: the image's, 100."""
    sudo_profiles: values.Keys = enforced(frozenset())
    """Profiles whose people may use sudo, separated by commas."""
    gpu_profiles: GpuProfiles = enforced(frozenset())
    """Profiles with GPUs, separated by commas: `uv-lab-large=1` has one to itself,
    `uv-lab-small=1*nvidia.com/mig-1g.10gb` one of that kind; without a number all of the host's
    NVIDIA GPUs, together with others."""
    gpu_devices: GpuDevices = enforced("")
    """Devices of the host that servers are given, each to one at a time, separated by commas:
    `nvidia.com/gpu=0`; `*` is any number, where the engine says what it has; `as` and a kind behind
    one makes it another than the name says; empty: none."""
    group_variables: values.Variables = enforced(frozenset())
    """Variables that groups may set in servers, separated by commas, `*` for any ending:
    `API_URL, TEAM_*`; empty: none. Names that decide which code runs are never permitted."""
    timezone: values.Zone = enforced("")
    """Time zone of servers, pages and scheduled runs, such as `Europe/Berlin`; empty: UTC."""
    locale: values.Locale = enforced("")
    """`LANG` in servers, such as `de_DE.UTF-8`, and the language of pages for browsers that name
    none of theirs; empty: `C.UTF-8` and English."""
    group_folders: bool = setting(True)
    """Whether each group has a folder that its members share, `~/shared/<group>`."""
    everybody_folder: Literal["off", "read-only", "read-write"] = setting("off")
    """What everybody may do in a folder that all share, `~/shared/everybody`; `off`: none."""
    shared_path: values.HostPath = enforced("")
    """Folder that every node of a swarm has at this path with the same files: in it are the shared
    folders that `config.toml` names, and `everybody`; empty: servers of a swarm have none."""
    sharing: values.Keys = setting(frozenset())
    """Groups whose members may let others into their own servers, separated by commas, `*`:
    everybody; empty: nobody."""
    publishing: bool = setting(True)
    """Whether people may publish notebooks for all who are signed in, on the page Published."""
    ca_bundle: values.HostPath = enforced("")
    """File on the Docker host with CA certificates all servers shall trust."""

    # Homes and shared folders on Kubernetes.
    storage_class: str = setting("", trait="UserPodSpawner.storage_class")
    """Storage class of homes on Kubernetes; empty: the cluster's default."""
    home_size: values.Size = setting("10Gi")
    """Size of a home on Kubernetes."""
    home_access: Literal["ReadWriteOnce", "ReadWriteMany"] = setting("ReadWriteOnce")
    """Whether a person's servers on Kubernetes share their home on one node or on any."""
    folder_class: str = setting("")
    """Storage class of shared folders on Kubernetes, whose disks many nodes mount at the same time;
    empty: that of homes."""
    folder_size: values.Size = setting("10Gi")
    """Size of a shared folder on Kubernetes."""

    # Scheduled runs and published applications.
    published_apps: values.Number = setting(3)
    """Applications each person may publish; 0: none, and no page for them."""
    publish_to: values.Audience = setting("oneself")
    """Who may open a published application at most: `nobody`, `oneself`, members of a `group`, all
    `people` who log in, the `public`. Its pages are its owner's code: where they have no domain of
    their own (`JHUB_SUBDOMAIN_HOST`), it can act as whoever opens it."""
    scheduled_runs: values.Number = setting(20)
    """Scheduled runs each person may have; 0: none, and no page for them."""
    run_time_limit: values.Number = setting(43200)
    """Seconds after which a scheduled run is stopped; 0: never."""
    mail_relay: values.Relay = setting("")
    """Where mails about failed runs go out: `smtp://user@mail.example.org:587`, or `smtps://`;
    empty: no mail."""
    mail_password: SecretStr | None = setting(None)
    """The relay's password; better as a file, which `secrets.set` keeps or
    `JHUB_MAIL_PASSWORD_FILE` names."""
    mail_from: str = setting("jupyterhub@localhost")
    """Whom such mails are from."""
    mail_domains: values.MailDomains = setting("")
    """Domains that such mails may go to, separated by commas, such as `example.org`; empty: that of
    `JHUB_MAIL_FROM`."""
    webhooks: values.Links = setting("")
    """What addresses begin with that such messages may be posted to, separated by commas, such as
    `https://hooks.example.org/`; empty: none."""

    # Images from a registry.
    pull_from: values.RepositoryPrefix = enforced("")
    """First part of images that may be pulled, such as registry.example/team/."""
    pull_policy: PullPolicy = setting("missing")
    """When a declared image is pulled: `never` (offered once it is here), `missing` or `always`."""
    pull_timeout: values.Seconds = setting(1800)
    """Seconds a start waits for its image."""

    # Admission: what has to be free before a server is started.
    memory_reserve_gb: values.Amount = setting(1.0)
    """Memory (2³⁰ bytes) that no server is promised: the machine's own."""
    memory_overcommit: Annotated[float, Field(gt=0, le=100)] = setting(1.0)
    """How many times the rest of the memory servers may be promised together."""
    cpu_overcommit: values.Amount = setting(0.0)
    """How many times the CPUs may be guaranteed together; 0: they are shared."""
    min_free_disk_gb: values.Amount = setting(2.0)
    """Disk (10⁹ bytes) that has to be free for a server to start."""
    user_server_limit: values.Number = setting(0)
    """Servers one person may run at the same time; 0: no limit."""
    user_memory_limit_gb: values.Amount = setting(0.0)
    """Memory (2³⁰ bytes) of one person's servers together; 0: no limit."""
    user_cpu_limit: values.Amount = setting(0.0)
    """CPUs guaranteed to one person's servers together; 0: no limit."""

    @field_validator(*sorted({name for some in _NOWHERE.values() for name in some}))
    @classmethod
    def _where_it_can_be_had(cls, wanted: Any, info: ValidationInfo) -> Any:
        runtime, name = str(info.data.get("runtime")), info.field_name or ""
        if wanted and (told := _NOWHERE.get(runtime, {}).get(name)):
            raise ValueError(f"nothing with JHUB_RUNTIME={runtime}, where {told}")
        return wanted
