# Read by each interactive bash: says once per terminal what the server may use, since `free` and `df`
# show the machine's.
if [ -z "${JHUB_GREETED:-}" ] && [ -t 1 ]; then
    export JHUB_GREETED=yes
    limits --brief
fi
