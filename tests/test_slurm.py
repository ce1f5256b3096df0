"""The script for an array of jobs, carried out as Slurm would: by bash, and terminated."""

import signal
import subprocess

import pytest

from tests.test_on_ray import longer
from tests.test_sweep import home_of, logs, nobody, swept, told
from tests.workers import trains, until
from vitprune_core.store import events as e


@pytest.mark.slow
def test_a_job_whose_time_is_up_leaves_its_run_to_the_others(tmp_path):
    study, mine = longer(tmp_path), home_of(tmp_path / "runs")
    script = tmp_path / "study.sh"
    script.write_text(swept(study, tmp_path / "runs", "--emit", "slurm", "--jobs", "1")[1])
    first, second = [
        subprocess.Popen(["bash", script], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    until(lambda: sum(trains(run) for run in logs(mine)) == 2)  # each has a hand of its own
    first.send_signal(signal.SIGTERM)
    _, stopped = first.communicate()
    _, err = second.communicate()
    assert "stopping after checkpoints" in stopped
    assert (first.returncode, second.returncode) == (130, 0), err
    assert [told(run, e.Finished) for run in logs(mine)] == [1] * 4
    assert sum(told(run, e.Stopped) for run in logs(mine)) == 1
    assert nobody(mine)
