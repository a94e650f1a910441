#!/bin/sh
# keep-compiled.sh FOLDER: starts code-server once as nebula, opens its page, and ends it as a
# container's end does, which is when Node writes what it compiled into FOLDER.
set -eu

folder=$1
install -d -o nebula -g users "$folder" /tmp/home
export HOME=/tmp/home
start() {
    setpriv --reuid nebula --regid users --clear-groups -- \
        code-server --auth none --socket /tmp/home/socket /tmp/home >>/tmp/home/log 2>&1 &
    server=$!
}
open_page() {
    curl --silent --fail --location --unix-socket /tmp/home/socket --output /dev/null \
        http://localhost/
}
start
for _ in $(seq 600); do
    if open_page; then opened=yes; break; fi
    # It gives its inner process ten seconds, which are too few on a busy machine.
    kill -0 "$server" 2>/dev/null || start
    sleep 0.2
done
kill "$server" || : # one that ended by itself said why, below
# Its inner process writes too, and ends last.
timeout 60 sh -c 'while pgrep -u nebula >/dev/null; do sleep 0.2; done'
if [ -z "${opened:-}" ] || [ -z "$(find "$folder" -type f)" ]; then
    cat /tmp/home/log
    echo "keep-compiled: code-server's page did not come, or Node kept nothing" >&2
    exit 1
fi
chown -R root:root "$folder"
chmod -R u=rwX,go=rX "$folder"
