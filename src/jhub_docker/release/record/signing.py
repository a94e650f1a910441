"""Attach, attest and sign what is in a registry.

In this order, so that whoever finds a signature finds all that it vouches for.
"""

import tempfile
from pathlib import Path

from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import File, Remote
from jhub_docker.release.record.bom import encode
from jhub_docker.release.record.cosign import Cosign
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import Records


def sign(
    remote: Remote, image: Reference, records: Records, key: Key, *, cosign: Cosign | None = None
) -> None:
    """Attach the records to the image and its manifests, attest them, and sign; the image last.

    `image` is by digest and pushed. Running it again changes nothing that counts: the same
    documents have the same digests, attestations replace their like, signatures are added once.
    """
    cosign = cosign or Cosign(remote.access)
    # The image itself is the first subject, and its signature is the last thing written.
    with stage(f"attaching and signing the records of {image}"):
        for digest, documents in reversed(list(records.documents.items())):
            subject = image.at(digest)
            for kind, document in documents.items():
                data = encode(document)
                remote.attach(subject, kind.media_type, [File(kind.file, kind.media_type, data)])
                with tempfile.TemporaryDirectory() as folder:
                    predicate = Path(folder) / kind.file
                    predicate.write_bytes(data)
                    cosign.attest(subject, kind.cosign, predicate, key)
            cosign.sign(subject, key)
