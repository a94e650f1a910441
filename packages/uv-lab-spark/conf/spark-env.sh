# Read at each start of Spark, which exports what is set here; what a person said comes first.
# All of Spark runs in the one Java program of the driver, whose heap is half of the server's memory:
# the rest is for Java itself, Python's workers, kernels and JupyterLab. No limit: Spark's own 1 GB.
if [ -z "${SPARK_DRIVER_MEMORY:-}" ]; then
    for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        bytes=$(cat "$limit" 2>/dev/null) || continue
        # Version 1 says "no limit" with a number near the largest there is.
        if [ "$bytes" != max ] && [ "$bytes" -lt $((1 << 60)) ]; then
            SPARK_DRIVER_MEMORY=$((bytes >> 21))m
        fi
        break
    done
    unset limit bytes
fi
# Nobody but this server's own proxy asks for Spark's pages; other servers could not, either.
: "${SPARK_LOCAL_IP:=127.0.0.1}"
# What does not fit is written here. Where /tmp is memory, it has to be the home.
if [ -z "${SPARK_LOCAL_DIRS:-}" ] && [ "$(stat -f -c %T /tmp)" = tmpfs ]; then
    SPARK_LOCAL_DIRS=$HOME/.cache/spark
fi
