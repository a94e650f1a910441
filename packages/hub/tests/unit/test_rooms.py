"""Who may import whom: modules of `hub_config` from the bottom up; an arrow upwards is a fault."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "hub_config"

ROOMS = {
    "": (
        *("moments", "counted", "names", "variables", "first_start", "groups", "folders", "health"),
        *("disk", "apis", "tracing", "upstream"),
        *("traces", "postgres", "leading", "database", "reserve", "rotation"),
    ),
    "settings": (
        *("declaration", "explaining", "colours", "values", "gpus", "tables", "platform"),
        *("servers", "kept", "reading"),
    ),
    "look": ("branding",),
    "audit": ("chain", "journal", "events"),
    "runtime": (
        *("interface", "plan", "guard", "records", "client", "attachments", "networks"),
        *("glances", "calls", "docker", "services", "swarm", "cluster", "kubernetes", "meter"),
    ),
    "words": ("languages", "texts", "told", "away", "handlers"),
    "lifetimes": ("ends", "homes", "folders", "measuring", "sizes", "why", "times"),
    "offer": (
        *("profiles", "compatibility", "pulls", "images", "stock", "room", "turns", "cards"),
        "counter",
    ),
    "published": ("shelf", "links", "own_server", "pages"),
    "jobs": (
        *("rows", "app_rows", "clock", "decisions", "program", "rules", "commands", "forms"),
        *("telling", "tasks", "runner", "publisher", "pages", "run_pages", "app_pages"),
    ),
    "spawning": (
        *("options", "folders", "parts", "strayed", "servers", "server_spawner"),
        *("container_spawner", "services", "service_spawner", "pods", "pod_spawner"),
        "profile_spawner",
    ),
    "reconcile": ("backwards", "differences", "state", "reconciler", "desk", "pages"),
    "now": ("rows", "asking", "looking", "pages"),
    "monitoring": (
        *("usage", "watch", "slow", "figures", "pages", "alerts", "panels", "dashboards"),
        "written",
    ),
    "login": (
        *("credentials", "accounts", "throttling", "second_factor", "sessions", "door", "outside"),
        *("newcomers", "canary", "passwords", "providers", "pages", "second_factor_page"),
        *("people", "authenticator"),
    ),
    "shares": ("shares",),
    "tracking": ("door", "spaces", "layer"),
    "watch": ("kinds", "requests", "filters", "pages", "changes", "command", "beginning"),
    "top": ("keeper", "beside", "routes", "concerns", "copying", "moving", "start", "__main__"),
}
"""Each imports only what is before it, in its own room too; a room that is no folder is flat."""

MOST_LINES = 300

ORDER = [
    f"{room}.{module}" if (SOURCE / room).is_dir() and room else module
    for room, modules in ROOMS.items()
    for module in modules
]


def modules() -> dict[str, Path]:
    """The modules by name. What packages say is only documentation, but for `settings`."""
    paths = (path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
    return {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in paths}


def imported(path: Path) -> Iterator[str]:
    """What of `hub_config` a module imports, by the modules' names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        package, _, module = node.module.partition(".")
        for name in node.names if package == "hub_config" else ():
            one = f"{module}.{name.name}".lstrip(".")
            if one in ORDER or module in ORDER:
                yield one if one in ORDER else module
            elif module == "settings":
                yield "settings.reading"


def test_every_module_has_its_place() -> None:
    assert sorted(modules()) == sorted(ORDER)


def test_no_arrow_points_upwards() -> None:
    arrows = [(at, to) for at, path in modules().items() for to in imported(path)]
    assert not [f"{a} imports {b}" for a, b in arrows if ORDER.index(b) >= ORDER.index(a)]


def test_a_module_fits_on_a_few_screens() -> None:
    long = {name: path.read_text().count("\n") for name, path in modules().items()}
    assert not {name: lines for name, lines in long.items() if lines > MOST_LINES}


def test_the_filter_and_the_guard_hold_nothing_of_jupyterhub() -> None:
    modules = "engine_filter.__main__, hub_config.__main__, hub_config.runtime.guard"
    modules += ", hub_config.watch.command"
    script = f"import sys, {modules}; print(sorted({{'jupyterhub', 'tornado'}} & set(sys.modules)))"
    told = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert told.strip() == "[]"
