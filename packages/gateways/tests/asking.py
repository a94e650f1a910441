"""Runs in the image: the gateways, with a hub and an API server as far as it asks them.

Says as JSON what they answered, which pods they made, and where Dask's proxy leads.
"""

import asyncio
import json
import os
from typing import Any

from aiohttp import ClientSession, web

PODS: dict[str, dict[str, Any]] = {}
SECRETS: dict[str, dict[str, Any]] = {}
REFUSED: list[str] = []
WORKER = "dask-worker-"
LABEL = "io.jhub-docker"
PATIENCE = 300
SERVER = {
    "metadata": {
        "name": "jupyter-ann",
        "uid": "uid-of-ann",
        "labels": {f"{LABEL}.platform": "jhub-docker", f"{LABEL}.component": "server"},
        "annotations": {f"{LABEL}.user": "ann", f"{LABEL}.server": ""},
    },
    "spec": {
        "serviceAccountName": "bucket",
        "securityContext": {"runAsUser": 1000},
        "containers": [
            {
                "name": "notebook",
                "image": "registry.example.org/uv-lab@sha256:1",
                "envFrom": [{"secretRef": {"name": "hers"}}],
                "volumeMounts": [
                    {"name": "home", "mountPath": "/home/nebula"},
                    {"name": "ca", "mountPath": "/etc/jhub-docker"},
                ],
            }
        ],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": "hers"}},
            {"name": "ca", "configMap": {"name": "certificates"}},
        ],
    },
    "status": {"phase": "Running", "podIP": "10.42.0.11"},
}
TOKENS = {
    "ann-server": ("ann", ["users:activity!user=ann", "access:servers!server=ann/"]),
    "ann-reader": ("ann", ["read:users:name!user=ann"]),
    "ann-all": ("ann", ["access:servers!user=ann"]),
    "bob-server": ("bob", ["access:servers!server=bob/"]),
    "cem-server": ("cem", ["access:servers!server=cem/"]),
}
DRIVERS = "http://127.0.0.1:8090/api/v1/namespaces/default/pods"
EXECUTOR = {
    "metadata": {
        "name": "jupyter-bob",
        "labels": {
            **{"spark-app-selector": "spark-1", "spark-role": "executor"},
            **{"spark-exec-id": "1", "spark-exec-resourceprofile-id": "0"},
        },
    },
    "spec": {
        "hostNetwork": True,
        "containers": [
            {
                "image": "as-the-server",
                "env": [{"name": "_SPARK_AUTH_SECRET", "value": "of-the-session"}],
                "resources": {"limits": {"memory": "1024Mi"}},
            }
        ],
    },
}
LEFT_OVER = {"name": "dask-older", "uid": "older", "labels": {f"{LABEL}.platform": "jhub-docker"}}
LEFT_OVER["labels"][f"{LABEL}.component"] = "dask"


async def user(request: web.Request) -> web.Response:
    """Whose token it is; an account that is disabled has none."""
    token = request.headers["Authorization"].removeprefix("token ")
    if token not in TOKENS:
        raise web.HTTPForbidden
    name, scopes = TOKENS[token]
    return web.json_response({"kind": "user", "name": name, "scopes": scopes})


async def listed(request: web.Request) -> web.Response:
    """Pods by their labels."""
    wanted = dict(one.split("=") for one in request.query["labelSelector"].split(","))
    found = [one for one in PODS.values() if wanted.items() <= one["metadata"]["labels"].items()]
    return web.json_response({"kind": "PodList", "items": found, "metadata": {}})


async def made(request: web.Request) -> web.Response:
    """A pod or a Secret; for the first worker there is no room the first time."""
    record = await request.json()
    if record["metadata"]["name"].startswith(WORKER) and not REFUSED:
        REFUSED.append(record["metadata"]["name"])
        raise web.HTTPForbidden(text='{"message": "pods is forbidden: exceeded quota: platform"}')
    kind = SECRETS if record["kind"] == "Secret" else PODS
    record["metadata"]["uid"] = f"uid-of-{record['metadata']['name']}"
    record["status"] = {"phase": "Running", "podIP": f"10.42.1.{len(PODS)}"}
    kind[record["metadata"]["name"]] = record
    return web.json_response(record)


async def removed(request: web.Request) -> web.Response:
    """A pod no more."""
    PODS.pop(request.match_info["name"], None)
    return web.json_response({"kind": "Status", "status": "Success"})


async def until(met: Any) -> None:
    """Return when it is; `main` ends what takes forever."""
    while not met():
        await asyncio.sleep(0.1)


async def answers(session: ClientSession, url: str) -> bool:
    """Whether it is up."""
    try:
        async with session.get(f"{url}/health") as answer:
            return answer.status == 200
    except OSError:
        return False


async def asked_by_drivers(session: ClientSession) -> dict[str, Any]:
    """What is found of Spark's."""
    while not await answers(session, "http://127.0.0.1:8090"):
        await asyncio.sleep(0.1)
    said: list[tuple[str, int, str]] = []

    async def ask(how: str, token: str, more: str = "", **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with session.request(how, DRIVERS + more, headers=headers, **given) as answer:
            body = await answer.json()
            said.append((token, answer.status, body.get("message", "")))
            return body

    for token in ("gone", "ann-reader", "bob-server", "ann-server", "ann-server"):
        await ask("POST", token, json=EXECUTOR)
        made = [one for one in PODS.values() if one["spec"].get("hostNetwork")]
        assert not made, made
    await ask("POST", "cem-server", json={**EXECUTOR, "spec": {}})
    (name,) = (one for one in PODS if one.startswith("spark-"))
    waiting = {asyncio.create_task(ask("POST", "ann-server", json=EXECUTOR)) for _ in range(9)}
    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await ask("POST", "ann-server", data=b" " * 300_000)
    ours = "?labelSelector=spark-app-selector=spark-1"
    lists = {who: await ask("GET", f"{who}-server", ours) for who in ("ann", "cem")}
    pod, secret = PODS[name], SECRETS[name]
    for more in (ours, f"/{name}"):
        await ask("DELETE", "cem-server", more)
    kept = name in PODS
    await ask("DELETE", "ann-server", ours)
    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
    found = {who: [one["metadata"]["name"] for one in all_["items"]] for who, all_ in lists.items()}
    return {
        **{"said": said, "name": name, "pod": pod, "secret": secret, "listed": found},
        **{"kept": kept, "ended": name not in PODS},
    }


async def asked(session: ClientSession) -> dict[str, Any]:
    """What is found."""
    drivers = await asked_by_drivers(session)
    url = "http://127.0.0.1:8000/api"
    while not await answers(session, url):
        await asyncio.sleep(0.1)
    left_over = "dask-older" in PODS
    said: list[tuple[str, int, str]] = []

    async def new(token: str, **options: Any) -> str:
        headers = {"Authorization": f"jupyterhub {token}"} if token else {}
        wanted = {"cluster_options": options}
        async with session.post(f"{url}/v1/clusters/", json=wanted, headers=headers) as answer:
            body = await answer.json()
            said.append((token, answer.status, body.get("error", "")))
            return str(body.get("name", ""))

    for token in ("", "gone", "ann-reader", "ann-all", "bob-server"):
        await new(token)
    await new("ann-server", image="alpine")
    name = await new("ann-server")
    await new("ann-server")
    scheduler = f"dask-{name}"
    await until(lambda: scheduler in SECRETS)
    word = SECRETS[scheduler]["stringData"]["api-token"]
    forged = "169.254.169.254:80"
    beat = {
        **{"scheduler_address": f"tls://{forged}", "dashboard_address": f"http://{forged}"},
        **{"api_address": f"http://{forged}", "count": 7},
        **{"active_workers": [], "closing_workers": [], "closed_workers": []},
    }
    at = f"{url}/v1/clusters/{name}/heartbeat"
    headers = {"Authorization": f"token {word}"}
    async with session.post(at, json=beat, headers=headers) as answer:
        answer.raise_for_status()
    await until(lambda: sum(one.startswith(WORKER) for one in PODS) >= 2)
    token = {"Authorization": "token of-the-proxy"}
    async with session.get("http://127.0.0.1:8001/api/v1/routes", headers=token) as answer:
        routes = (await answer.json())["routes"]
    pods = {one: PODS[one] for one in PODS if one.startswith("dask-")}
    del PODS["jupyter-ann"], PODS[scheduler]
    await new("ann-server")
    return {
        **{"left_over": left_over, "said": said, "pods": pods, "secret": SECRETS[scheduler]},
        **{"refused": REFUSED[0], "drivers": drivers},
        **{"scheduler": scheduler, "routes": [one["target"] for one in routes]},
    }


async def main() -> None:
    """Start all, ask, say, end."""
    cems = {**SERVER["metadata"], "name": "jupyter-cem", "uid": "uid-of-cem"}
    cems["annotations"] = {**cems["annotations"], f"{LABEL}.user": "cem"}
    PODS.update({"jupyter-ann": SERVER, "jupyter-cem": {**SERVER, "metadata": cems}})
    PODS["dask-older"] = {"metadata": LEFT_OVER, "spec": {}}
    app = web.Application()
    app.router.add_get("/hub/api/user", user)
    app.router.add_get("/api/v1/namespaces/team/pods", listed)
    app.router.add_post("/api/v1/namespaces/team/{kind}", made)
    app.router.add_delete("/api/v1/namespaces/team/pods/{name}", removed)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 8099).start()
    with open("/tmp/kubeconfig", "w") as file:  # noqa: S108, PTH123
        json.dump(
            {
                **{"apiVersion": "v1", "kind": "Config", "current-context": "c"},
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:8099"}}],
                "users": [{"name": "u", "user": {"token": "x"}}],
            },
            file,
        )
    sparks = await asyncio.create_subprocess_exec(
        *("python", "-m", "jhub_gateways.spark", "--hub=http://127.0.0.1:8099/hub/api"),
        *("--namespace=team", "--executors=1", "--memory=1G", "--port=8090"),
        env={**os.environ, "KUBECONFIG": "/tmp/kubeconfig"},  # noqa: S108
    )
    program = await asyncio.create_subprocess_exec(
        *("python", "-m", "dask_gateway_server"),
        "--config=/opt/gateway/lib/jhub/jhub_gateways/dask_settings.py",
        "--JupyterHubAuthenticator.jupyterhub_api_url=http://127.0.0.1:8099/hub/api",
        "--PodBackend.namespace=team",
        "--PodBackend.clusters_per_person=1",
        "--PodClusterConfig.cluster_max_workers=2",
        "--PodBackend.api_url=http://dask-gateway:8000/api",
        env={
            **os.environ,
            "KUBECONFIG": "/tmp/kubeconfig",  # noqa: S108
            "DASK_GATEWAY_PROXY_TOKEN": "of-the-proxy",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with ClientSession() as session:
        asking, ended = asyncio.create_task(asked(session)), asyncio.create_task(program.wait())
        await asyncio.wait((asking, ended), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        assert asking.done(), f"the gateway ended, or did not answer: {program.returncode}"
    for one in (program, sparks):
        one.terminate()
        await one.wait()
    print(json.dumps(asking.result()))


asyncio.run(main())
