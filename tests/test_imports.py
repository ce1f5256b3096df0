"""What loads what: the bench opens in a moment because it never loads torch."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.conftest import TINY

SET = [word for override in TINY for word in ("--set", override)]
COMMANDS = [
    ["--help"],
    ["ls"],
    ["show", "RUN"],
    ["log", "RUN"],
    ["plan", "oneshot_random", "--workload", "digits"],
    ["presets"],
    ["masks", "RUN"],
    ["plot", "RUN"],
    ["export", "RUN", "-o", "OUT"],
    ["rm", "RUN"],
    ["resume", "RUN"],
    ["watch", "RUN"],
    ["queue"],
    ["run", "oneshot_global", "--workload", "digits", "--detach", *SET],
]
SPY = """
import json, sys
from vitprune_tui.cli import main
try:
    main()
finally:
    print("MODULES", json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def modules(arguments):
    done = subprocess.run(
        [sys.executable, "-c", SPY, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.rpartition("MODULES ")[2]))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_no_command_loads_torch(command, a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "runs" / a_run.id)
    words = {"RUN": a_run.id, "OUT": str(tmp_path / "out.md")}
    arguments = [words.get(word, word) for word in command]
    runs = [] if command[0] in ("--help", "presets") else ["--runs", str(tmp_path / "runs")]
    loaded = modules([*arguments, *runs])
    assert not loaded & {"torch", "numpy", "sklearn", "vitprune_core.engine"}
    if command[0] in ("--help", "ls", "queue"):
        assert not loaded & {"pydantic", "rich", "yaml", "plotext", "textual"}
    if command[0] == "ls":  # of a run that rests what was kept is enough
        assert not loaded & {"vitprune_core.store.events", "vitprune_core.store.summary"}
