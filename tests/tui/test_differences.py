import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import plain, width
from vitprune_tui.facts.differences import differences, lines
from vitprune_tui.facts.written import written

FIRST = {
    "workload": "digits",
    "seed": 0,
    "train": {"epochs": 60, "lr": 0.001, "flip": True},
    "prune": {"distribution": "global", "sparsities": [0.5, 0.9]},
}
SECOND = {
    "workload": "digits",
    "seed": 1,
    "train": {"epochs": 60, "lr": 0.01, "flip": False},
    "prune": {"distribution": "random", "random_of": "global", "sparsities": [0.5, 0.95]},
}


def test_only_what_differs_is_told_in_the_order_of_the_config():
    assert differences([FIRST, SECOND]) == [
        ("seed", ["0", "1"]),
        ("train.lr", ["0.001", "0.01"]),
        ("train.flip", ["true", "false"]),
        ("prune.distribution", ["global", "random"]),
        ("prune.sparsities", ["[0.5, 0.9]", "[0.5, 0.95]"]),
        ("prune.random_of", ["-", "global"]),
    ]


def test_a_config_does_not_differ_from_itself():
    assert differences([FIRST, FIRST, FIRST]) == []
    assert differences([FIRST]) == differences([]) == []


def test_of_three_one_that_differs_is_enough():
    assert differences([{"a": 1}, {"a": 1}, {"a": 2}]) == [("a", ["1", "1", "2"])]


def test_a_key_that_is_not_there_is_not_null():
    assert differences([{"a": None}, {}]) == [("a", ["null", "-"])]


def test_a_mapping_against_null_tells_its_keys():
    assert differences([{"prune": None}, {"prune": {"schedule": "oneshot"}}]) == [
        ("prune", ["null", "-"]),
        ("prune.schedule", ["-", "oneshot"]),
    ]
    assert differences([{"a": {}}, {}]) == [("a", ["{}", "-"])]


def test_what_means_the_same_does_not_differ():
    assert differences([{"a": (1, 0.5)}, {"a": [1.0, 0.5]}]) == []
    assert differences([{"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}]) == []


def test_what_looks_alike_and_is_not_stands_in_quotes():
    assert differences([{"a": True}, {"a": "true"}]) == [("a", ["true", '"true"'])]
    assert differences([{"a": "-"}, {}]) == [("a", ['"-"', "-"])]
    assert [written(text) for text in ("1", "", "a b", "lr_rewind")] == [
        '"1"',
        '""',
        '"a b"',
        "lr_rewind",
    ]


def test_long_lists_that_differ_at_their_end_differ():
    [(_, (first, second))] = differences([{"a": [0] * 2000 + [1]}, {"a": [0] * 2000 + [2]}])
    assert first.endswith("…")
    assert second.endswith("…")


def test_control_characters_do_not_reach_the_terminal():
    assert differences([{"a\x1b[2J": "x\x1bM\x07"}, {}]) == [("a", [r'"x\u001bM\u0007"', "-"])]


def drawn(columns, glyphs=BRAILLE, names=("first", "second")):
    rows = [("seed", ["0", "1"]), ("prune.random_of", ["-", "global"])]
    return [plain(line).rstrip() for line in lines(names, rows, columns, glyphs)]


def test_the_table_is_aligned_under_the_names():
    assert drawn(80) == [
        "                 first  second",
        "seed             0      1",
        "prune.random_of  -      global",
    ]


def test_the_widest_column_gives_first():
    assert drawn(24) == [
        "           first  second",
        "seed       0      1",
        "prune.ra…  -      global",
    ]
    assert drawn(13, ASCII) == [
        "     ~st  ~nd",
        "se~  0    1",
        "pr~  -    gl~",
    ]


def test_no_difference_is_said():
    assert plain(lines(("a", "b"), [], 80, BRAILLE)[0]).rstrip() == "no difference"


@given(st.integers(0, 100), st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_every_line_is_as_wide_as_the_room(columns, names):
    rows = [("key", ["漢字" * 10] * len(names)), ("漢", ["-"] * len(names))]
    for line in lines(names, rows, columns, BRAILLE):
        assert width(line) == columns


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), values, max_size=3), max_size=3))
def test_every_row_has_a_value_for_each_config(configs):
    for _, texts in differences(configs):
        assert len(texts) == len(configs)


@pytest.mark.parametrize("value", [0.001, 1e-05, 0.1, 3, [0.5, 1]])
def test_numbers_are_written_as_in_a_preset(value):
    assert written(value) == str(value)
