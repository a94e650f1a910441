"""What can be done with the platform: `./dev invoke --list`.

Tasks act on the Docker Engine; what only verifies is in noxfile.py.
"""

import gc
import sys

from invoke.collection import Collection

from jhub_docker.cli import (
    audit,
    config,
    engine,
    images,
    performance,
    platform,
    records,
    registry,
    release,
    releases,
)
from jhub_docker.cli.task import help_where_asked

namespace = Collection(
    images.build,
    images.images,
    images.bases,
    images.lock,
    images.test,
    platform.up,
    platform.down,
    platform.status,
    platform.logs,
    audit.audit,
    performance.bench,
    records.verify,
    releases.rebuild,
    releases.diff,
    Collection.from_module(config, name="config"),
    Collection.from_module(engine, name="engine"),
    Collection("registry", registry.prune),
    Collection("release", release.release, release.status, releases.yank, records.key),
)

help_where_asked(namespace, sys.argv)

# What is imported stays to the end. Without this Python would look through all of it again, at its
# exit too, which is a tenth of the time of a task with nothing to do.
gc.freeze()
