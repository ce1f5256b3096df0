import pytest

from vitprune_core.store import queue
from vitprune_core.store.rundir import RunDir


@pytest.fixture
def abc(tmp_path):
    for name in ("a", "b", "c"):
        queue.add(tmp_path, name)
    return tmp_path


def test_who_comes_first_is_first_and_nobody_waits_twice(abc):
    queue.add(abc, "a")
    assert queue.order(abc) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "by", "after"),
    [
        ("c", -1, ["a", "c", "b"]),
        ("a", 1, ["b", "a", "c"]),
        ("a", -1, ["a", "b", "c"]),
        ("c", 1, ["a", "b", "c"]),
        ("none", 1, ["a", "b", "c"]),
    ],
)
def test_a_run_moves_by_a_place_and_not_past_the_ends(abc, name, by, after):
    queue.move(abc, name, by)
    assert queue.order(abc) == after


def test_a_run_is_taken_out(abc):
    queue.remove(abc, "b")
    queue.remove(abc, "none")
    assert queue.order(abc) == ["a", "c"]
    assert queue.has(RunDir(abc / "a"))
    assert not queue.has(RunDir(abc / "b"))


def test_a_run_of_a_study_waits_under_its_study(tmp_path):
    queue.add(tmp_path, "study/a")
    assert queue.has(RunDir(tmp_path / "study" / "a"))


@pytest.mark.parametrize("text", ["", "[", "{}", '[1, "../x", "/y", "ok"]'])
def test_an_order_that_is_damaged_is_empty_or_what_can_be_read(tmp_path, text):
    queue.add(tmp_path, "a")
    (tmp_path / ".queue" / "order.json").write_text(text)
    assert queue.order(tmp_path) == (["ok"] if "ok" in text else [])
