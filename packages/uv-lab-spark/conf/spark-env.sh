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
# Where the platform offers executors as pods, they reach a driver at this server's address, by ports that
# the chart's policies know, and prove by a secret of their session that they are its own; so do local
# sessions, since the first one decides for a whole program. The gateway knows a server by its token.
if [ -n "${JHUB_SPARK_EXECUTORS:-}" ]; then
    for option in \
        no.proxy=spark-gateway \
        spark.driver.host="$(hostname -i | cut -d' ' -f1)" \
        spark.driver.port=7070 spark.driver.blockManager.port=7074 spark.port.maxRetries=3 \
        spark.blockManager.port=7078 \
        spark.authenticate=true spark.network.crypto.enabled=true \
        spark.dynamicAllocation.maxExecutors="$JHUB_SPARK_EXECUTORS" \
        spark.executor.cores="$JHUB_SPARK_EXECUTOR_CPUS" \
        spark.executor.memory=$(($(numfmt --from=iec "$JHUB_SPARK_EXECUTOR_MEMORY") >> 21))m; do
        # What a person said comes first: of two, the last one holds.
        SPARK_SUBMIT_OPTS="-D$option ${SPARK_SUBMIT_OPTS:-}"
    done
    unset option
    KUBERNETES_AUTH_TOKEN=$JUPYTERHUB_API_TOKEN KUBERNETES_AUTH_TRYKUBECONFIG=false
fi
