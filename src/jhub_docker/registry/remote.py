"""Registries: images pushed, named and pulled, by the program oras (oras.land).

Everything is asked for by digest where there is one; a tag is written last. Registries have no way
to write a tag only if it is not there, so two releases of one image at the same time are not
guarded against here. oras repeats requests without a body on 429 and 5xx by itself, for a few
seconds; what is done here is to go on after uploads that failed, connections that were cut, and
longer troubles. It takes credentials from Docker's configuration; none are in its arguments.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_chain, wait_fixed

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host import programs
from jhub_docker.oci.layout import INDEX, MANIFEST, Descriptor, Layout, digest_of, write_marks
from jhub_docker.progress import say, stage
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access
from jhub_docker.registry.faults import MissingError, PassingError
from jhub_docker.registry.reference import Reference

PAUSES = (1.0, 3.0, 10.0, 30.0)
"""Seconds before each further try after a passing fault."""

REQUEST = 120.0
"""Seconds that a call which moves next to nothing may take; oras's own tries take up to 20."""

TRANSFER = 6 * 3600.0
"""Seconds that the blobs of an image may take, in one direction."""

T = TypeVar("T")


class Remote:
    """All registries, reached as `access` says. Raises ActionError for what they refuse."""

    def __init__(self, access: Access | None = None, pauses: tuple[float, ...] = PAUSES) -> None:
        """Without `access` the environment says it; raises UsageError as that does.

        `pauses` are the seconds before each further try after a fault that passes.
        """
        self.access = access or Access.from_environment()
        self._pauses = pauses

    def resolve(self, reference: Reference) -> Descriptor | None:
        """What the reference stands for in the registry; None where it has no such thing."""
        try:
            return self.manifest(reference)[0]
        except MissingError:
            return None

    def manifest(self, reference: Reference) -> tuple[Descriptor, dict[str, Any]]:
        """A manifest or index, its bytes checked against its digest. Raises MissingError."""
        data = self._oras(reference, "reading", "manifest", "fetch", reference.address)
        digest = digest_of(data)
        if reference.digest and digest != reference.digest:
            raise ActionError(f"{reference}: the registry sent {digest} instead")
        value = json.loads(data)
        media_type = value.get("mediaType", INDEX if "manifests" in value else MANIFEST)
        return Descriptor(media_type, digest, len(data)), value

    def platforms(self, image: Reference) -> list[Descriptor]:
        """The images that an index in the registry stands for; none for a single image."""
        return [Descriptor.from_json(e) for e in self.manifest(image)[1].get("manifests", ())]

    def push(self, layout: Layout, descriptor: Descriptor, repository: Reference) -> Reference:
        """Copy all that the descriptor reaches to the repository; returns it by digest.

        Blobs that are there are not sent again, so a push that was cut goes on with the rest.
        """
        target = repository.at(descriptor.digest)
        # oras finds only what the index reaches, and takes any other digest for a plain blob.
        write_marks(layout.folder, [descriptor])
        source = f"{layout.folder}@{descriptor.digest}"
        self._copy("pushing", target, "to-", "--from-oci-layout", source, target.name)
        return target

    def pull(self, reference: Reference, layout: Layout) -> Descriptor:
        """Copy all that the reference reaches into the layout; returns what it is.

        oras checks what it fetches; blobs that are there are not fetched again.
        """
        descriptor, _ = self.manifest(reference)
        source = reference.at(descriptor.digest)
        target = str(layout.folder)
        self._copy("pulling", source, "from-", "--to-oci-layout", source.address, target)
        return descriptor

    def tag(self, reference: Reference, name: str) -> None:
        """Let the tag refer to what is in the repository by digest, whatever it was before."""
        if not reference.digest:
            raise ActionError(f"{reference} cannot be tagged: only a digest is sure to stay")
        self._oras(reference, f"tagging as {name}", "tag", reference.address, name)

    def tags(self, repository: Reference) -> list[str]:
        """All tags of the repository, sorted; none where it is not there yet."""
        try:
            text = self._oras(repository, "listing tags beside", "repo", "tags", repository.name)
        except MissingError:
            return []
        return sorted(text.decode().split())

    def _copy(self, what: str, image: Reference, side: str, *ends: str) -> None:
        command = ("cp", "--no-tty", "--verbose", "--concurrency", "3", *ends)
        with stage(f"{what} {image}"):
            self._oras(image, what, *command, side=side, seconds=TRANSFER)

    def _oras(
        self, image: Reference, what: str, *words: str, side: str = "", seconds: float = 0
    ) -> bytes:
        """Run oras until it succeeds or a fault does not pass; returns its standard output.

        `what` is what is done to the image, to begin a message with; `side` is `from-` or `to-` in
        `oras cp`. Raises MissingError and ActionError.
        """
        flags: list[str] = []
        if self.access.is_plain(image.registry):
            flags = [f"--{side}plain-http"]
        elif bundle := self.access.bundle():
            flags = [f"--{side}ca-file", str(bundle)]
        command = [str(programs.program("oras")), *words, *flags]

        def attempt() -> bytes:
            ended = process.run(*command, seconds=seconds or REQUEST, on_line=_moved)
            if ended.code == 0:
                return ended.raw
            # oras 1.2 breaks down when two transfers fail in two ways at once (oras-go 2.5,
            # `syncutil.Go`); what was wrong is not in its message then.
            if re.search("^panic: ", ended.err, re.MULTILINE) and "3" in command:
                say("    oras crashed over two faults at once; again with one blob at a time")
                command[command.index("3")] = "1"
                return attempt()
            raise faults.error(f"{what} {image}", image.registry, ended.err)

        return again(self._pauses, attempt)


def _moved(line: str) -> None:
    """Show a line of `oras cp --verbose` about a blob that was really sent or fetched."""
    if re.match("Copied +[0-9a-f]{12} ", line):
        say(f"    {line}")


def again(pauses: Sequence[float], attempt: Callable[[], T]) -> T:
    """Do it, and after a PassingError again after each of the pauses, in seconds."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        say(f"    {error}; again in {state.upcoming_sleep:g} s")

    retrying = Retrying(
        retry=retry_if_exception_type(PassingError),
        stop=stop_after_attempt(len(pauses) + 1),
        wait=wait_chain(*map(wait_fixed, pauses or (0,))),
        before_sleep=tell,
        reraise=True,
    )
    return retrying(attempt)
