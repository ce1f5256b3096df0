"""What users install: a wheel with its presets inside."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The built wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            archive.extract(member, folder / "site")
    return folder / "site"


def test_the_wheel_has_every_preset_and_nothing_of_the_tests(installed):
    shipped = {p.relative_to(ROOT / "presets") for p in (ROOT / "presets").rglob("*.yaml")}
    inside = installed / "vitprune_core" / "presets"
    assert {p.relative_to(inside) for p in inside.rglob("*.yaml")} == shipped
    assert not (installed / "tests").exists()


def test_presets_are_found_where_there_is_no_clone(installed, tmp_path):
    code = "from vitprune_tui.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "plan", "oneshot_random", "--workload", "digits", "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "HOME": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"parameters": 228394' in done.stdout
