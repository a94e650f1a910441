"""What a server answers cannot be the name of its person's other server: `/user/ann/api` is one's
own file API or that other server, and the proxy takes the longer route.
"""

import ast
import json
from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_testing.subject import Subject

NAMES = Path(__file__).parents[2] / "hub/src/hub_config/spawning/servers.py"

PROGRAM = r"""
import json, re
from jupyter_server.serverapp import ServerApp

app = ServerApp()
options = ["--ServerApp.base_url=/base/", "--ServerApp.open_browser=False"]
app.initialize(options, new_httpserver=False)

def patterns(router):
    for rule in router.rules:
        yield getattr(getattr(rule.matcher, "regex", None), "pattern", "")
        if hasattr(rule.target, "rules"):
            yield from patterns(rule.target)

first = re.compile(r"\^?/base/(?:\(\?P<\w+>)?\(?([a-z][a-z0-9-]*(?:\|[a-z][a-z0-9-]*)*)(?![\w.\\])")
found = {name for one in patterns(app.web_app.default_router) if (part := first.match(one))
         for name in part[1].split("|")}
print(json.dumps(sorted(found)))
"""


def refused() -> set[str]:
    """The names that the hub refuses whatever images there are, as it declares them."""
    for node in ast.parse(NAMES.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROUTES":
            assert isinstance(node.value, ast.Call)
            return set(ast.literal_eval(node.value.args[0]))
    raise AssertionError(f"{NAMES} has no ROUTES")


def test_every_path_of_the_server_is_refused_as_a_name(subject: Subject, catalog: Catalog) -> None:
    command = [f"{subject.environment}/bin/python", "-c", PROGRAM]
    # The server's log may come after it.
    told = next(line for line in subject.server.run(command).splitlines() if line[:2] == '["')
    found = set(json.loads(told))
    assert {"api", "static"} <= found, f"these are not the server's paths: {found}"
    unknown = found - refused() - set(catalog[subject.name].routes)
    assert not unknown, f"not refused, so {subject.name} has to declare its `routes`: {unknown}"
