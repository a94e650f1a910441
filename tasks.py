"""What can be done with the platform: `./dev invoke --list`.

Daily tasks are at the top, the rest is sorted by what it is about. Tasks act on the Docker Engine;
what only verifies is in noxfile.py.
"""

import gc

from invoke.collection import Collection

from jhub_docker.cli import (
    audit,
    audit_log,
    backup,
    engine,
    images,
    k8s,
    performance,
    platform,
    release,
)
from jhub_docker.cli import secrets as kept
from jhub_docker.cli.program import take_over

namespace = Collection(
    images.build,
    images.images,
    images.test,
    images.lock,
    images.bases,
    audit.audit,
    platform.up,
    platform.upgrade,
    platform.down,
    platform.status,
    platform.usage,
    platform.doctor,
    platform.clean,
    platform.report,
    platform.logs,
    backup.restore,
    performance.bench,
    Collection(
        "backup",
        backup.backup,
        backup.list_,
        backup.verify,
        backup.drill,
        backup.key,
        backup.settings,
    ),
    Collection("audit-log", audit_log.show, audit_log.verify),
    Collection("db", platform.move),
    Collection("secrets", kept.set_, kept.rotate),
    Collection(
        "release",
        release.release,
        release.status,
        release.key,
        release.verify,
        release.rebuild,
        release.yank,
    ),
    Collection.from_module(engine, name="engine"),
    Collection("config", platform.check),
    Collection("k8s", k8s.values, k8s.check, k8s.move),
)

take_over()

# What is imported stays to the end. Without this Python would look through all of it again, at its
# exit too, which is a tenth of the time of a task with nothing to do.
gc.freeze()
