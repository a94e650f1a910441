"""Dask's clusters as pods beside the person's server. Who may have how many is decided here, all
else about them by dask-gateway's own backend, whose database is in memory: a gateway that starts
ends what the one before it left.
"""

from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from typing import Any

from dask_gateway_server.backends.base import ClusterConfig, PublicException
from dask_gateway_server.backends.db_base import Cluster, DBBackendBase, JobStatus, Worker
from dask_gateway_server.models import User
from dask_gateway_server.traitlets import Type
from kubernetes_asyncio.client import ApiException
from traitlets import Dict, Float, Integer, Unicode

from jhub_gateways import pods
from jhub_gateways.namespace import Namespace

COMPONENT = "dask"
"""What of the platform these pods are; the chart's policies go by it."""

COMM, DASHBOARD, API, NANNY = 8786, 8787, 8788, 8785
"""The only ports of such a pod, which the chart's policies know: what Dask speaks, with
certificates of its cluster; pages; the gateway's words to the scheduler; what watches a worker."""

CREDENTIALS = ("dask.crt", "dask.pem", "api-token")


class PodClusterConfig(ClusterConfig):
    """What one cluster is made with."""

    cpu_share = Float(0.1, help="What of a CPU each pod asks for; its limit is worker_cores").tag(
        config=True
    )
    template = Dict(help="What its pods have of the server's: `pods.like`")


class PodBackend(DBBackendBase):
    """Makes and ends the pods of clusters, in the namespace it runs in."""

    cluster_config_class = Type(PodClusterConfig, klass=ClusterConfig).tag(config=True)
    platform = Unicode("jhub-docker", help="The label on all of the platform").tag(config=True)
    namespace = Unicode(help="Where pods are; by itself its own").tag(config=True)
    clusters_per_person = Integer(1, help="As many may one have at a time").tag(config=True)

    # The pod's own address, which Kubernetes writes into arguments.
    default_host = f"$({pods.ADDRESS})"
    # Workers go with their scheduler.
    supports_bulk_shutdown = True

    async def do_setup(self) -> None:
        """Reach the API server, and end what is left of another gateway."""
        self.own = Namespace(self.platform, self.namespace)
        await self.own.reach()
        for name in await self.there():
            self.log.warning("Ending %s, which an earlier gateway made", name)
            await self.own.remove(name)

    async def do_cleanup(self) -> None:
        """Leave the API server."""
        if hasattr(self, "own"):
            await self.own.leave()

    # -- what there is ---------------------------------------------------------------------------

    async def there(self) -> dict[str, dict[str, Any]]:
        """Clusters' pods by their names."""
        return {one["metadata"]["name"]: one for one in await self.own.listed(COMPONENT)}

    # -- what is asked for -----------------------------------------------------------------------

    async def process_cluster_options(self, user: User, request: Any) -> tuple[Any, Any]:
        """Also which server it is for. Raises PublicException with words for the person."""
        server = pods.find(await self.own.listed("server"), user.name, user.server)
        if server is None:
            raise PublicException("The server that asks for a cluster is not running any more.")
        options, made = await super().process_cluster_options(user, request)
        made.template = pods.like(server)
        there = await self.there()
        # Nothing gives way to another request from here until the cluster is counted.
        for one in self.db.list_clusters(username=user.name):
            pod = there.get(scheduler_name(one.name), {})
            if one.status == JobStatus.RUNNING and not pods.runs(pod):
                await self.stop_cluster(one.name, failed=True)
        if len(self.db.list_clusters(username=user.name)) >= self.clusters_per_person:
            raise PublicException(
                "You have as many Dask clusters as one may have here "
                f"({self.clusters_per_person}): connect to one, or shut one down "
                "(Gateway().list_clusters())."
            )
        return options, made

    async def on_cluster_heartbeat(self, cluster_name: str, msg: dict[str, Any]) -> None:
        """Where a scheduler is, its pod says: what it says itself is its person's to write, and
        would lead whoever is sent there past the network policies.
        """
        cluster = self.db.get_cluster(cluster_name)
        if cluster is not None and cluster.status < JobStatus.RUNNING:
            pod = (await self.there()).get(scheduler_name(cluster_name)) or {}
            if not (address := (pod.get("status") or {}).get("podIP")):
                return
            msg["scheduler_address"] = f"tls://{address}:{COMM}"
            msg["dashboard_address"] = f"http://{address}:{DASHBOARD}"
            msg["api_address"] = f"http://{address}:{API}"
        await super().on_cluster_heartbeat(cluster_name, msg)

    # -- pods ------------------------------------------------------------------------------------

    def get_tls_paths(self, cluster: Cluster) -> tuple[str, str]:
        """Where pods have the cluster's certificate and key."""
        return f"{pods.SECRET}/{CREDENTIALS[0]}", f"{pods.SECRET}/{CREDENTIALS[1]}"

    def get_env(self, cluster: Cluster) -> dict[str, str]:
        """The token is in a file, since variables stand in the pod's record."""
        variables: dict[str, str] = super().get_env(cluster)
        return {**variables, "DASK_GATEWAY_API_TOKEN": f"{pods.SECRET}/{CREDENTIALS[2]}"}

    def get_scheduler_command(self, cluster: Cluster) -> list[str]:
        """With ports that policies know; of two options the last one holds."""
        command = super().get_scheduler_command(cluster)
        at = self.default_host
        ports = ("--port", str(COMM), "--dashboard-address", f"{at}:{DASHBOARD}")
        return [*command, *ports, "--dg-api-address", f"{at}:{API}"]

    def get_worker_command(self, cluster: Cluster, worker_name: str, *_: Any) -> list[str]:
        """With ports that policies know."""
        command = super().get_worker_command(cluster, worker_name)
        at = self.default_host
        ports = ("--worker-port", str(COMM), "--nanny-port", str(NANNY))
        dashboard = ("--dashboard-address", f"{at}:{DASHBOARD}")
        return [*command, "--host", at, *ports, *dashboard]

    async def make(self, name: str, cluster: Cluster, owned_by: Any, **more: Any) -> dict[str, Any]:
        """Make a pod; returns its record. Raises ApiException."""
        manifest = pods.pod(
            name=name,
            component=COMPONENT,
            cluster=cluster.name,
            secret=scheduler_name(cluster.name),
            platform=self.platform,
            template=cluster.config.template,
            owned_by=owned_by,
            **more,
        )
        record: dict[str, Any] = await self.own.ask("create_namespaced_pod", body=manifest)
        return record

    async def do_start_cluster(self, cluster: Cluster) -> AsyncIterator[dict[str, Any]]:
        """The scheduler's pod, then the Secret that it waits for."""
        of = cluster.config
        made = await self.make(
            scheduler_name(cluster.name),
            cluster,
            of.template["owner"],
            command=self.get_scheduler_command(cluster),
            variables=self.get_scheduler_env(cluster),
            size={"memory": of.scheduler_memory, "cpus": of.scheduler_cores, "share": of.cpu_share},
        )
        scheduler = pods.owner(made)
        yield {"scheduler": scheduler}
        values = (cluster.tls_cert.decode(), cluster.tls_key.decode(), cluster.token)
        files = dict(zip(CREDENTIALS, values, strict=True))
        name = scheduler_name(cluster.name)
        secret = pods.secret(name, COMPONENT, self.platform, scheduler, files)
        await self.own.ask("create_namespaced_secret", body=secret)

    async def do_stop_cluster(self, cluster: Cluster) -> None:
        """The scheduler; Secret and workers go with it."""
        await self.own.remove(scheduler_name(cluster.name))

    async def do_check_clusters(self, clusters: Iterable[Cluster]) -> list[bool]:
        """Whether those that are to start still will."""
        there = await self.there()
        found = (there.get(scheduler_name(one.name)) for one in clusters)
        return [one is not None and pods.runs(one) for one in found]

    async def do_start_worker(self, worker: Worker) -> AsyncIterator[dict[str, Any]]:
        """Its pod, unless there is no room for it now: `do_check_workers` tries again."""
        await self.place(worker)
        yield {}

    async def place(self, worker: Worker) -> bool:
        """Make a worker's pod; True also where the quota has no room for it yet."""
        cluster, of = worker.cluster, worker.cluster.config
        try:
            await self.make(
                worker_name(worker.name),
                cluster,
                cluster.state["scheduler"],
                command=self.get_worker_command(cluster, worker.name),
                variables=self.get_worker_env(cluster),
                size={"memory": of.worker_memory, "cpus": of.worker_cores, "share": of.cpu_share},
            )
        except ApiException as error:
            if error.status != HTTPStatus.FORBIDDEN or "exceeded quota" not in str(error.body):
                raise
            self.log.info("Worker %s waits for room in the namespace's quota", worker.name)
        if not worker.is_active():  # no more, meanwhile
            await self.do_stop_worker(worker)
        return True

    async def do_stop_worker(self, worker: Worker) -> None:
        """Its pod."""
        await self.own.remove(worker_name(worker.name))

    async def do_check_workers(self, workers: Iterable[Worker]) -> list[bool]:
        """Whether those that are to start still will."""
        there = await self.there()
        found = [(one, there.get(worker_name(one.name))) for one in workers]
        return [await self.place(one) if pod is None else pods.runs(pod) for one, pod in found]


def scheduler_name(cluster: str) -> str:
    """What the pod of a cluster's scheduler is called, and its Secret."""
    return f"dask-{cluster}"


def worker_name(worker: str) -> str:
    """What the pod of a worker is called."""
    return f"dask-worker-{worker}"
