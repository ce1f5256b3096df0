"""Killed at any named point, or before any call to the disk, a run ends at the same bytes."""

import shutil
import signal

import pytest

from tests import points
from tests.workers import PATIENCE, outcome, tiny
from vitprune_core import launch
from vitprune_core.store.rundir import DENSE, RunDir
from vitprune_core.store.sealed import sealed, unseal

METHOD = (
    *("iterative_global", "prune.sparsities=[0.5, 0.75]", "prune.step=0.5"),
    "retrain={policy: weight_rewind, fraction: 0.5, optimizer: keep}",
    *("model.depth=1", "train.epochs=2", "train.batch_size=700", "checkpoint.every=0"),
)
"""Dense training that keeps an epoch to rewind to, and two rounds; 12 checkpoints."""


def alone(folder, zygote):
    tiny(folder, "run", *METHOD)


def torn(folder, zygote):
    with killed(folder, zygote).log.open("ab") as log:
        log.write(b'{"seq":99,"att')


def damaged(folder, zygote):
    newest = sealed(killed(folder, zygote).checkpoints)[0]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)


def bereft(folder, zygote):
    killed(folder, zygote)
    shutil.rmtree(folder / DENSE)


def adopting(folder, zygote):
    """Another run has the first half of the dense training."""
    killed(folder, zygote, "first", time=3)
    tiny(folder, "run", *METHOD)


def asked(folder, zygote):
    """To pause."""
    alone(folder, zygote)


def killed(folder, zygote, name="run", time=10):
    """By default in the second round."""
    run = tiny(folder, name, *METHOD)
    point = points.told("Checkpointed", time)[f"after Checkpointed ({time})"]
    assert die(run, zygote, ("arm", *point))
    return run


def die(run, zygote, *first):
    """Work until what the process was armed with ends it; whether it came to it."""
    zygote.first = [(f"tests.points:{function}", *words) for function, *words in first]
    code = launch.start(run).wait(PATIENCE)
    zygote.first = []
    assert code in (-signal.SIGKILL, 0)
    return code != 0


def check_what_has_a_name(run):
    """It is whole; raises `DamagedFile`."""
    for folder in (run.checkpoints, *(run.path.parent / DENSE).glob("*.epochs")):
        for path in sealed(folder):
            unseal(path)


SCENES = {
    alone: points.ALONE,
    torn: points.TORN,
    damaged: points.DAMAGED,
    bereft: points.BEREFT,
    adopting: points.ADOPTING,
    asked: points.ASKED,
}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory, zygote):
    """`scenes(prepare)`: a folder to begin with, and how its run ends when it is left alone."""
    done = {}

    def make(prepare):
        if prepare not in done:
            folder = tmp_path_factory.mktemp(prepare.__name__)
            before, after = folder / "before", folder / "after"
            prepare(before, zygote)
            run = copied(before, after)
            assert launch.start(run).wait(PATIENCE) == 0
            done[prepare] = before, outcome(run)
        return done[prepare]

    return make


def copied(before, folder):
    shutil.copytree(before, folder, dirs_exist_ok=True)
    return RunDir(folder / "run")


@pytest.mark.parametrize(
    ("prepare", "name"),
    [
        pytest.param(prepare, name, id=f"{prepare.__name__}: {name}")
        for prepare, names in SCENES.items()
        for name in names
    ],
)
@pytest.mark.campaign("points")
def test_killed_at_a_named_point_a_run_ends_at_the_same_bytes(
    prepare, name, scenes, forked, tmp_path, counted
):
    start, expected = scenes(prepare)
    run = copied(start, tmp_path)
    before = [("pause", str(run.control))] if prepare is asked else []
    assert die(run, forked, *before, ("arm", *SCENES[prepare][name]))
    if prepare is not damaged:
        check_what_has_a_name(run)
    assert launch.start(run).wait(PATIENCE) == 0
    assert outcome(run) == expected
    counted(1)


@pytest.mark.campaign("points")
def test_killed_before_any_call_to_the_disk_a_run_ends_at_the_same_bytes(
    scenes, forked, tmp_path, counted, request
):
    start, expected = scenes(alone)
    step = 1 if request.config.getoption("torture") else 40
    for number in range(step, 1_000, step):
        run = copied(start, tmp_path / str(number))
        if not die(run, forked, ("arm_writes", number)):
            break
        check_what_has_a_name(run)
        assert launch.start(run).wait(PATIENCE) == 0
        assert outcome(run) == expected, number
        counted(1)
        shutil.rmtree(tmp_path / str(number))
    assert number > 200
