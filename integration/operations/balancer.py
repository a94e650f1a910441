"""HAProxy from Debian before two hubs: it asks for their health; people get to the well one."""

import io
import subprocess
import tarfile
from pathlib import Path

from docker.models.containers import Container

from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
CONFIG = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 5s
resolvers engine
  nameserver dns 127.0.0.11:53
  hold valid 1s
frontend people
  bind :8000
  http-response set-header X-Hub %s
  default_backend hubs
backend hubs
  option httpchk GET /hub/health
  default-server check inter 500ms fall 2 rise 1 init-addr none resolvers engine
"""
START = (
    "LD_LIBRARY_PATH=$(echo /lb/usr/lib/*-linux-gnu) exec /lb/usr/sbin/haproxy -f /lb/haproxy.cfg"
)


def before(engine: Engine, platform: Platform, hubs: dict[str, str], place: Path) -> Container:
    """HAProxy on the platform's network, before containers of these names; not started yet."""
    subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=place, check=True)
    for package in place.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, place / "lb"], check=True)
    servers = (f"  server {name} {container}:8081\n" for name, container in hubs.items())
    (place / "lb" / "haproxy.cfg").write_text(CONFIG + "".join(servers))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as packed:
        packed.add(place / "lb", "lb")
    made = engine.client.containers.create(
        f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}",
        ["-c", START],
        entrypoint=["sh"],
        name=engine.name("balancer"),
        labels=engine.labels,
        network=platform.environment["JHUB_NETWORK"],
        healthcheck={"test": ["NONE"]},
    )
    made.put_archive("/", archive.getvalue())
    return made
