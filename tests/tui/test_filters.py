import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_tui.facts.filters import KEYS, SORTS, STATES, ordered, parse
from vitprune_tui.state import Lab
from vitprune_tui.wrong import Wrong

FRESH = Brief(
    state="queued",
    preset="",
    workload="",
    seed=None,
    epochs_done=0,
    epochs_planned=60,
    dense=None,
    levels=0,
    sparsity=None,
    accuracy=None,
    started=None,
    updated=None,
    damaged=0,
)
DONE = replace(
    FRESH,
    state="done",
    preset="oneshot_random",
    workload="digits",
    seed=3,
    epochs_done=12,
    dense=0.9672,
    levels=3,
    sparsity=0.9499987,
    accuracy=0.9004,
    started=100.0,
    updated=200.0,
)
NAN = replace(FRESH, accuracy=float("nan"))


def shows(text, brief=DONE, name="Run-1"):
    return parse(text)(name, brief)


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_nothing_asks_for_everything(text):
    assert shows(text)
    assert shows(text, FRESH)


@pytest.mark.parametrize(
    "text",
    [
        "acc>0.89",
        "accuracy>=90%",
        "ACC>.8",
        "dense<0.97",
        "dense!=1",
        "levels>=3",
        "epochs>10",
        "epochs<=12",
        "seed=3",
        "seed==3",
        "seed>-1",
        "damaged=0",
        "preset~RAND",
        "workload=Digits",
        "workload!=cifar10",
        "state=done",
        "state~on",
        "state!=alive",
        "name~run",
        "id=run-1",
        "done",
        "Done",
        "random",
        "digit",
        "run-1",
        "!failed",
        "!preset~dense",
        "!!done",
        'preset~"random"',
    ],
)
def test_what_holds_is_shown_and_its_negation_is_not(text):
    assert shows(text)
    assert not shows(f"!{text}")


def test_all_words_must_hold():
    assert shows("acc>0.8 preset~rand !failed")
    assert not shows("acc>0.8 preset~dense")


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_a_word_of_its_own(state):
    here = replace(DONE, state=state)
    assert [word for word in STATES if shows(word, here)] == [state]
    assert shows("alive", here) == shows("state=alive", here) == (state in ALIVE)


def test_a_word_in_quotes_is_never_a_state():
    assert not shows('"done"')
    assert shows('"done"', FRESH, "not done yet")


def test_quotes_hold_spaces_and_signs():
    assert shows('name~"a b"', name="xa by")
    assert not shows('name~"a b"', name="b a")
    assert shows('"a>b"', name="a>b")
    assert shows('!"a b"', name="b a")


def test_numbers_are_compared_as_the_table_shows_them():
    assert shows("sparsity=0.95")
    assert shows("sparsity>=95%")
    assert not shows("sparsity<0.95")
    assert shows("acc=90%")
    assert not shows("acc>0.9")


def test_more_digits_than_the_table_shows_count():
    assert shows("acc>0.9001")
    assert not shows("acc=0.9001")
    assert shows("acc=90.04%")
    assert shows("sparsity=0.9499987")


@pytest.mark.parametrize("brief", [FRESH, NAN])
@pytest.mark.parametrize("sign", [">", ">=", "<", "<=", "=", "!="])
def test_a_run_without_the_value_satisfies_no_comparison_and_no_negation(sign, brief):
    assert not shows(f"acc{sign}0.5", brief)
    assert not shows(f"!acc{sign}0.5", brief)


def test_text_that_is_empty_is_still_text():
    assert shows("!preset~rand", FRESH)
    assert shows('preset=""', FRESH)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            "done acuracy>0.9",
            "character 6: 'acuracy' is not a key; did you mean 'accuracy'? (keys: acc, accuracy, "
            "dense, sparsity, levels, epochs, seed, damaged, preset, workload, state, name, id)",
        ),
        ("preset>x", "character 1: 'preset' is text: it takes ~ = !=, not >"),
        ("!acc~9", "character 2: 'acc' is a number: it takes > >= < <= = !=, not ~"),
        ("acc>high", "character 5: 'high' is not a number; acc takes one like 0.9 or 90%"),
        ("acc>90", "character 5: '90' is no share; acc is from 0 to 1, like 0.9 or 90%"),
        ("levels>3%", "character 8: '3%' is a percentage; levels takes a number like 3"),
        ("seed=.", "character 6: '.' is not a number; seed takes one like 3"),
        ("acc>", "character 1: 'acc>' has no value after >"),
        ("!", "character 1: '!' has nothing after it to turn around"),
        ('x "a b', "character 3: '\"' begins a quote that does not end"),
        ("a\x1b[31m>1", f"character 1: 'a' is not a key (keys: {', '.join(KEYS)})"),
        (
            "state=runing",
            "character 7: 'runing' is not one of reading, queued, starting, running, pausing, "
            "paused, stopping, stopped, done, failed, lost, unreadable, alive; "
            "did you mean 'running'?",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_choices(text, answer):
    with pytest.raises(Wrong) as wrong:
        parse(text)
    assert str(wrong.value) == answer


def test_a_sign_needs_a_key():
    with pytest.raises(Wrong, match=r"^character 1: '>0\.9' has no key before > \(keys: acc, "):
        parse(">0.9")


words = st.sampled_from([*KEYS, *STATES, "!", '"', " ", ">", "=", "~", "0.9", "90%", "x", "\x00"])


@given(st.one_of(st.text(), st.lists(words).map("".join)))
def test_any_text_is_a_filter_or_wrong(text):
    try:
        chosen = parse(text)
    except Wrong:
        return
    for brief in (FRESH, DONE, NAN):
        assert chosen("run", brief) in (True, False)


def test_a_number_of_many_digits_is_wrong_and_no_more():
    with pytest.raises(Wrong, match="is not a number"):
        parse("seed=" + "9" * 10_000)


def named(rows):
    return "".join(name for name, _ in rows)


def test_runs_without_the_value_come_last_in_both_directions():
    accuracies = {"a": 0.5, "b": None, "c": 0.9, "d": float("nan"), "e": 0.7}
    rows = [(name, replace(FRESH, accuracy=value)) for name, value in accuracies.items()]
    assert named(ordered(rows, "accuracy")) == "aecbd"
    assert named(ordered(rows, "accuracy", reverse=True)) == "ceabd"


def test_equal_ones_stay_as_they_stood_in_both_directions():
    rows = [
        (name, replace(FRESH, seed=seed)) for name, seed in zip("abcd", (1, 0, 1, 0), strict=True)
    ]
    assert named(ordered(rows, "seed")) == "bdac"
    assert named(ordered(rows, "seed", reverse=True)) == "acbd"


def test_states_are_sorted_as_a_run_lives_and_unknown_ones_come_last():
    states = {"a": "lost", "b": "strange", "c": "running", "d": "queued"}
    rows = [(name, replace(FRESH, state=state)) for name, state in states.items()]
    assert named(ordered(rows, "state")) == "dcab"


@pytest.mark.parametrize("key", SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_key_sorts_a_full_and_an_empty_run(key, reverse):
    rows = [("", FRESH), ("x", DONE)]
    assert sorted(named(ordered(rows, key, reverse))) == ["x"]


def test_the_keys_to_sort_by_stand_in_their_order():
    assert list(SORTS)[:4] == ["updated", "started", "name", "state"]


@pytest.mark.parametrize("module", ["facts.filters", "facts.differences", "keymap", "doing.device"])
def test_what_the_screen_needs_at_once_loads_nothing_heavy(module):
    code = f"import sys, vitprune_tui.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "textual", "pydantic", "yaml", "psutil", "pynvml"}
    assert not set(done.stdout.split()) & heavy


def test_runs_of_one_moment_are_in_the_order_of_their_names(tmp_path):
    rows = [("a", DONE), ("c", DONE), ("b", DONE)]
    assert named(ordered(rows, "started")) == "abc"
    assert named(ordered(rows, "started", reverse=True)) == "cba"
    lab = Lab(tmp_path, dict(rows))
    assert (lab.by_start, lab.newest) == (["a", "b", "c"], "c")
