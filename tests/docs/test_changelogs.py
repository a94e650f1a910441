"""Every image package has a README and a CHANGELOG in the form of Keep a Changelog 1.1.0."""

import re
from pathlib import Path

import pytest

from jhub_docker.catalog import ImageSpec, load

ROOT = Path(__file__).parents[2]
SPECS = tuple(load(ROOT / "packages").specs.values())
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
FIRST_VERSIONS = {"0.1.0", "1.0.0"}
"""What a package is declared as before its first release."""


def problems(text: str, version: str) -> list[str]:
    """What is wrong with a changelog of a package that is declared as `version`."""
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    found = [] if title.startswith("# Changelog\n") else ["it does not begin with # Changelog"]
    released = []
    for section in sections:
        heading, _, body = section.partition("\n")
        dated = r"(?: - \d{4}-\d\d-\d\d)?(?: \[YANKED\])?"
        match = re.fullmatch(rf"\[(?:Unreleased|(\d+\.\d+\.\d+))\]{dated}", heading)
        if match is None or bool(match.group(1)) != (" - " in heading):
            found.append(f"## {heading} is neither [Unreleased] nor [x.y.z] - YYYY-MM-DD")
            continue
        if match.group(1):
            released.append(match.group(1))
        elif section is not sections[0]:
            found.append("[Unreleased] is not the first section")
        kinds = re.findall(r"^### (.+)$", body, re.MULTILINE)
        found += [f"### {kind} in {heading} is no kind of change" for kind in set(kinds) - KINDS]
        if match.group(1) and not re.search(r"^- ", body, re.MULTILINE):
            found.append(f"{heading} names no change")
    numbers = [tuple(map(int, number.split("."))) for number in released]
    if numbers != sorted(set(numbers), reverse=True):
        found.append("the versions do not fall")
    if released and released[0] != version:
        found.append(f"its newest version is {released[0]}, the package's is {version}")
    if not released and version not in FIRST_VERSIONS:
        found.append(f"version {version} has no section")
    if not released and not re.search(r"^- ", text, re.MULTILINE):
        found.append("it names no change")
    return found


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_package_has_a_readme(spec: ImageSpec) -> None:
    readme = spec.folder / "README.md"
    assert readme.is_file(), f"{readme.relative_to(ROOT)} is missing"
    assert readme.read_text().startswith(f"# {spec.name}\n")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_package_has_a_changelog_with_its_version(spec: ImageSpec) -> None:
    changelog = spec.folder / "CHANGELOG.md"
    assert changelog.is_file(), f"{changelog.relative_to(ROOT)} is missing"
    assert problems(changelog.read_text(), spec.version) == []


@pytest.mark.parametrize(
    ("text", "version", "said"),
    [
        ("# Changelog\n\n## [Unreleased]\n\n### Added\n- A.\n", "0.1.0", None),
        ("# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-01\n- B.\n", "1.1.0", None),
        ("# Changelog\n\n## [1.1.0] - 2026-02-01 [YANKED]\n- B.\n", "1.1.0", None),
        ("# Changelog\n\n## [Unreleased]\n\n### Added\n- A.\n", "0.2.0", "0.2.0 has no section"),
        ("# Changelog\n\n## [Unreleased]\n", "0.1.0", "names no change"),
        ("# Changelog\n\n## [0.1.0] - 2026-02-01\n- A.\n", "0.2.0", "newest version is 0.1.0"),
        ("# Changelog\n\n## 0.1.0\n- A.\n", "0.1.0", "neither"),
        ("# Changelog\n\n## [0.1.0]\n- A.\n", "0.1.0", "neither"),
        ("# Changelog\n\n## [0.1.0] - 2026-02-01\n### New\n- A.\n", "0.1.0", "no kind"),
        (
            "# Changelog\n\n## [0.1.0] - 2026-02-01\n- A.\n\n## [0.2.0] - 2026-01-01\n- B.\n",
            "0.1.0",
            "do not fall",
        ),
    ],
)
def test_wrong_changelogs_are_noticed(text: str, version: str, said: str | None) -> None:
    found = "; ".join(problems(text, version))
    assert said in found if said else not found
