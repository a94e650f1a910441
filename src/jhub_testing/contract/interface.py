"""The page that the image says people come to, and what is behind it."""

from jhub_testing import probes
from jhub_testing.subject import Subject


def interface_works(subject: Subject) -> None:
    """The declared page opens, and what is behind it does its work."""
    probes.page(subject.server.client, subject.probe)
    probes.works(subject.server.client, subject.probe)


CHECKS = (interface_works,)
