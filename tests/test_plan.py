"""What gets built and why: build ids, skipping, reasons, build contexts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from jhub_docker.build import contexts, plan
from jhub_docker.build.plan import Base, BuiltImage, Plan
from jhub_docker.catalog import Catalog, identity

Make = Callable[..., Path]
Read = Callable[[], Catalog]

DEBIAN = {"debian": Base("local/debian:x", "sha256:1")}


def make(
    catalog: Catalog,
    *names: str,
    bases: Mapping[str, Base] = DEBIAN,
    existing: Mapping[str, BuiltImage] | None = None,
    force: bool = False,
    platform: str = "",
    beside: str = "",
) -> Plan:
    return plan.make(
        catalog,
        catalog.select(names),
        contexts=contexts.read(catalog.specs.values()),
        bases=bases,
        existing=existing or {},
        force=force,
        platform=platform,
        beside=beside,
    )


def as_built(made: Plan) -> dict[str, BuiltImage]:
    """The engine as it is once the plan was carried out."""
    return {
        step.build_id: BuiltImage("sha256:x", step.spec.name, step.build_id, step.inputs)
        for step in made.steps
    }


def reasons(made: Plan) -> dict[str, str]:
    return {step.spec.name: step.reason for step in made.steps if step.build}


def family(make_package: Make) -> None:
    make_package("os", own="publish = false")
    make_package("tools", own="publish = false")
    make_package("one", base="os", own='uses = ["tools"]')
    make_package("two", base="os")


def test_first_build_builds_all(make_package: Make, read: Read) -> None:
    family(make_package)
    assert set(reasons(make(read()))) == {"os", "tools", "one", "two"}


def test_second_build_builds_nothing(make_package: Make, read: Read) -> None:
    family(make_package)
    first = make(read())
    second = make(read(), existing=as_built(first))
    assert second.to_build == ()
    assert {step.reason for step in second.steps} == {"unchanged"}


def test_a_changed_lock_rebuilds_that_image_alone(make_package: Make, read: Read) -> None:
    family(make_package)
    lock = make_package("one", base="os", own='uses = ["tools"]') / "uv.lock"
    lock.write_text("before")
    existing = as_built(make(read()))
    lock.write_text("after")
    assert reasons(make(read(), existing=existing)) == {"one": "changed: uv.lock"}


def test_a_changed_base_rebuilds_its_children(make_package: Make, read: Read) -> None:
    family(make_package)
    existing = as_built(make(read()))
    (make_package("os", own="publish = false") / "Dockerfile").write_text("FROM base\nRUN x\n")
    made = make(read(), existing=existing)
    assert reasons(made) == {
        "os": "changed: Dockerfile",
        "one": "changed: parent os",
        "two": "changed: parent os",
    }


def test_a_readme_does_not_change_the_build_id(make_package: Make, read: Read) -> None:
    folder = make_package("one")
    (folder / ".dockerignore").write_text("*\n!Dockerfile\n!pyproject.toml\n")
    before = make(read()).steps[0].build_id
    (folder / "README.md").write_text("words")
    assert make(read()).steps[0].build_id == before


def test_a_newer_base_digest_changes_the_build_id(make_package: Make, read: Read) -> None:
    make_package("one")
    before = make(read()).steps[0]
    after = make(read(), bases={"debian": Base("local/debian:x", "sha256:2")}).steps[0]
    assert before.build_id != after.build_id


def test_the_executable_bit_counts(make_package: Make, read: Read) -> None:
    script = make_package("one") / "start"
    script.write_text("#!/bin/sh\n")
    before = make(read()).steps[0].build_id
    script.chmod(0o755)
    assert make(read()).steps[0].build_id != before


def test_a_pulled_base_is_not_built(make_package: Make, read: Read) -> None:
    make_package("public-one", own='publish = false\npublic.bookworm = "registry/one:1"')
    make_package("child", base="public-one")
    pulled = {"public-one": Base("registry/one:1", "sha256:9")}
    made = make(read(), bases=pulled)
    assert [step.spec.name for step in made.steps] == ["child"]
    step = made.steps[0]
    assert step.contexts == {"base": "docker-image://registry/one:1"}
    assert step.labels["io.jhub-docker.base"] == "public"
    assert step.labels["org.opencontainers.image.base.digest"] == "sha256:9"


def test_an_image_on_a_standin_says_so(make_package: Make, read: Read) -> None:
    make_package("os", own="publish = false")
    make_package("child", base="os")
    made = make(read())
    assert {step.labels["io.jhub-docker.base"] for step in made.steps} == {"stand-in"}


def test_parents_in_the_same_bake_are_linked(make_package: Make, read: Read) -> None:
    family(make_package)
    steps = {step.spec.name: step for step in make(read()).steps}
    assert steps["one"].contexts == {"base": "target:os", "tools": "target:tools"}


def test_parents_that_are_there_are_used_as_images(make_package: Make, read: Read) -> None:
    family(make_package)
    first = make(read(), "two")
    made = make(read(), "one", existing=as_built(first))
    steps = {step.spec.name: step for step in made.steps}
    assert steps["one"].contexts["base"] == f"docker-image://{first.steps[0].reference}"
    assert not steps["os"].build


def test_a_missing_parent_of_an_unchanged_image_is_not_built(
    make_package: Make, read: Read
) -> None:
    family(make_package)
    existing = as_built(make(read()))
    kept = {key: image for key, image in existing.items() if image.package not in ("os", "tools")}
    assert make(read(), existing=kept).to_build == ()


def test_force_builds_the_named_image_and_no_parent(make_package: Make, read: Read) -> None:
    family(make_package)
    made = make(read(), "one", existing=as_built(make(read())), force=True)
    assert reasons(made) == {"one": "forced"}


def test_platforms_share_the_build_id_and_differ_in_tags_and_parents(
    make_package: Make, read: Read
) -> None:
    family(make_package)
    own = make(read(), "two")
    arm = {"debian": Base("local/debian:x-arm64", "sha256:1")}
    other = make(read(), "two", bases=arm, platform="linux/arm64")
    assert [step.build_id for step in other.steps] == [step.build_id for step in own.steps]
    assert [f"{step.reference}-arm64" for step in own.steps] == [s.reference for s in other.steps]
    assert other.platform == "linux/arm64"
    top = other.steps[0]
    assert top.contexts == {"base": "docker-image://local/debian:x-arm64"}
    there = {top.build_id: BuiltImage("sha256:x", "os", top.build_id, top.inputs)}
    again = make(read(), "two", bases=arm, existing=there, platform="linux/arm64")
    assert again.steps[1].contexts == {"base": f"docker-image://{top.reference}"}


def test_images_built_beside_leave_those_there_are_alone(make_package: Make, read: Read) -> None:
    family(make_package)
    plain, beside = make(read()), make(read(), beside="-anew")
    assert [s.build_id for s in plain.steps] == [s.build_id for s in beside.steps]
    assert all(s.reference.endswith(f":{identity.short(s.build_id)}-anew") for s in beside.steps)
    assert beside.steps[-1].contexts == plain.steps[-1].contexts


def test_only_what_is_wanted_is_planned(make_package: Make, read: Read) -> None:
    family(make_package)
    assert {step.spec.name for step in make(read(), "two").steps} == {"os", "two"}


def test_profiles_travel_in_a_label(make_package: Make, read: Read) -> None:
    profiles = 'profiles.small = {cpu_guarantee = 1, cpu_limit = 2, mem_limit = "2G"}'
    own = 'title = "Lab"\nport = 8888\nprobe = "/lab"\nroutes = ["atlas"]'
    make_package("lab", own=f"{own}\n{profiles}")
    label = make(read()).steps[0].labels["io.jhub-docker.profiles"]
    assert json.loads(label) == {
        "name": "lab",
        "title": "Lab",
        "description": "An image.",
        "port": 8888,
        "default_url": "/lab",
        "routes": ["atlas", "lab"],
        "profiles": {"small": {"cpu_guarantee": 1, "cpu_limit": 2, "mem_limit": "2G"}},
    }


def test_the_locked_jupyterhub_travels_in_a_label_of_images_people_start(
    make_package: Make, read: Read
) -> None:
    lab = make_package("lab", own='port = 1\nprobe = "/"\nprofiles.s = {mem_limit = "2G"}')
    make_package("child", base="lab", own='probe = "/"')
    locked = '[[package]]\nname = "jupyterhub"\nversion = "6.1.1"\n'
    (lab / "uv.lock").write_text(f'[[package]]\nname = "other"\nversion = "1"\n{locked}')
    before = {step.spec.name: step for step in make(read()).steps}
    for name in ("lab", "child"):
        assert before[name].labels["io.jhub-docker.jupyterhub"] == "6.1.1"
    (lab / "uv.lock").write_text(locked.replace("6.1.1", "7.0.0"))
    after = {step.spec.name: step for step in make(read()).steps}
    assert after["child"].labels["io.jhub-docker.jupyterhub"] == "7.0.0"
    assert after["lab"].build_id != before["lab"].build_id


def test_what_stands_on_a_base_that_nobody_asked_for_is_not_known(
    make_package: Make, read: Read
) -> None:
    make_package("os", own="public.bookworm = 'registry.example.org/os:1'\npublish = false")
    make_package("one", base="os")
    make_package("two", base="one")
    make_package("other")
    unknown = {**DEBIAN, "os": Base("registry.example.org/os:1", "")}
    steps = {step.spec.name: step for step in make(read(), bases=unknown).shown}
    assert [name for name, step in steps.items() if not step.build_id] == ["one", "two"]
    for name in ("one", "two"):
        assert steps[name].unknown == ("registry.example.org/os:1",)
        assert steps[name].reason == "not known until registry.example.org/os:1 is pulled"
        assert steps[name].labels["io.jhub-docker.base"] == "", "neither public nor a stand-in"
    assert (steps["other"].reason, steps["other"].unknown) == ("not built yet", ())


def test_a_pin_is_named_apart_from_its_image(make_package: Make, read: Read) -> None:
    make_package("os", own="public.bookworm = 'registry.example.org/os:1'")
    make_package("one", base="os")
    pinned = Base(f"registry.example.org/os:1@sha256:{'a' * 64}", f"sha256:{'a' * 64}")
    (step,) = make(read(), "one", bases={"os": pinned}).steps
    assert step.labels["org.opencontainers.image.base.name"] == "registry.example.org/os:1"
    assert step.labels["org.opencontainers.image.base.digest"] == pinned.digest
    assert step.contexts["base"] == f"docker-image://{pinned.reference}"
