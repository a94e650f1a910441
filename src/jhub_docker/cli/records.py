"""Who signs releases, and whether an image in a registry is what its records say.

Modules that only this needs are imported in the tasks' bodies: every other task would wait for
them.
"""

import json

from invoke.context import Context

from jhub_docker.cli.task import ROOT, task, write


@task(
    positional=["reference"],
    help={
        "reference": "The image, as REGISTRY/REPOSITORY:TAG or with @sha256:… in place of the tag.",
        "key": "The public key to trust (default: cosign.pub of this checkout).",
        "identity": "Trust a keyless signature of this identity instead, with --issuer.",
        "issuer": "The identity's OpenID Connect issuer.",
        "json_": "Write the report as JSON.",
    },
)
def verify(
    context: Context,
    reference: str,
    key: str = "",
    identity: str = "",
    issuer: str = "",
    json_: bool = False,
) -> None:
    """Check an image in a registry against its signed records: signatures, contents, labels."""
    # Only releases and what looks at them need these.
    from jhub_docker.catalog import ledger  # noqa: PLC0415
    from jhub_docker.registry.access import Access  # noqa: PLC0415
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415
    from jhub_docker.release.record.verify import verify as verify_image  # noqa: PLC0415

    image = Reference.parse_image(reference)
    trust = keys.trusted(ROOT, key=key, identity=identity, issuer=issuer)
    folder = ROOT / ".dev"
    folder.mkdir(exist_ok=True)
    report = verify_image(
        Remote(Access.from_environment()),
        image,
        trust,
        ledgers=lambda package: ledger.read(ROOT / "packages" / package),
        folder=folder,
    )
    write(json.dumps(report.to_json(), indent=2) if json_ else "\n".join(report.lines()))
    report.require()


@task()
def key(context: Context) -> None:
    """Make the key pair that signs releases: the private one outside git, cosign.pub here."""
    from jhub_docker.registry.access import Access  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415
    from jhub_docker.release.record.cosign import Cosign  # noqa: PLC0415

    private, public = keys.make_pair(ROOT, Cosign(Access()).make_key_pair)
    write(f"private key: {private}\npublic key:  {public}  (commit it)")
