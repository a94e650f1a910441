"""Archives made in memory: what is put into a container, layers of little images."""

import io
import tarfile
from collections.abc import Mapping

Files = Mapping[str, bytes | str]
"""Contents by path; a text is the target of a symbolic link."""


def archive(files: Files, *, owner: int = 0, mode: int = 0o644) -> bytes:
    """The files as a tar archive, the same bytes every time."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.uid = member.gid = owner
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size, member.mode = len(content), mode
                tar.addfile(member, io.BytesIO(content))
    return data.getvalue()
