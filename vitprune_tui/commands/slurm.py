"""`vitprune sweep STUDY --emit slurm`: a script for an array of jobs that work one study off."""

import shlex
import sys
from pathlib import Path

from vitprune_core.spec.study import Study

HEAD = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={output}
{gpu}
# Each job takes runs by their locks from one folder that all nodes share, until none is left; two
# minutes before its time is up it stops after a checkpoint, and whoever comes next goes on there.
set -euo pipefail
cd {here}
trap 'kill -TERM "$sweep"; wait "$sweep"' TERM
{join} &
sweep=$!
wait "$sweep"
"""


def script(study: Study, seeds: tuple[int, ...], folder: Path, asked: list[str], jobs: int) -> str:
    """One array job for each seed; `asked` are the words that name the study."""
    config = next(iter(study.arms.values()))
    vitprune = [sys.executable, "-m", "vitprune_tui.cli"]
    sweep = [*vitprune, "sweep", *asked, "--runs", str(folder.absolute()), "--jobs", str(jobs)]
    gpu = "#SBATCH --gpus=1\n" if config.device == "cuda" else ""
    return HEAD.format(
        name=study.folder,
        last=len(seeds) - 1,
        cpus=jobs * config.threads,
        output=shlex.quote(f"{folder.absolute()}/{study.folder}-%A_%a.txt"),
        gpu=gpu,
        here=shlex.quote(str(Path.cwd())),
        join=shlex.join([*sweep, "--join"]),
    )
