import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.keys import _character_to_key

from vitprune_tui.keymap import named, path, read

KNOWN = {
    "app.help": ("?",),
    "app.quit": ("q", "ctrl+q"),
    "live.pause": ("p",),
    "live.stop": ("x",),
    "runs.sort": ("s",),
    "curves.axis": ("x",),
}
DEFAULTS = {**KNOWN, "app.help": ("question_mark",)}


@pytest.fixture
def told(tmp_path):
    """What `read` makes of a file of this text: what differs from the defaults, and the problems.

    The folder is left out of the sentences.
    """

    def tell(text):
        file = tmp_path / "keys.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        keys, problems = read(file, KNOWN)
        assert list(keys) == list(KNOWN)
        changed = {action: keys[action] for action in keys if keys[action] != DEFAULTS[action]}
        return changed, [problem.replace(f"{tmp_path}/", "") for problem in problems]

    return tell


def test_the_file_is_in_the_config_folder(monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/some/where")
    assert path() == Path("/some/where/vitprune/keys.yaml")


@pytest.mark.parametrize("folder", ["", "not/absolute"])
def test_without_one_it_is_in_the_home_folder(monkeypatch, folder):
    monkeypatch.setenv("XDG_CONFIG_HOME", folder)
    monkeypatch.setenv("HOME", "/home/someone")
    assert path() == Path("/home/someone/.config/vitprune/keys.yaml")


def test_without_a_file_the_defaults_hold_under_the_names_of_textual(tmp_path):
    assert read(tmp_path / "keys.yaml", KNOWN) == (DEFAULTS, [])
    assert read(tmp_path / "no folder" / "keys.yaml", KNOWN) == (DEFAULTS, [])


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_changes_nothing(told, text):
    assert told(text) == ({}, [])


def test_a_key_or_a_list_of_keys_is_set(told):
    assert told('live.pause: "P"\napp.help: [f1, "?", F1]\nruns.sort: 1') == (
        {"live.pause": ("P",), "app.help": ("f1", "question_mark"), "runs.sort": ("1",)},
        [],
    )


def test_no_action_is_left_without_a_key(told):
    assert told("app.quit: []") == ({}, ["keys.yaml:1:1: app.quit: needs at least one key"])


@pytest.mark.parametrize("character", [*string.printable.strip(), " ", "é", "€", "…", "漢"])
def test_characters_are_named_as_textual_names_them(character):
    assert named(character) == _character_to_key(character)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Ctrl+P", "\x10"),
        ("ctrl+]", "\x1d"),
        ("ctrl+i", "\t"),
        ("ctrl+m", "\r"),
        ("ctrl+h", "\x7f"),
        ("shift+a", "A"),
        ("SHIFT+Tab", "\x1b[Z"),
        ("shift+f1", "\x1b[1;2P"),
        ("PageUp", "\x1b[5~"),
        ("shift+ctrl+a", "\x1b[97;6u"),
    ],
)
def test_keys_are_named_as_what_a_terminal_sends(written, sent):
    assert [event.key for event in XTermParser().feed(sent)] == [named(written)]


@pytest.mark.parametrize(
    "written", ["", "esc", "++", "a+b", "super+x", "shift+1", "shift+?", "ctrl+@", "\x07", "f25"]
)
def test_what_no_terminal_sends_is_not_a_key(written):
    assert named(written) is None


def test_plus_is_a_key_with_and_without_ctrl():
    assert named("+") == "plus"
    assert named("ctrl++") == "ctrl+plus"


def test_an_unknown_action_is_answered_with_those_of_its_room(told):
    assert told("live.puase: P\nruns.sort: S") == (
        {"runs.sort": ("S",)},
        [
            "keys.yaml:1:1: 'live.puase' is not an action; did you mean 'live.pause'? "
            "(actions: live.pause, live.stop)"
        ],
    )


def test_an_unknown_room_is_answered_with_all_actions(told):
    _, [problem] = told("view: P")
    assert problem == f"keys.yaml:1:1: 'view' is not an action (actions: {', '.join(KNOWN)})"


def test_what_is_not_a_key_is_answered_with_the_choices(told):
    changed, [problem] = told("live.pause: [P, escap]")
    assert changed == {}
    assert problem == (
        "keys.yaml:1:1: live.pause: 'escap' is not a key; did you mean 'escape'? (keys: one "
        "character, enter, escape, tab, space, backspace, insert, delete, up, down, left, right, "
        "home, end, pageup, pagedown, f1 to f24; before it ctrl+ or shift+)"
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("~", "nothing"),
        ("true", "true"),
        ("1.5", "1.5"),
        ("{a: b}", "a mapping"),
        ("[[a]]", "a list in a list"),
    ],
)
def test_what_is_neither_a_key_nor_a_list_is_told_as_what_it_is(told, value, what):
    expected = f'keys.yaml:1:1: live.pause: {what} is not a key or a list of keys, like [f1, "?"]'
    assert told(f"live.pause: {value}") == ({}, [expected])


@pytest.mark.parametrize(
    "key", ["ctrl+a", "CTRL+B", "ctrl+s", "ctrl+z", r"ctrl+\\", "alt+x", "meta+x"]
)
def test_keys_of_the_terminal_and_of_tmux_are_not_given_away(told, key):
    changed, [problem] = told(f'live.pause: "{key}"')
    assert changed == {}
    assert problem.endswith(
        "belongs to the terminal, tmux or screen, as do ctrl+a, ctrl+b, ctrl+s, ctrl+z, "
        "ctrl+backslash and anything with alt"
    )


def test_two_actions_of_one_room_do_not_share_a_key(told):
    assert told("live.pause: x") == (
        {},
        ["keys.yaml:1:1: live.pause: x is the key of live.stop already"],
    )


def test_of_two_entries_with_one_key_the_first_holds(told):
    assert told("live.pause: [P, k]\nlive.stop: [K, k]") == (
        {"live.pause": ("P", "k")},
        ["keys.yaml:2:1: live.stop: k is the key of live.pause already"],
    )


def test_a_key_of_the_app_is_its_key_everywhere(told):
    assert told("curves.axis: q") == (
        {},
        ["keys.yaml:1:1: curves.axis: q is the key of app.quit already"],
    )
    assert told("app.help: s") == (
        {},
        ["keys.yaml:1:1: app.help: s is the key of runs.sort already"],
    )


def test_actions_of_two_rooms_share_a_key(told):
    assert told("runs.sort: x") == ({"runs.sort": ("x",)}, [])


def test_rooms_of_one_view_do_not_share_a_key(tmp_path):
    file, known = tmp_path / "keys.yaml", {"run.stop": ("x",), "live.next": ("n",)}
    file.write_text("live.next: x")
    assert read(file, known)[1] == []
    keys, [problem] = read(file, known, {"live": ("live", "run")})
    assert keys == known
    assert problem.endswith("live.next: x is the key of run.stop already")


def test_two_actions_change_their_keys_with_each_other(told):
    assert told("live.pause: x\nlive.stop: p") == (
        {"live.pause": ("x",), "live.stop": ("p",)},
        [],
    )


def test_a_default_that_is_back_takes_its_key_back(told):
    changed, problems = told("live.pause: x\nlive.stop: alt+x")
    assert changed == {}
    assert [problem.split(":")[1] for problem in problems] == ["2", "1"]


def test_a_key_that_stands_twice_is_told_and_the_first_holds(told):
    changed, [problem] = told("live.pause: P\nlive.pause: k")
    assert changed == {"live.pause": ("P",)}
    assert "stands here a second time" in problem


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- a\n- b", "is not a mapping from actions to keys, like live.pause: P"),
        ("just words", "is not a mapping"),
        ("app.help: ?\n  x", "is not YAML: mapping keys are not allowed here; a sign needs"),
        ("live.pause: %", 'a sign needs quotes: "?"'),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        ("a: \x07", "has a character that YAML does not allow"),
        ("# " + "x" * 70_000, "is larger than 64 KiB"),
        ("a: " + "[" * 30_000, "nested deeper than 12 levels"),
        ("a: [" + "b, " * 20_000 + "]", "more than 2000 values"),
    ],
)
def test_a_file_that_says_nothing_leaves_the_defaults_and_one_problem(told, text, what):
    changed, [problem] = told(text)
    assert changed == {}
    assert problem.startswith("keys.yaml")
    assert what in problem


def test_a_folder_in_its_place_is_one_problem(tmp_path):
    assert read(tmp_path, KNOWN) == (DEFAULTS, [f"{tmp_path}: is not a file"])


def test_a_loop_of_links_is_one_problem(tmp_path):
    loop = tmp_path / "keys.yaml"
    loop.symlink_to(loop)
    keys, [problem] = read(loop, KNOWN)
    assert keys == DEFAULTS
    assert "cannot be read" in problem


def test_aliases_are_told_and_cost_nothing(told):
    bomb = "a: &a [x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    changed, problems = told(bomb)
    assert changed == {}
    assert "anchors and aliases are not used here" in problems[0]


def test_problems_are_safe_to_print(told):
    _, problems = told('"live.\\e[2Jpause": P\nlive.pause: "\\e[31m"')
    assert len(problems) == 2
    assert all(problem.isprintable() for problem in problems)


lines = st.tuples(
    st.sampled_from([*KNOWN, "x", "<<", "&a a"]),
    st.sampled_from(["p", "x", "[a, b]", "*a", "?", "!x y", "{", "~", "[[", '"+"', "=", "ctrl+x"]),
)


@given(
    st.one_of(st.binary(), st.lists(lines).map(lambda ls: "\n".join(map(": ".join, ls)).encode()))
)
def test_any_file_gives_every_action_its_keys(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    keys, problems = read(file, KNOWN)
    assert list(keys) == list(KNOWN)
    assert all(problem.isprintable() for problem in problems)
