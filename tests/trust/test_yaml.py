"""Whatever a YAML file holds, it is a request or told wrong, in a moment: tests/trust/fuzz.py."""

import signal
from contextlib import contextmanager

import pytest

from tests.trust.fuzz import fuzzed
from vitprune_core.spec.plan import plan
from vitprune_core.spec.request import load
from vitprune_core.spec.sentence import sentence
from vitprune_core.spec.source import Problem, SpecError
from vitprune_core.spec.study import load_study
from vitprune_core.store.clean import clean

LONG = 60
"""Seconds, a thousand times what a file takes: what takes longer hangs."""


@contextmanager
def a_moment():
    def over(number, frame):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(LONG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def wrong(kind: str, path: str) -> list[Problem]:
    """What is wrong with a file, read as `vitprune plan` and `sweep` do."""
    try:
        if kind == "study":
            asked = list(load_study(path).arms.values())
        else:
            asked = [(load(path) if kind == "preset" else load("oneshot_global", path)).config]
    except SpecError as error:
        return error.problems
    assert all(plan(config).phases and sentence(config) for config in asked)
    return []


@pytest.mark.campaign("yaml", 1_250, 10_000)
@pytest.mark.parametrize("part", range(4))
def test_a_fuzzed_file_is_a_request_or_told_wrong(part, times, tmp_path):
    path, right = tmp_path / "mine.yaml", 0
    for number in range(part * 1_000_000, part * 1_000_000 + times):
        kind, data = fuzzed(number)
        path.write_bytes(data)
        try:
            with a_moment():
                told = wrong(kind, str(path))
            assert all(problem.what == clean(problem.what) for problem in told)
            assert len(set(map(str, told))) == len(told)
            right += not told
        except BaseException as error:
            error.add_note(f"of fuzzed({number}), a {kind}: {data!r}")
            raise
    assert 0 < right < times
