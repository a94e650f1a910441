"""What Dask's gateway loads. What an operator decides comes as arguments, by the chart."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821  the program provides it
c.DaskGateway.backend_class = "jhub_gateways.dask.PodBackend"
c.DaskGateway.authenticator_class = "jhub_gateways.login.ServerAuthenticator"
# The proxy that comes with it is what others reach.
c.DaskGateway.address = "127.0.0.1:8001"
c.Proxy.address = ":8000"
c.Proxy.tcp_address = ":8786"
# Whoever is disabled, or whose server ended, has no access at the next request.
c.Authenticator.cache_max_age = 0
# An image may have to be fetched, and a node be made. Who finds no room waits, and fails nobody.
c.PodBackend.cluster_start_timeout = c.PodBackend.worker_start_timeout = 600
c.PodBackend.cluster_status_period = c.PodBackend.worker_status_period = 5
# A scheduler may be busy; one whose pod is gone does not count anyway.
c.PodBackend.cluster_heartbeat_timeout = 120
c.PodClusterConfig.scheduler_cmd = ["dask", "scheduler"]
c.PodClusterConfig.worker_cmd = ["dask", "worker"]
