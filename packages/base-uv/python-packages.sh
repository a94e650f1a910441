#!/bin/sh
# Print the names of the packages that give Python 3.11 and a pip to fetch uv with.
# A Debian that no longer has Python 3.11 gets that one package set from bookworm, from the archive
# this root file system was made from. Its python3.11-venv stays out: it needs bookworm's python3.
set -eu
. /etc/os-release
echo python3.11 python3.11-dev python3-pip-whl
if [ "$VERSION_CODENAME" = bookworm ]; then
    echo python3.11-venv
    exit 0
fi
archive=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1)
echo "deb $archive bookworm main" >/etc/apt/sources.list.d/bookworm-for-python.list
cat >/etc/apt/preferences.d/bookworm-for-python <<PIN
Package: *
Pin: release n=bookworm
Pin-Priority: -1

Package: python3.11* libpython3.11*
Pin: release n=bookworm
Pin-Priority: 500
PIN
