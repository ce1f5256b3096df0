"""One registry of what keys do: what it promises to footer, help, palette, keys file and README."""

import os
from importlib import import_module
from itertools import combinations
from pathlib import Path

import pytest

from vitprune_tui.actions import ACTIONS, DEFAULTS, ROOMS, VIEWS, bindings, of_view, shown
from vitprune_tui.app import CLASSES, VitPrune
from vitprune_tui.draw import frame, help
from vitprune_tui.draw.glyphs import ASCII
from vitprune_tui.draw.lines import plain
from vitprune_tui.keymap import named
from vitprune_tui.views.asks import Asks
from vitprune_tui.widgets.dialogs import ANSWERS, Pages, Prompt
from vitprune_tui.widgets.field import Field, InOrder

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- keys -->\n", "<!-- /keys -->"
RENEW = "VITPRUNE_SCREENS=write pytest tests/tui/test_actions.py"
TAKEN = ("ctrl+b", "ctrl+a", "ctrl+s", "ctrl+z", "ctrl+backslash")
"""By tmux, screen and the terminal itself."""


def view_of(name):
    return getattr(import_module(f"vitprune_tui.views.{name}"), CLASSES[name])


def classes(room):
    """Whose keys they are."""
    if room == "app":
        return [VitPrune]
    return [view_of(view) for view, rooms in ROOMS.items() if room in rooms]


def test_every_room_is_everywhere_or_in_a_view():
    known = {"app", *(room for rooms in ROOMS.values() for room in rooms)}
    assert {action.room for action in ACTIONS} == known
    assert tuple(ROOMS) == VIEWS


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.id)
def test_every_action_can_be_done_wherever_its_keys_work(action):
    for owner in classes(action.room):
        assert callable(getattr(owner, f"action_{action.name}", None)), owner


@pytest.mark.parametrize("view", VIEWS)
def test_the_keys_of_a_view_are_bound_in_it(view):
    bound = {b.id: b.key for cls in view_of(view).__mro__ for b in vars(cls).get("BINDINGS", ())}
    mine = [action for action in ACTIONS if action.room in ROOMS[view]]
    assert bound == {action.id: ",".join(action.keys) for action in mine}


def test_runs_are_asked_in_views_that_know_how():
    assert all(issubclass(owner, Asks) for owner in classes("run"))


@pytest.mark.parametrize("view", VIEWS)
def test_no_two_actions_that_work_at_the_same_place_share_a_key(view):
    for one, other in combinations(of_view(view), 2):
        assert not set(one.keys) & set(other.keys), (one.id, other.id)


def test_ids_differ_and_every_action_has_a_key_a_word_and_a_sentence():
    assert len(DEFAULTS) == len(ACTIONS)
    for action in ACTIONS:
        assert action.keys
        assert action.what
        assert action.help.endswith(".")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.id)
def test_no_action_takes_the_keys_of_tmux_screen_and_the_terminal(action):
    assert not set(action.keys) & set(TAKEN)
    assert not any(key.startswith("alt+") for key in action.keys)
    if action.id != "app.leave":
        assert not set(action.keys) & {"ctrl+q", "ctrl+c"}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.id)
def test_escape_is_never_the_only_key(action):
    assert action.keys[0] != "escape" or len(action.keys) > 1


def test_every_key_is_named_as_the_keys_file_and_the_terminal_name_it():
    for action in ACTIONS:
        assert [named(key) for key in action.keys] == list(action.keys)


def test_keys_are_told_as_people_write_them():
    told = {shown(key) for action in ACTIONS for key in action.keys}
    assert {"?", ":", "/", "[", "]", "+", "-", ",", "."} <= told
    assert not any("_" in key for key in told)


def test_changed_keys_are_bound_instead_and_an_action_without_keys_is_not():
    keys = {**DEFAULTS, "bench.start": ("f5", "g"), "bench.queue": ()}
    bound = {b.id: b.key for b in bindings("bench", keys=keys)}
    assert bound["bench.start"] == "f5,g"
    assert "bench.queue" not in bound


@pytest.mark.parametrize("view", VIEWS)
def test_the_footer_says_how_to_leave_and_to_get_help_and_then_what_the_view_can_do(view):
    told = frame.keys_of(of_view(view), DEFAULTS)
    assert told[:2] == [("q", "leave"), ("?", "help")]
    mine = [(shown(a.keys[0]), a.what) for a in of_view(view) if a.footer]
    assert told[2:] == mine


def test_the_footer_has_the_keys_that_fit():
    keys = (("q", "leave"), ("?", "help"), ("enter", "start"))
    (drawn,) = frame.footer(keys, None, columns=20, rows=1, glyphs=ASCII)
    assert plain(drawn) == " q leave  ? help "
    (drawn,) = frame.footer(keys, ("saved", "good"), columns=20, rows=1, glyphs=ASCII)
    assert plain(drawn) == " saved"


def test_help_has_every_action_those_of_the_view_first():
    drawn = [plain(line) for line in help.lines(DEFAULTS, "masks", ["look here"], {})]
    assert drawn[0].strip() == "look here"
    assert drawn[2].strip() == "4 Masks"
    for action in ACTIONS:
        assert sum(line.endswith(f" {action.help}") for line in drawn) >= 1, action.id
        assert any(shown(action.keys[0]) in line and action.help in line for line in drawn)


def test_help_has_the_keys_of_fields_questions_and_pages():
    drawn = [plain(line).strip() for line in help.lines(DEFAULTS, "bench", [], ANSWERS)]
    for heading, keys in ANSWERS.items():
        below = drawn[drawn.index(heading) + 1 :]
        assert [entry.split(maxsplit=1)[0] for entry in below[: len(keys)]] == [
            key.split()[0] for key, _ in keys
        ]


@pytest.mark.parametrize(
    ("bound", "keys"),
    [
        (Field, Field.KEYS),
        (InOrder, Prompt.KEYS[:1]),
        (Prompt, Prompt.KEYS[1:]),
        (Pages, Pages.KEYS),
    ],
)
def test_keys_that_are_told_of_what_stands_over_a_view_are_bound_in_it(bound, keys):
    known = {shown(key) for key in bound._merge_bindings().key_to_bindings}
    told = " ".join(key for key, _ in keys).replace("page ", "page-").split()
    assert {key.replace("-", " ") for key in told} <= known


def test_the_readme_has_the_keys_as_they_are():
    before, _, rest = README.read_text().partition(BEGIN)
    table, end, after = rest.partition(END)
    assert end, f"the README has no {BEGIN}"
    if os.environ.get("VITPRUNE_SCREENS") == "write":
        table = f"{help.markdown()}\n"
        README.write_text(f"{before}{BEGIN}{table}{END}{after}")
    assert table == f"{help.markdown()}\n", f"renew it: {RENEW}"
