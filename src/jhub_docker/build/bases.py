"""The public base images, or the stand-ins built where their registries are out of reach.

A package with a `public` table stands for a base: where the public image can be had it is pulled
and pinned by its digest, elsewhere the package's own Dockerfile builds a stand-in.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jhub_docker.build import images
from jhub_docker.build.plan import Base, BuiltImage
from jhub_docker.catalog import LANES, ROOT_FILE_SYSTEM, Catalog, ImageSpec
from jhub_docker.engine import cli_environment, quick
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import rootfs
from jhub_docker.progress import say, stage

if TYPE_CHECKING:
    from docker import DockerClient

Mode = Literal["auto", "pull", "standin"]
MODES: tuple[Mode, ...] = ("auto", "pull", "standin")


def lane(environment: Mapping[str, str] = os.environ) -> str:
    """The Debian release to build on: the variable JHUB_DOCKER_LANE, or the default one."""
    value = environment.get("JHUB_DOCKER_LANE") or LANES[0]
    if value not in LANES:
        raise UsageError(f"JHUB_DOCKER_LANE is {value!r}; expected one of {', '.join(LANES)}")
    return value


def mode(value: str | None) -> Mode:
    """Check the value of `--base`."""
    for known in MODES:
        if (value or "auto") == known:
            return known
    raise UsageError(f"--base is {value!r}; expected one of {', '.join(MODES)}")


def public_reference(
    spec: ImageSpec, lane: str, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The public image a package stands for; JHUB_DOCKER_<PACKAGE> overrides the declared one."""
    variable = "JHUB_DOCKER_" + spec.name.upper().replace("-", "_")
    return environment.get(variable) or spec.public.get(lane)


@dataclass(frozen=True)
class Here:
    """What the engine has: this project's images, and each public base by its reference."""

    images: tuple[BuiltImage, ...]
    public: Mapping[str, Base | None]


def look(catalog: Catalog, wanted: Iterable[ImageSpec], lane: str) -> Here:
    """Ask the engine, everything at once, what it has of `wanted` and the bases of them."""
    needed = catalog.closure([spec.name for spec in wanted])
    references = [name for spec in needed if (name := public_reference(spec, lane))]
    with ThreadPoolExecutor() as asked:
        ours = asked.submit(images.here)
        public = list(asked.map(_inspect, references))
    return Here(ours.result(), dict(zip(references, public, strict=True)))


def resolve(
    client: "DockerClient",
    catalog: Catalog,
    wanted: Iterable[ImageSpec],
    mode: Mode,
    lane: str,
    *,
    act: bool = True,
    here: Here | None = None,
    platform: str = "",
) -> dict[str, Base]:
    """Decide for each base that `wanted` stands on: the public image, or nothing (a stand-in).

    Returns the pulled bases by package name, and the root file system under `debian` when some
    stand-in has to be built. Raises ActionError when `mode` is pull and a base cannot be had.
    With `act` false nothing is pulled or made: what is not here yet is taken as a stand-in, or
    with the mode `pull` as a public image of unknown digest. `here` is what `look` found just now.

    It is decided for the engine's own platform. Another `platform` follows it, with the same public
    image or the same recipe, or else one image would have several build ids.
    """
    wanted = tuple(wanted)
    here = here or look(catalog, wanted, lane)
    names = [spec.name for spec in wanted]
    pulled: dict[str, Base] = {}
    for spec in catalog.specs.values():
        reference = public_reference(spec, lane)
        if reference and spec in catalog.closure(names, given=pulled):
            base = _public(client, spec, reference, mode, here, act=act)
            if base is not None:
                pulled[spec.name] = base
    if platform and act:
        pulled = {n: _for_platform(client, n, base, platform) for n, base in pulled.items()}
    if any(spec.base == ROOT_FILE_SYSTEM for spec in _built(catalog, names, pulled)):
        made = root_file_system(lane, platform)
        if act and not any(made.reference in image.tags for image in here.images):
            rootfs.ensure(lane, platform)
        pulled[ROOT_FILE_SYSTEM] = made
    return pulled


def root_file_system(lane: str, platform: str = "") -> Base:
    """What a stand-in starts from: one recipe, and so one digest, for all platforms."""
    reference = rootfs.reference(lane, platform)
    return Base(reference, f"sha256:{rootfs.recipe_key(lane)}", standin=True)


def _built(catalog: Catalog, names: list[str], pulled: Mapping[str, Base]) -> list[ImageSpec]:
    return [s for s in catalog.closure(names, given=pulled) if s.name not in pulled]


def _public(
    client: "DockerClient",
    spec: ImageSpec,
    reference: str,
    mode: Mode,
    here: Here,
    *,
    act: bool,
) -> Base | None:
    if mode == "standin":
        return None
    if found := here.public.get(reference):
        return found
    if not act:
        return Base(reference, "unknown until it is pulled") if mode == "pull" else None
    if mode == "auto" and any(image.package == spec.name for image in here.images):
        return None  # Built here before since the registry did not answer; do not ask every time.
    from docker.errors import DockerException  # noqa: PLC0415 - see engine.quick

    try:
        with stage(f"pulling {reference}"):
            client.images.pull(reference)
    except DockerException as error:
        explanation = getattr(error, "explanation", None) or error
        if mode == "pull":
            raise ActionError(
                f"{spec.name}: {reference} cannot be pulled ({explanation}); check the network, "
                "or use --base standin to build a stand-in from distribution packages"
            ) from None
        say(f"    {reference} cannot be pulled ({explanation}); a stand-in takes its place")
        return None
    return _inspect(reference)


def reference_for(name: str, base: Base, platform: str) -> str:
    """The reference of the same public image for another platform, by its own digest.

    Raises ActionError where its registry cannot be asked or has none for the platform.
    """
    if base.local:
        raise ActionError(f"{name}: {base.reference} is in this engine only, for its own platform")
    repository = base.reference.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    index = f"{repository}@{base.digest}" if base.digest.startswith("sha256:") else base.reference
    found = manifest_for(_raw(name, index), platform)
    if found is None:
        raise ActionError(f"{name}: {base.reference} ({base.digest}) has no {platform}")
    return f"{repository}@{found}"


def _for_platform(client: "DockerClient", name: str, base: Base, platform: str) -> Base:
    """The same public image for another platform, pulled by its digest.

    By its tag it would take the tag from the image for the engine's own platform.
    """
    reference = reference_for(name, base, platform)
    if quick.image(reference) is None:
        from docker.errors import DockerException  # noqa: PLC0415 - see engine.quick

        try:
            with stage(f"pulling {reference} ({platform})"):
                client.images.pull(reference, platform=platform)
        except DockerException as error:
            explanation = getattr(error, "explanation", None) or error
            raise ActionError(f"{name}: {reference} cannot be pulled ({explanation})") from None
    return Base(reference, base.digest)


def manifest_for(index: Mapping[str, Any], platform: str) -> str | None:
    """The digest of a platform's image in an index; None where it has none.

    Variants do not count: what an index calls `arm64/v8` is every arm64.
    """
    for entry in index.get("manifests", ()):
        found = entry.get("platform") or {}
        if f"{found.get('os')}/{found.get('architecture')}" == platform:
            return str(entry["digest"])
    return None


def _raw(name: str, reference: str) -> Mapping[str, Any]:
    """A public image's index, read by buildx as the builder itself would."""
    result = subprocess.run(
        ["docker", "buildx", "imagetools", "inspect", "--raw", reference],
        capture_output=True,
        text=True,
        check=False,
        env=cli_environment(),
    )
    if result.returncode:
        raise ActionError(
            f"{name}: {reference} cannot be asked for its platforms ({result.stderr.strip()})"
        )
    value: Mapping[str, Any] = json.loads(result.stdout)
    return value


def _inspect(reference: str) -> Base | None:
    image = quick.image(reference)
    if image is None:
        return None
    digests = image.get("RepoDigests") or []
    digest = digests[0].rpartition("@")[2] if digests else str(image["Id"])
    return Base(reference, digest, local=not digests)
