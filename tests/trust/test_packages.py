"""The lock file: every package that is needed, one version of each, known by its hash.

`make lock` makes it and `make audit` asks whether anything is known against what is in it, which
takes a network and is no test.
"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, tuple[Requirement, list[str]]]:
    """Name -> what is asked for, and its hashes."""
    without = re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE).replace("\\\n", " ")
    entries = [line.split(" --hash=") for line in without.splitlines()]
    asked = [(Requirement(first.strip()), hashes) for first, *hashes in entries]
    return {canonicalize_name(each.name): (each, hashes) for each, hashes in asked}


def needed() -> list[Requirement]:
    extras = [word for words in PROJECT["optional-dependencies"].values() for word in words]
    return [Requirement(word) for word in (*PROJECT["dependencies"], *extras)]


@pytest.mark.campaign("packages")
def test_every_package_has_one_version_and_its_hashes(counted):
    for asked, hashes in locked().values():
        assert re.fullmatch(r"==[0-9][\w.]*", str(asked.specifier))
        assert asked.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", each) for each in hashes)
    counted(len(locked()))


@pytest.mark.parametrize("asked", needed(), ids=str)
def test_what_the_project_needs_is_there_in_a_version_that_will_do(asked):
    found, _ = locked()[canonicalize_name(asked.name)]
    (version,) = found.specifier
    assert version.version in asked.specifier
    assert found.marker is None


def test_it_says_nothing_of_where_packages_come_from():
    for line in LOCK.splitlines():
        assert not re.search(r"://|index|find-links|trusted-host", line), line
