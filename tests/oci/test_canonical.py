"""A layer's canonical form: the same for the same files, and with all that engines heed."""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.oci import canonical

PACKAGES = Path(__file__).parents[2] / "packages"
Member = tuple[tarfile.TarInfo, bytes]


def _member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object
) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def _archive(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    file.seek(0)
    return file


def _canonical(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    return b"".join(canonical.pieces(_archive(members, form)))


def _read(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()


def _files() -> Sequence[Member]:
    return (
        _member("etc", kind=tarfile.DIRTYPE, mode=0o755),
        _member("etc/a", b"A" * 1000),
        _member("etc/a-b", b"B"),
        _member("etc/ä" + "x" * 120, b"long"),
        _member("etc/link", kind=tarfile.SYMTYPE, linkname="y" * 150),
        _member("etc/.wh.gone"),
        _member("etc/.wh..wh..opq"),
        _member("dev/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
    )


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_order_headers_names_and_late_times_do_not_count(form: int) -> None:
    shuffled = list(reversed(_files()))
    for number, (member, _) in enumerate(shuffled):
        member.mtime = canonical.LATEST + number
        member.uname = member.gname = "somebody"
        member.name = f"./{member.name}"
    members = list(_files())
    for member, _ in members:
        member.mtime = canonical.LATEST
    assert _canonical(shuffled, form) == _canonical(members)


def test_every_python_writes_the_same_bytes() -> None:
    """What is released has this form: another one gives other digests."""
    digest = hashlib.sha256(_canonical(_files())).hexdigest()
    assert digest == "fca2aa7cee0f82c7709ed73d427b473af582f9e7632934639e90b3ffde57b107"


def test_a_time_before_the_latest_stays() -> None:
    (early,) = _read(_canonical([_member("a", mtime=1234)]))
    assert early.mtime == 1234


def test_every_kind_of_entry_is_read_back_as_it_was() -> None:
    found = {m.name: m for m in _read(_canonical(_files()))}
    assert set(found) == {member.name for member, _ in _files()}
    for member, data in _files():
        read = found[member.name]
        assert (read.type, read.size, read.linkname) == (member.type, len(data), member.linkname)
    assert (found["dev/null"].devmajor, found["dev/null"].devminor) == (1, 3)


def test_contents_stay() -> None:
    with tarfile.open(fileobj=io.BytesIO(_canonical(_files()))) as tar:
        file = tar.extractfile("etc/a")
        assert file
        assert file.read() == b"A" * 1000


def test_folders_come_before_what_is_in_them() -> None:
    names = [m.name for m in _read(_canonical(reversed(_files())))]
    assert names.index("etc") < names.index("etc/a") < names.index("etc/a-b")


def test_modes_and_large_owners_stay() -> None:
    (member,) = _read(_canonical([_member("sudo", mode=0o4755, uid=3_000_000, gid=12)]))
    assert (member.mode, member.uid, member.gid) == (0o4755, 3_000_000, 12)


def test_capabilities_stay_to_the_byte_and_other_records_do_not() -> None:
    capability = b"\x01\x00\x00\x02\x00\x04\x00\x00\xff\x80\n=".decode("utf-8", "surrogateescape")
    records = {"SCHILY.xattr.security.capability": capability, "ctime": "5.5", "comment": "x"}
    (member,) = _read(_canonical([_member("ping", b"x", pax_headers=records)]))
    assert member.pax_headers["SCHILY.xattr.security.capability"] == capability
    assert not {"ctime", "comment"} & set(member.pax_headers)


@pytest.mark.parametrize("file", ["b", "a"], ids=["file after its link's place", "file first"])
def test_hard_links_say_the_same_whichever_of_them_is_the_file(file: str) -> None:
    link = "a" if file == "b" else "b"
    members = [
        _member(file, b"data", mode=0o600),
        _member(link, kind=tarfile.LNKTYPE, linkname=f"./{file}", mode=0o777),
    ]
    first, second = _read(_canonical(members))
    assert (first.name, first.type, first.mode) == ("a", tarfile.REGTYPE, 0o600)
    assert (second.name, second.type, second.mode) == ("b", tarfile.LNKTYPE, 0o600)
    assert second.linkname == "a"


def test_a_link_to_a_file_of_a_lower_layer_stays() -> None:
    (member,) = _read(_canonical([_member("a", kind=tarfile.LNKTYPE, linkname="below")]))
    assert (member.type, member.linkname) == (tarfile.LNKTYPE, "below")


def test_a_pax_record_counts_its_own_digits() -> None:
    for length in range(90, 1100):
        (member,) = _read(_canonical([_member("x" * length)]))
        assert len(member.name) == length


def test_what_is_no_archive_or_ends_early_is_refused() -> None:
    with pytest.raises(ActionError, match="no readable tar"):
        list(canonical.pieces(io.BytesIO(b"x" * 2048)))
    whole = _archive([_member("a", b"x" * 5000)]).getvalue()
    with pytest.raises(ActionError, match=r"readable|ends in the middle"):
        list(canonical.pieces(io.BytesIO(whole[:2048])))


@pytest.mark.parametrize(
    "dockerfile", sorted(PACKAGES.glob("*/Dockerfile")), ids=lambda path: path.parent.name
)
def test_dates_in_dockerfiles_are_the_latest_that_files_get(dockerfile: Path) -> None:
    """So that what a build writes by its own clock and what it is told agree."""
    epochs = re.findall(r"SOURCE_DATE_EPOCH=(\d+)", dockerfile.read_text(encoding="utf-8"))
    assert set(epochs) <= {str(canonical.LATEST)}


def test_some_dockerfile_has_such_a_date() -> None:
    assert "SOURCE_DATE_EPOCH" in (PACKAGES / "singleuser-base/Dockerfile").read_text()
