"""Whatever call to the disk goes wrong, and however: the old state or the new, never a third."""

import json
import subprocess
import sys

import pytest


@pytest.mark.campaign("calls")
def test_every_call_to_the_disk_may_fail_in_every_way(tmp_path, counted):
    command = [sys.executable, "-m", "tests.faults", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["tried"] > 500
    assert found["went on alone"] > 80  # a disk that is full for a moment needs nobody
    counted(found["tried"])
