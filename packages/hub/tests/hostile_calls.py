"""Calls that a hub in the wrong hands could make, none of which the engine may ever get to see.

Used by the unit tests of the rules, by the real run against an engine, and for the table in
`docs/engine-filter.md`. Standard library only, since it is loaded in two environments.
"""

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

GIB = 2**30
LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
SUBNET = "{pool}.8.0/28"
AS_ROOT = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
HUB_PLACE, PROXY_PLACE, SERVER_PLACE = "{pool}.8.2", "{pool}.8.3", "{pool}.8.4"
"""The network of the server that hostile calls pretend to start, and places on it."""


@dataclass(frozen=True)
class World:
    """Names of what is there: made up in unit tests, real things in the real run."""

    platform: str = "jhub-docker"
    prefix: str = "jupyter"
    volume_prefix: str = "jupyterhub-user-"
    shared_prefix: str = "jupyterhub-shared-"
    network: str = "jupyterhub-net"
    image: str = "local/uv-lab:latest"
    profile: str = "uv-lab-small"
    other_image: str = "local/other:latest"
    other_container: str = "somebodys-database"
    other_volume: str = "jupyterhub-user-elsewhere"
    other_network: str = "somebodys-network"
    pool: str = "10.213"
    hub: str = "jhub-docker-hub-1"
    data_volume: str = "jupyterhub_data"
    nb_uid: int | None = None
    """Where it is set, servers start as root."""

    @property
    def name(self) -> str:
        """The container that hostile calls try to make."""
        return f"{self.prefix}-mallory"

    @property
    def server_network(self) -> str:
        """The network of that container's server."""
        return f"{self.network}-mallory"

    @property
    def new_network(self) -> str:
        """A network that hostile calls try to make."""
        return f"{self.network}-new"

    @property
    def home(self) -> str:
        """The home volume of that container's person."""
        return f"{self.volume_prefix}mallory"


@dataclass(frozen=True)
class Case:
    """One hostile call; `body` is JSON text, empty for none."""

    subject: str
    title: str
    method: str
    target: str
    body: str = ""


def labels(world: World) -> dict[str, str]:
    """The labels a server of this platform carries."""
    return {
        "io.jhub-docker.platform": world.platform,
        "io.jhub-docker.user": "mallory",
        "io.jhub-docker.server": "",
        "io.jhub-docker.profile": world.profile,
    }


def subnet(world: World) -> str:
    """The addresses of the network of that container's server."""
    return str(_filled(SUBNET, world))


def creation(world: World) -> dict[str, Any]:
    """A creation as the hub makes it: the harmless body that hostile ones differ from."""
    body = {
        "Image": world.image,
        "Cmd": None,
        "Env": ["JUPYTERHUB_API_TOKEN=0"],
        "User": None,
        "Labels": labels(world),
        "Healthcheck": {"Interval": 300 * 10**9},
        "ExposedPorts": {"8888/tcp": {}},
        "Volumes": {"/home/nebula": {}},
        "Tty": False,
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "Memory": GIB,
            "MemorySwap": GIB,
            "PidsLimit": 4096,
            "CpuPeriod": 100000,
            "CpuQuota": 100000,
            "CpuShares": 1024,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Binds": [f"{world.home}:/home/nebula:rw"],
            "Links": [],
            "Mounts": [],
            "LogConfig": LOG,
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
            "ShmSize": GIB // 2,
            "NetworkMode": world.server_network,
        },
        "NetworkingConfig": {
            "EndpointsConfig": {world.server_network: {"IPAMConfig": {"IPv4Address": SERVER_PLACE}}}
        },
    }
    filled: dict[str, Any] = _filled(body, world)
    if world.nb_uid:
        filled["User"] = "root"
        filled["Env"].append(f"NB_UID={world.nb_uid}")
        filled["HostConfig"]["CapAdd"] = AS_ROOT
    return filled


def network(world: World) -> dict[str, Any]:
    """A network's creation as the hub makes it."""
    body = {
        "Name": world.new_network,
        "Driver": "bridge",
        "Options": {"com.docker.network.bridge.name": bridge_name(world.platform)},
        "IPAM": {
            "Driver": "default",
            "Config": [
                {
                    "Subnet": "{pool}.9.0/28",
                    "Gateway": "{pool}.9.1",
                    "IPRange": "{pool}.9.8/29",
                    "AuxiliaryAddresses": None,
                }
            ],
        },
        "CheckDuplicate": None,
        "Labels": labels(world),
        "EnableIPv6": False,
    }
    filled: dict[str, Any] = _filled(body, world)
    return filled


def bridge_name(platform: str) -> str:
    """The bridge of that subnet: the platform's digits and the subnet's place in the pool."""
    return f"jh-{hashlib.sha256(platform.encode()).hexdigest()[:5]}-90"


def connection(world: World) -> dict[str, Any]:
    """An attachment of the hub as the hub makes it."""
    place = {"IPAMConfig": {"IPv4Address": HUB_PLACE}, "Aliases": ["hub"]}
    filled: dict[str, Any] = _filled({"Container": world.hub, "EndpointConfig": place}, world)
    return filled


HOST_CONFIG: list[tuple[str, dict[str, Any]]] = [
    ("privileged", {"Privileged": True}),
    ("privileged as a number", {"Privileged": 1}),
    ("privileged in lower case, as Go reads it too", {"privileged": True}),
    (
        "privileged with a long s, which Go folds to s",
        {"SecurityOpt": [], "\u017fecurityOpt": ["x"]},
    ),
    ("the host's network", {"NetworkMode": "host"}),
    ("another container's network", {"NetworkMode": "container:somebodys-database"}),
    ("the default bridge", {"NetworkMode": "bridge"}),
    ("the engine's default network", {"NetworkMode": "default"}),
    ("no network named", {"NetworkMode": ""}),
    ("a network namespace by path", {"NetworkMode": "ns:/proc/1/ns/net"}),
    ("the host's processes", {"PidMode": "host"}),
    ("another container's processes", {"PidMode": "container:somebodys-database"}),
    ("the host's IPC", {"IpcMode": "host"}),
    ("another container's IPC", {"IpcMode": "container:somebodys-database"}),
    ("IPC that others can join", {"IpcMode": "shareable"}),
    ("the host's UTS", {"UTSMode": "host"}),
    ("the host's user namespace", {"UsernsMode": "host"}),
    ("the host's cgroup namespace", {"CgroupnsMode": "host"}),
    ("a parent cgroup", {"CgroupParent": "/"}),
    ("a cgroup of another container", {"Cgroup": "container:somebodys-database"}),
    ("the host's root", {"Binds": ["/:/host:rw"]}),
    ("the host's root, read-only", {"Binds": ["/:/host:ro"]}),
    ("the engine's socket", {"Binds": ["/var/run/docker.sock:/var/run/docker.sock:rw"]}),
    (
        "the CA bundle's place from another file",
        {"Binds": ["/etc/shadow:/etc/jhub-docker/ca-bundle.crt:ro"]},
    ),
    ("a host folder by a relative path", {"Binds": ["../../etc:/etc-host:rw"]}),
    ("a bind without a mode", {"Binds": ["/etc:/etc-host"]}),
    ("a bind with propagation", {"Binds": ["/mnt:/mnt:rw,rshared"]}),
    ("a bind relabelled", {"Binds": ["/etc:/x:Z"]}),
    ("the hub's data volume", {"Binds": ["{data_volume}:/home/nebula:rw"]}),
    ("a volume of another platform", {"Binds": ["{other_volume}:/home/nebula:rw"]}),
    ("a home at another place", {"Binds": ["{home}:/opt/venv:rw"]}),
    ("two volumes at one place", {"Binds": ["{home}:/home/nebula:rw", "{home}2:/home/nebula:rw"]}),
    ("a shared folder as another", {"Binds": ["{shared_prefix}a:/srv/shared/b:rw"]}),
    ("a group's folder as another", {"Binds": ["{shared_prefix}a.1:/srv/shared/b:rw"]}),
    ("a shared folder in place of the home", {"Binds": ["{shared_prefix}a:/home/nebula:rw"]}),
    ("a shared folder with a path in it", {"Binds": ["{shared_prefix}../x:/srv/shared/x:rw"]}),
    ("a volume's name with a path in it", {"Binds": ["{home}/../x:/home/nebula:rw"]}),
    ("an anonymous volume", {"Binds": ["/home/nebula"]}),
    ("binds that are no list", {"Binds": {"/": "/host"}}),
    ("a bind mount by Mounts", {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]}),
    (
        "a volume with driver options by Mounts",
        {
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": "x",
                    "Target": "/x",
                    "VolumeOptions": {
                        "DriverConfig": {
                            "Name": "local",
                            "Options": {"type": "none", "o": "bind", "device": "/"},
                        }
                    },
                }
            ]
        },
    ),
    ("a tmpfs by Mounts", {"Mounts": [{"Type": "tmpfs", "Target": "/x"}]}),
    ("a named pipe by Mounts", {"Mounts": [{"Type": "npipe", "Source": "x", "Target": "/x"}]}),
    ("another container's volumes", {"VolumesFrom": ["somebodys-database"]}),
    ("another volume driver", {"VolumeDriver": "evil"}),
    (
        "a device",
        {
            "Devices": [
                {
                    "PathOnHost": "/dev/sda",
                    "PathInContainer": "/dev/sda",
                    "CgroupPermissions": "rwm",
                }
            ]
        },
    ),
    ("a rule for devices", {"DeviceCgroupRules": ["a *:* rwm"]}),
    ("all GPUs", {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]}),
    (
        "a CDI device",
        {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["vendor.com/device=all"]}]},
    ),
    (
        "a GPU as a server of a profile with one has it",
        {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]},
    ),
    ("all capabilities", {"CapAdd": ["ALL"]}),
    ("SYS_ADMIN", {"CapAdd": ["SYS_ADMIN"]}),
    ("CAP_SYS_PTRACE with its prefix", {"CapAdd": ["CAP_SYS_PTRACE"]}),
    ("sys_module in lower case", {"CapAdd": ["sys_module"]}),
    ("NET_RAW", {"CapAdd": ["NET_RAW"]}),
    ("NET_ADMIN", {"CapAdd": ["NET_ADMIN"]}),
    ("a capability for sudo without such a profile", {"CapAdd": ["AUDIT_WRITE"]}),
    ("capabilities that are no list", {"CapAdd": "ALL"}),
    ("default capabilities kept", {"CapDrop": []}),
    ("only some capabilities dropped", {"CapDrop": ["NET_RAW"]}),
    ("capabilities in the old field", {"Capabilities": ["ALL"]}),
    ("seccomp off", {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}),
    ("seccomp off, the old way", {"SecurityOpt": ["no-new-privileges", "seccomp:unconfined"]}),
    ("AppArmor off", {"SecurityOpt": ["no-new-privileges", "apparmor=unconfined"]}),
    ("SELinux off", {"SecurityOpt": ["no-new-privileges", "label=disable"]}),
    ("all of /proc visible", {"SecurityOpt": ["no-new-privileges", "systempaths=unconfined"]}),
    ("new privileges allowed", {"SecurityOpt": []}),
    ("new privileges allowed by a value", {"SecurityOpt": ["no-new-privileges:false"]}),
    ("other masked paths", {"MaskedPaths": ["/nowhere"]}),
    ("other read-only paths", {"ReadonlyPaths": ["/nowhere"]}),
    ("a kernel setting", {"Sysctls": {"kernel.core_pattern": "|/x"}}),
    ("another runtime", {"Runtime": "evil"}),
    ("another isolation", {"Isolation": "process"}),
    ("a port published", {"PortBindings": {"8888/tcp": [{"HostPort": "22"}]}}),
    ("all ports published", {"PublishAllPorts": True}),
    ("names resolved otherwise", {"ExtraHosts": ["hub:6.6.6.6"]}),
    ("another name server", {"Dns": ["6.6.6.6"]}),
    ("a link to another container", {"Links": ["somebodys-database:db"]}),
    ("more groups", {"GroupAdd": ["docker"]}),
    ("the OOM killer off", {"OomKillDisable": True}),
    ("never the OOM killer's choice", {"OomScoreAdj": -1000}),
    ("restarted for ever", {"RestartPolicy": {"Name": "always"}}),
    ("removed before anyone has seen why", {"AutoRemove": True}),
    ("memory without limit", {"Memory": 0}),
    ("memory as a text", {"Memory": "1g"}),
    ("swap without limit", {"MemorySwap": -1}),
    ("swap beyond memory", {"MemorySwap": 4 * GIB}),
    ("more memory than its profile has", {"Memory": 2 * GIB, "MemorySwap": 2 * GIB}),
    ("more CPUs than its profile has", {"CpuQuota": 400000}),
    ("CPUs without limit", {"CpuPeriod": 0, "CpuQuota": 0}),
    ("a larger share of the CPUs than its profile has", {"CpuShares": 262144}),
    ("processes without limit", {"PidsLimit": 0}),
    ("processes without limit, the other way", {"PidsLimit": -1}),
    ("more processes than the setting allows", {"PidsLimit": 4194304}),
    ("one process more than the setting says", {"PidsLimit": 4097}),
    ("less memory than its profile has", {"Memory": GIB // 2, "MemorySwap": GIB // 2}),
    ("a smaller share of the CPUs than its profile has", {"CpuShares": 2}),
    ("no share of the CPUs", {"CpuShares": 0}),
    ("the same CPUs by another period", {"CpuPeriod": 10000, "CpuQuota": 10000}),
    ("CPUs in the other way", {"NanoCpus": 4 * 10**9}),
    ("CPUs of its own", {"CpusetCpus": "0"}),
    ("memory kept for it", {"MemoryReservation": GIB}),
    ("memory of the kernel's", {"KernelMemory": -1}),
    ("all its memory swapped", {"MemorySwappiness": 100}),
    ("shared memory as large as the host's", {"ShmSize": 2**40}),
    ("more shared memory than half of its profile's", {"ShmSize": GIB}),
    ("the engine's 64 MB of shared memory", {"ShmSize": 0}),
    ("core dumps", {"Ulimits": []}),
    ("core dumps of any size", {"Ulimits": [{"Name": "core", "Soft": -1, "Hard": -1}]}),
    ("a larger log than the setting says", {"LogConfig": LOG | {"Config": {"max-size": "9g"}}}),
    (
        "more files of the log",
        {"LogConfig": LOG | {"Config": {"max-size": "10m", "max-file": "999"}}},
    ),
    ("a disk limit where there is none", {"StorageOpt": {"size": "1099511627776"}}),
    ("a folder in memory where it is on disk", {"Tmpfs": {"/run": "rw,exec,size=1099511627776"}}),
    ("another root file system than the setting's", {"ReadonlyRootfs": True}),
    ("capabilities of a start as root without one", {"CapAdd": ["CHOWN", "SETUID"]}),
    ("real-time scheduling", {"CpuRealtimeRuntime": 950000}),
    ("all of the disk's bandwidth", {"BlkioWeight": 1000}),
    (
        "a log driver that sends elsewhere",
        {"LogConfig": {"Type": "syslog", "Config": {"syslog-address": "tcp://6.6.6.6:1"}}},
    ),
    (
        "a log driver's option",
        {"LogConfig": {"Type": "json-file", "Config": {"env": "JUPYTERHUB_API_TOKEN"}}},
    ),
    ("a log without limit", {"LogConfig": {}}),
    ("a log without a size", {"LogConfig": {"Type": "json-file", "Config": {"max-file": "3"}}}),
    ("memory as files without limit", {"Tmpfs": {"/run": "rw,exec"}}),
    ("memory as files at another place", {"Tmpfs": {"/opt": "size=1000000"}}),
    ("another storage option", {"StorageOpt": {"overlay2.override_kernel_check": "1"}}),
    ("an unknown limit", {"Ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}]}),
    ("a container id written to the host", {"ContainerIDFile": "/etc/cron.d/x"}),
    ("annotations for the runtime", {"Annotations": {"run.oci.handler": "krun"}}),
    ("a field that does not exist yet", {"FutureField": {"root": True}}),
]
"""Hostile changes of the HostConfig."""

TOP_LEVEL: list[tuple[str, dict[str, Any]]] = [
    ("an image that is none of the platform's", {"Image": "{other_image}"}),
    ("an image by a path", {"Image": "../../containers/{hub}"}),
    ("no image", {"Image": ""}),
    ("an older build of the image by its tag", {"Image": "{image}-old"}),
    ("an image by a digest that no registry gave", {"Image": "local/uv-lab@sha256:" + "0" * 64}),
    ("a start as root that its profile does not need", {"User": "root"}),
    ("another entry point", {"Entrypoint": ["/bin/sh", "-c", "id"]}),
    ("a user by numbers", {"User": "0:0"}),
    ("a health check", {"Healthcheck": {"Test": ["CMD", "id"]}}),
    ("the image's health check all the time", {"Healthcheck": {"Interval": 1000000}}),
    ("a hardware address", {"MacAddress": "02:42:ac:11:00:02"}),
    ("a host name of the platform's own", {"Hostname": "hub"}),
    ("a domain", {"Domainname": "example.org"}),
    ("an anonymous volume", {"Volumes": {"/opt": {}}}),
    ("a volume with a value", {"Volumes": {"/home/nebula": {"Source": "/"}}}),
    ("a build trigger", {"OnBuild": ["RUN id"]}),
    ("GPUs by NVIDIA's variable", {"Env": ["NVIDIA_VISIBLE_DEVICES=all"]}),
    ("a variable that is no text", {"Env": [{"a": "b"}]}),
    ("a null byte in a variable", {"Env": ["a=b\0c"]}),
    ("no label of a person", {"Labels": {"io.jhub-docker.platform": "{platform}"}}),
    (
        "a label of another platform",
        {"Labels": {"io.jhub-docker.platform": "other", "io.jhub-docker.user": "x"}},
    ),
    ("no labels", {"Labels": {}}),
    (
        "another profile than the image's",
        {
            "Labels": {
                "io.jhub-docker.platform": "{platform}",
                "io.jhub-docker.user": "x",
                "io.jhub-docker.profile": "other-small",
            }
        },
    ),
    (
        "a device by its label",
        {
            "Labels": {
                "io.jhub-docker.platform": "{platform}",
                "io.jhub-docker.user": "x",
                "io.jhub-docker.profile": "{profile}",
                "io.jhub-docker.devices": "nvidia.com/gpu=0",
            }
        },
    ),
    (
        "Compose's label of the hub",
        {
            "Labels": {
                "io.jhub-docker.platform": "{platform}",
                "io.jhub-docker.user": "x",
                "com.docker.compose.service": "hub",
            }
        },
    ),
    (
        "a second network",
        {
            "NetworkingConfig": {
                "EndpointsConfig": {
                    "{server_network}": {"IPAMConfig": {"IPv4Address": SERVER_PLACE}},
                    "{platform}_control": {"Aliases": ["x"]},
                }
            }
        },
    ),
    (
        "a place that is not the server's",
        {
            "NetworkingConfig": {
                "EndpointsConfig": {
                    "{server_network}": {"IPAMConfig": {"IPv4Address": PROXY_PLACE}}
                }
            }
        },
    ),
    (
        "the hub's name on the network",
        {
            "NetworkingConfig": {
                "EndpointsConfig": {
                    "{server_network}": {
                        "IPAMConfig": {"IPv4Address": SERVER_PLACE},
                        "Aliases": ["hub"],
                    }
                }
            }
        },
    ),
    ("a HostConfig in lower case", {"hostconfig": {"Privileged": True}}),
    ("a HostConfig that is no object", {"HostConfig": "{}"}),
    ("a HostConfig in a list", {"HostConfig": [{"Privileged": True}]}),
    ("no HostConfig", {"HostConfig": None}),
]
"""Hostile changes of the rest of a creation."""

VARIABLES: list[tuple[str, Any]] = [
    ("a library before all others", "LD_PRELOAD=/home/nebula/evil.so"),
    ("a library before all others, in small letters", "ld_preload=/home/nebula/evil.so"),
    ("another place for libraries", "LD_LIBRARY_PATH=/home/nebula"),
    ("a library that watches the loader", "LD_AUDIT=/home/nebula/evil.so"),
    ("what the C library is tuned by", "GLIBC_TUNABLES=glibc.malloc.check=3"),
    ("modules that convert characters", "GCONV_PATH=/home/nebula"),
    ("another place for locales", "LOCPATH=/home/nebula"),
    ("files for a while elsewhere", "TMPDIR=/home/nebula"),
    ("another place for programs", "PATH=/home/nebula/bin:/usr/bin"),
    ("no place for programs", "PATH"),
    ("another home", "HOME=/home/nebula"),
    ("how a shell divides words", "IFS=/"),
    ("what a shell reads first", "ENV=/home/nebula/evil.sh"),
    ("what Bash reads first", "BASH_ENV=/home/nebula/evil.sh"),
    ("a function of Bash in place of a program", "BASH_FUNC_id%%=() { evil; }"),
    ("options of a shell", "SHELLOPTS=xtrace"),
    ("a prompt that runs something", "PS4=$(evil)"),
    ("modules of Python", "PYTHONPATH=/home/nebula"),
    ("another Python", "PYTHONHOME=/home/nebula"),
    ("what Python reads first", "PYTHONSTARTUP=/home/nebula/evil.py"),
    ("what Python takes for itself", "PYTHONUSERBASE=/home/nebula"),
    ("options of Perl", "PERL5OPT=-Mevil"),
    ("modules of Perl", "PERL5LIB=/home/nebula"),
    ("options of Ruby", "RUBYOPT=-revil"),
    ("options of Node", "NODE_OPTIONS=--require=/home/nebula/evil.js"),
    ("options of Java", "JAVA_TOOL_OPTIONS=-javaagent:/home/nebula/evil.jar"),
    ("a configuration of OpenSSL that loads a library", "OPENSSL_CONF=/home/nebula/evil.cnf"),
    ("a configuration of curl, which the health check runs", "CURL_HOME=/home/nebula"),
    ("a file that curl writes keys to", "SSLKEYLOGFILE=/etc/passwd"),
    ("configurations of all kinds", "XDG_CONFIG_HOME=/home/nebula"),
    ("a program in place of SSH", "GIT_SSH_COMMAND=evil"),
    ("modules of Jupyter", "JUPYTER_CONFIG_PATH=/home/nebula"),
    ("another single-user server", "JUPYTERHUB_SINGLEUSER_APP=evil.app"),
    ("a variable that JupyterHub does not set", "JUPYTERHUB_FUTURE=1"),
    ("a person who is root", "NB_UID=0"),
    ("another person than the setting's", "NB_UID=1999"),
    ("a group that is root's", "NB_GID=0"),
    ("sudo without such a profile", "GRANT_SUDO=yes"),
    ("an option of tini", "TINI_KILL_PROCESS_GROUP=1"),
    ("GPUs by a variable", "NVIDIA_VISIBLE_DEVICES=all"),
    ("a value without a name", "=evil"),
    ("a name with a line break", "A\nPATH=/home/nebula"),
    ("a name with a space", "LD_PRELOAD =x"),
    ("a name with a NUL", "A\0LD_PRELOAD=x"),
    ("a name in other letters that look the same", "P\u0410TH=/home/nebula"),
    ("a variable of the hub's twice", "JUPYTERHUB_API_TOKEN=1"),
    ("a variable that is a number", 1),
]
"""Hostile variables, each added to those of a creation."""

AS_ROOT_ONLY: list[tuple[str, dict[str, Any]]] = [
    ("root by numbers", {"User": "0:0"}),
    ("another account", {"User": "daemon"}),
    ("variables as an object", {"Env": {"PATH": "/home/nebula"}}),
]
"""Hostile changes of a creation whose container starts as root."""

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("a network on the host's own card", {"Driver": "macvlan", "Options": {"parent": "eth0"}}),
    ("a network without a driver", {"Driver": None}),
    ("a network under a foreign name", {"Name": "bridge"}),
    ("a network of another platform", {"Labels": {"io.jhub-docker.platform": "other"}}),
    ("a network with Compose's labels", {"Labels": {"com.docker.compose.network": "control"}}),
    ("a network taken from another", {"ConfigFrom": {"Network": "x"}, "ConfigOnly": True}),
    ("a network of the swarm", {"Scope": "swarm", "Attachable": True}),
    ("a network of the swarm's entrance", {"Ingress": True}),
    ("a network with IPv6", {"EnableIPv6": True}),
    ("a network's addresses by a plugin", {"IPAM": {"Driver": "evil", "Config": []}}),
    ("a network without addresses of ours", {"IPAM": {"Driver": "default", "Config": []}}),
    ("a network outside the pool", {"IPAM": {"Config": [{"Subnet": "192.168.0.0/28"}]}}),
    ("a network as large as the pool", {"IPAM": {"Config": [{"Subnet": "{pool}.0.0/16"}]}}),
    ("a network of the internet's addresses", {"IPAM": {"Config": [{"Subnet": "1.1.1.0/28"}]}}),
    (
        "a network with two subnets",
        {"IPAM": {"Config": [{"Subnet": "{pool}.9.0/28"}, {"Subnet": "{pool}.9.16/28"}]}},
    ),
    (
        "a network with another gateway",
        {
            "IPAM": {
                "Config": [
                    {"Subnet": "{pool}.9.0/28", "Gateway": "{pool}.9.9", "IPRange": "{pool}.9.8/29"}
                ]
            }
        },
    ),
    ("a network whose subnet is no text", {"IPAM": {"Config": [{"Subnet": 1}]}}),
    ("a network on the host's bridge", {"Options": {"com.docker.network.bridge.name": "docker0"}}),
    ("a network without a bridge's name", {"Options": {}}),
    (
        "a network with the host's addresses shown",
        {
            "Options": {
                "com.docker.network.bridge.name": "{bridge}",
                "com.docker.network.bridge.gateway_mode_ipv4": "routed",
            }
        },
    ),
]
"""Hostile changes of a network's creation."""

CONNECTIONS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "somebody's container on a server's network",
        "{server_network}",
        {"Container": "{other_container}"},
    ),
    ("the hub on the host's network", "host", {}),
    ("the hub on somebody's network", "{other_network}", {}),
    (
        "the hub under the proxy's name",
        "{server_network}",
        {"EndpointConfig": {"IPAMConfig": {"IPv4Address": HUB_PLACE}, "Aliases": ["proxy"]}},
    ),
    (
        "the hub at the proxy's address",
        "{server_network}",
        {"EndpointConfig": {"IPAMConfig": {"IPv4Address": PROXY_PLACE}, "Aliases": ["hub"]}},
    ),
    ("the hub anywhere", "{server_network}", {"EndpointConfig": None}),
    (
        "the hub with a hardware address",
        "{server_network}",
        {"EndpointConfig": {"MacAddress": "02:42:ac:11:00:02"}},
    ),
    (
        "the hub with driver options",
        "{server_network}",
        {"EndpointConfig": {"DriverOpts": {"a": "b"}}},
    ),
]
"""Hostile attachments of hub or proxy."""

OTHER_CALLS: list[tuple[str, str, str, Any]] = [
    ("a command in a server", "POST", "/containers/{hub}/exec", {"Cmd": ["id"]}),
    ("a started command", "POST", "/exec/0123456789/start", {"Detach": False}),
    ("attached to a container", "POST", "/containers/{hub}/attach?stream=1&stdin=1", None),
    ("attached by websocket", "GET", "/containers/{hub}/attach/ws?stream=1", None),
    ("files out of the hub", "GET", "/containers/{hub}/archive?path=/srv/jupyterhub/secrets", None),
    ("files into the hub", "PUT", "/containers/{hub}/archive?path=/", None),
    ("a whole file system", "GET", "/containers/{other_container}/export", None),
    ("limits changed", "POST", "/containers/{other_container}/update", {"Memory": 1}),
    ("a container renamed", "POST", "/containers/{other_container}/rename?name={name}", None),
    ("a signal", "POST", "/containers/{other_container}/kill?signal=KILL", None),
    ("another's container stopped", "POST", "/containers/{other_container}/stop", None),
    ("another's container started", "POST", "/containers/{other_container}/start", None),
    ("another's container removed", "DELETE", "/containers/{other_container}?force=1", None),
    ("another's container looked at", "GET", "/containers/{other_container}/json", None),
    ("what another's takes", "GET", "/containers/{other_container}/stats?stream=0", None),
    ("what the hub's takes", "GET", "/containers/{hub}/stats?stream=0", None),
    ("another's log", "GET", "/containers/{other_container}/logs?stdout=1", None),
    ("the hub's own container removed", "DELETE", "/containers/{hub}?force=True", None),
    ("stopped containers removed", "POST", "/containers/prune", None),
    ("a HostConfig at start", "POST", "/containers/{other_container}/start", {"Privileged": True}),
    ("a server under a foreign name", "POST", "/containers/create?name=jhub-docker-hub-1", {}),
    ("a server without a name", "POST", "/containers/create", {}),
    ("a server with two names", "POST", "/containers/create?name={name}&name=x", {}),
    ("a server for another machine", "POST", "/containers/create?name={name}&platform=x", {}),
    (
        "a volume that is a folder of the host",
        "POST",
        "/volumes/create",
        {
            "Name": "{home}",
            "Driver": "local",
            "DriverOpts": {"type": "none", "o": "bind", "device": "/"},
        },
    ),
    ("a volume of another driver", "POST", "/volumes/create", {"Name": "{home}", "Driver": "nfs"}),
    ("a volume under another name", "POST", "/volumes/create", {"Name": "jupyterhub_data"}),
    (
        "a volume on a cluster",
        "POST",
        "/volumes/create",
        {"Name": "{home}", "ClusterVolumeSpec": {"Group": "x"}},
    ),
    (
        "a shared volume that is a folder of the host",
        "POST",
        "/volumes/create",
        {"Name": "{shared_prefix}a", "DriverOpts": {"o": "bind", "device": "/"}},
    ),
    (
        "a shared volume under another label",
        "POST",
        "/volumes/create",
        {
            "Name": "{shared_prefix}a",
            "Labels": {"io.jhub-docker.platform": "{platform}", "io.jhub-docker.folder": "b"},
        },
    ),
    ("a volume without labels", "POST", "/volumes/create", {"Name": "{home}"}),
    ("the hub's data removed", "DELETE", "/volumes/{data_volume}", None),
    ("another platform's volume removed", "DELETE", "/volumes/{other_volume}", None),
    ("the hub's data looked at", "GET", "/volumes/{data_volume}", None),
    ("unused volumes removed", "POST", "/volumes/prune", None),
    ("an image built", "POST", "/build?remote=https://example.org/x", None),
    ("an image loaded", "POST", "/images/load", None),
    ("an image imported", "POST", "/images/create?fromSrc=https://example.org/x", None),
    ("an image pulled", "POST", "/images/create?fromImage=docker.io/library/debian", None),
    ("an image tagged as ours", "POST", "/images/{other_image}/tag?repo=local/uv-lab", None),
    ("an image made from a container", "POST", "/commit?container={hub}", {}),
    ("an image removed", "DELETE", "/images/{image}", None),
    ("an image saved", "GET", "/images/{image}/get", None),
    ("an image of others looked at", "GET", "/images/{other_image}/json", None),
    ("the engine's swarm", "POST", "/swarm/init", {}),
    ("a service on the swarm", "POST", "/services/create", {"Name": "x"}),
    ("a secret of the swarm", "GET", "/secrets", None),
    ("a plugin", "POST", "/plugins/pull?remote=evil", None),
    ("a session to the builder", "POST", "/session", None),
    ("the engine's gRPC", "POST", "/grpc", None),
    ("credentials tried", "POST", "/auth", {"username": "x"}),
    ("the engine's use of the disk", "GET", "/system/df", None),
    ("a network of the engine removed", "DELETE", "/networks/bridge", None),
    ("somebody's network removed", "DELETE", "/networks/{other_network}", None),
    (
        "a container cut off",
        "POST",
        "/networks/{other_network}/disconnect",
        {"Container": "{other_container}", "Force": True},
    ),
    (
        "somebody's container cut off",
        "POST",
        "/networks/{server_network}/disconnect",
        {"Container": "{other_container}"},
    ),
    ("unused networks removed", "POST", "/networks/prune", None),
    (
        "a network on the host's own card",
        "POST",
        "/networks/create",
        {"Name": "{name}", "Driver": "macvlan", "Options": {"parent": "eth0"}},
    ),
    ("the root of the API", "GET", "/", None),
    ("a path with dots", "GET", "/containers/{name}/../../images/json", None),
    ("a path with escaped dots", "GET", "/v1.45/%2e%2e/containers/json", None),
    ("a path with an escaped slash", "DELETE", "/containers%2f{hub}", None),
    ("a path with two slashes", "GET", "//containers/json", None),
    ("a path escaped twice", "GET", "/containers/%252e%252e/json", None),
    ("a path with a backslash", "GET", "/containers\\json", None),
    ("a path with a semicolon", "GET", "/containers/json;x=y", None),
    ("a path in capitals", "GET", "/Containers/json", None),
    ("a path with a slash at its end", "DELETE", "/containers/{hub}/", None),
    ("a version before the supported ones", "GET", "/v1.12/containers/json", None),
    ("a version that is none", "GET", "/v1.45beta/containers/json", None),
    ("two versions", "GET", "/v1.45/v1.44/containers/json", None),
    ("a whole URL", "GET", "http://engine/containers/json", None),
    ("a query with an unknown name", "GET", "/containers/json?evil=1", None),
    ("a query with a semicolon", "GET", "/containers/json?all=1;filters=x", None),
    ("filters that are no object", "GET", "/containers/json?filters=[]", None),
    ("filters nested otherwise", "GET", '/containers/json?filters={{"label":{{"x":true}}}}', None),
    ("a body where none belongs", "GET", "/containers/json", {"a": "b"}),
    ("the engine's events of others", "GET", "/events", None),
]
"""Hostile calls of other kinds; a creation's body is the harmless one."""

BODIES: list[tuple[str, str]] = [
    ("a body that is no JSON", "{"),
    ("a body that is a list", '[{"Image": "x"}]'),
    ("a name twice", '{"Image": "a", "Image": "b"}'),
    ("HostConfig twice", '{"HostConfig": {}, "HostConfig": {"Privileged": true}}'),
    ("not a number", '{"HostConfig": {"Memory": NaN}}'),
    ("two documents", '{"Image": "a"} {"HostConfig": {"Privileged": true}}'),
    ("a body nested too deep", '{"a":' * 50 + "1" + "}" * 50),
    ("a body nested without end", '{"a":' * 5000 + "1" + "}" * 5000),
    ("a byte order mark", '\ufeff{"Image": "a"}'),
]
"""Bodies of a creation that can be read in more than one way, or not at all."""


LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Sent behind each raw request: the filter has hung up by then, or answers this and hangs up."""

RAW: dict[str, bytes] = {
    "both lengths": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /images/json HTTP/1.1\r\n\r\n",
    "two lengths": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
    b"Content-Length: 30\r\n\r\nGET /secrets HTTP/1.1\r\n\r\n",
    "an unknown coding": b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding twice": b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: +4\r\n\r\n{}{}",
    "a space before the colon": b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length : 2\r\n\r\n{}",
    "a header that goes on": b"GET /events HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "another protocol": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    b"Upgrade: tcp\r\n\r\n",
    "HTTP/2": b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "a tunnel": b"CONNECT engine:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"BREW /version HTTP/1.1\r\nHost: x\r\n\r\n",
    "another method by a header": b"POST /images/json HTTP/1.1\r\nHost: x\r\n"
    b"X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n",
    "a body too large": b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 1100000\r\n\r\n" + b" " * 1100000,
    "a form": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=x",
    "no HTTP": b"\x00\x01\x02\x03\r\n\r\n",
}
"""Requests that are not plain HTTP, or carry a second one with them."""


def cases(world: World) -> Iterator[Case]:
    """All hostile calls."""
    create = f"/v1.45/containers/create?name={world.name}"
    for title, change in HOST_CONFIG:
        body = creation(world)
        body["HostConfig"] |= _filled(change, world)
        yield Case("HostConfig", title, "POST", create, json.dumps(body))
    for title, change in TOP_LEVEL:
        if world.nb_uid and change == {"User": "root"}:
            continue
        body = creation(world) | _filled(change, world)
        yield Case("Creation", title, "POST", create, json.dumps(body))
    subject = "Variables of a start as root" if world.nb_uid else "Variables"
    for title, variable in VARIABLES:
        body = creation(world)
        others = "JUPYTERHUB_" if str(variable).startswith("NB_UID") else ""
        kept = [one for one in body["Env"] if one.startswith(others)]
        yield Case(subject, title, "POST", create, _text(body | {"Env": [*kept, variable]}))
    for title, change in AS_ROOT_ONLY if world.nb_uid else []:
        body = creation(world) | change
        yield Case("Start as root", title, "POST", create, json.dumps(body))
    for title, raw in BODIES:
        yield Case("Body", title, "POST", create, raw)
    for title, change in NETWORKS:
        body = network(world) | _filled(change, world)
        yield Case("Network", title, "POST", "/v1.45/networks/create", json.dumps(body))
    for title, name, change in CONNECTIONS:
        target = _target(f"/v1.45/networks/{name}/connect", world)
        body = connection(world) | _filled(change, world)
        yield Case("Attachment", title, "POST", target, json.dumps(body))
    for title, method, target, given in OTHER_CALLS:
        content = _filled(given, world)
        if target.startswith("/containers/create"):
            content = creation(world)
        yield Case("Call", title, method, _target(target, world), _text(content))


def _text(content: Any) -> str:
    return "" if content is None else json.dumps(content)


def _target(pattern: str, world: World) -> str:
    path, _, query = pattern.format(**_names(world)).partition("?")
    return path + ("?" if query else "") + quote(query, safe="=&;:/._-{}")


def _filled(value: Any, world: World) -> Any:
    """`value` with names of the world in place of {names}."""
    if isinstance(value, dict):
        return {_filled(key, world): _filled(inner, world) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, world) for inner in value]
    if isinstance(value, str):
        for name, real in _names(world).items():
            value = value.replace("{" + name + "}", real)
    return copy.deepcopy(value)


def _names(world: World) -> dict[str, str]:
    return {
        **{name: value for name, value in vars(world).items() if isinstance(value, str)},
        "name": world.name,
        "home": world.home,
        "server_network": world.server_network,
        "bridge": bridge_name(world.platform),
    }
