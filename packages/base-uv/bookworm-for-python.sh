#!/bin/sh
# Give a Debian that no longer ships Python 3.11 that one package set from bookworm.
# The archive's address is the one this root file system was made from.
set -eu
. /etc/os-release
[ "$VERSION_CODENAME" = bookworm ] && exit 0
archive=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1)
echo "deb $archive bookworm main" >/etc/apt/sources.list.d/bookworm-for-python.list
cat >/etc/apt/preferences.d/bookworm-for-python <<PIN
Package: *
Pin: release n=bookworm
Pin-Priority: -1

Package: python3.11* libpython3.11* python3 python3-minimal libpython3-stdlib python3-distutils python3-lib2to3
Pin: release n=bookworm
Pin-Priority: 500
PIN
