"""An image is a folder: CONTRIBUTING.md's example, typed into a clone, and taken away again."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jhub_docker.build import images, marks
from jhub_testing.documents import Page
from jhub_testing.maintainer import Maintainer, clone
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

EXAMPLE = "uv-notebook"
ATLAS = """
COPY <<'EOF' /opt/venv/lib/python3.11/site-packages/atlas.py
from jupyter_server.base.handlers import JupyterHandler

def _jupyter_server_extension_points():
    return [{"module": "atlas"}]

def _load_jupyter_server_extension(app):
    app.web_app.add_handlers(".*$", [(app.base_url + "atlas", JupyterHandler)])
EOF
COPY <<'EOF' /opt/venv/etc/jupyter/jupyter_server_config.d/atlas.json
{"ServerApp": {"jpserver_extensions": {"atlas": true}}}
EOF
"""


@pytest.fixture
def maintainer(pytestconfig: pytest.Config, tmp_path: Path) -> Maintainer:
    maintainer = clone(pytestconfig.rootpath, tmp_path / "checkout", {})
    found = Path(".test-logs", "contract")  # by this checkout's image tests, in what it stands on
    if (pytestconfig.rootpath / found).is_dir():
        shutil.copytree(pytestconfig.rootpath / found, maintainer.root / found)
    return maintainer


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """What the example is called here: somebody may have one of its own name on this engine."""
    name = f"{EXAMPLE}-{engine.session}"
    yield name
    for tag in tags(engine, name):
        engine.client.api.remove_image(tag, force=True)


def tags(engine: Engine, name: str) -> set[str]:
    found = engine.client.api.images(f"local/{name}")
    return {tag for image in found for tag in image["RepoTags"] or ()}


def answer_below_atlas(folder: Path) -> None:
    """Give the server a path of its own, which the folder declares and nothing else."""
    declaration = folder / "pyproject.toml"
    titled = 'title = "Notebook"'
    assert titled in declaration.read_text()
    text = declaration.read_text().replace(titled, f'{titled}\nroutes = ["atlas"]\n#')
    declaration.write_text(text)
    with (folder / "Dockerfile").open("a") as dockerfile:
        dockerfile.write(ATLAS)


def test_a_folder_is_all_an_image_needs(
    maintainer: Maintainer, name: str, platform: Platform, admin: Person, engine: Engine
) -> None:
    page = Page("", (maintainer.root / "CONTRIBUTING.md").read_text().replace(EXAMPLE, name))
    folder = maintainer.root / "packages" / name
    folder.mkdir()
    for file, text in page.files.items():
        (folder / file).write_text(text)
    answer_below_atlas(folder)
    typed = [shlex.split(line) for line in page.commands if line.endswith(f" -i {name}")]
    assert [words[2] for words in typed] == ["lock", "build", "test"]
    for _, _, *words in typed:
        said = maintainer.invoke(*words)
    passed = re.search(r"=+ (\d+) passed in", said)
    assert passed, said[-3000:]
    assert int(passed[1]) > 20, "the contract of its base was not tried"
    maintainer.nox("-s", "locks", "docs")

    (built,) = (one for one in images.here() if one.package == name)
    engine.client.images.get(built.image_id).tag(
        f"local/{name}", platform.environment["JHUB_IMAGE_TAG"]
    )
    wait_until(lambda: f"{name}-small" in admin.offered(), "it to be offered")
    refused = admin.start_by_api({"profile": f"{name}-small"}, "atlas")
    assert (refused.status_code, "call it atlas-2" in refused.text) == (400, True), refused.text

    others = {
        one.image_id
        for one in images.here()
        if one.package != name
        and any(re.fullmatch(r"local/[\w-]+:latest", tag) for tag in one.tags)  # no test's own
    }
    elsewhere = maintainer.root.parent / "another checkout"
    engine.client.images.get(built.image_id).tag(
        f"local/{name}", marks.mark(elsewhere, built.build_id)
    )
    shutil.rmtree(folder)
    maintainer.invoke("images", "--prune", "--yes")
    assert f"local/{name}:latest" in tags(engine, name), "another checkout's image was removed"
    assert "nothing to clean" in maintainer.invoke("images", "--prune", "--yes").lower()

    packages = {one.package for one in images.here()} - {name}

    def is_gone() -> bool:
        for kept in (one for one in tags(engine, name) if ":before-" in one):
            engine.client.images.remove(kept)  # an upgrade in another file's platform kept it
        for root in (maintainer.root, elsewhere):
            own = [one for one in images.here() if one.package == name]
            for _, references in marks.unwanted(own, packages, root):
                marks.remove(references)
        return not tags(engine, name)

    wait_until(is_gone, "it to go from the engine")
    wait_until(lambda: f"{name}-small" not in admin.offered(), "it to go")
    assert {one.image_id for one in images.here()} >= others
    settings = maintainer.root / ".env"
    settings.write_text(f"JHUB_PLATFORM=none-{engine.session}\nJHUB_PROVIDER_SECRET=hush\n")
    settings.chmod(0o644)
    told = maintainer.try_to("doctor", "--json")
    assert '"JD021"' in told, "a file of settings that all can read, in a checkout of its own"
