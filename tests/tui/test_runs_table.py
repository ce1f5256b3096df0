"""The table of runs as text: what it shows at every width."""

import time
from dataclasses import replace

import pytest

from tests.tui.bench import epoch, started
from tests.tui.test_live_parts import told
from vitprune_core.store.brief import Brief
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import plain
from vitprune_tui.draw.runs import detail as run_detail
from vitprune_tui.draw.runs import table as runs_table
from vitprune_tui.draw.runs.table import Table


@pytest.fixture(autouse=True)
def greenwich(monkeypatch):
    """Everybody sees the same times."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def brief(**changes) -> Brief:
    facts = {
        "state": "done",
        "preset": "oneshot_global",
        "workload": "digits",
        "seed": 0,
        "epochs_done": 135,
        "epochs_planned": 135,
        "dense": 0.967,
        "levels": 5,
        "sparsity": 0.9,
        "accuracy": 0.942,
        "started": 1_764_165_780.0,
        "updated": 1_764_165_840.0,
        "damaged": 0,
    }
    return Brief(**{**facts, **changes})


NOTHING = {"dense": None, "sparsity": None, "accuracy": None, "levels": 0}
BEGUN = {**NOTHING, "dense": 0.967, "epochs_done": 42}
RUNS = [
    ("oneshot_global-digits-s0-f767", brief()),
    ("iterative_global-digits-s12-6445", brief(state="running", seed=12, **BEGUN)),
    ("rows-digits-s0-fdc8", brief(state="failed", damaged=2, accuracy=None)),
    ("heads-digits-s0-7726", brief(state="queued", epochs_done=0, epochs_planned=0, **NOTHING)),
]
TABLE = Table(
    RUNS,
    order=("other", "heads-digits-s0-7726"),
    asked={"iterative_global-digits-s12-6445": "pause"},
    baseline="oneshot_global-digits-s0-f767",
    sort="accuracy",
    reverse=True,
)


def drawn(columns, glyphs=BRAILLE, table=TABLE) -> list[str]:
    """Head and rows without the two columns before them."""
    lines = [runs_table.head(table, columns - 2, glyphs)]
    lines += [runs_table.row(table, at, columns - 2, glyphs) for at in range(len(table.runs))]
    return [plain(line).rstrip() for line in lines]


def test_on_eighty_columns_there_is_what_matters_most():
    assert drawn(80) == [
        "name                                 state           epochs  last at    test↓",
        "oneshot_global-digits-s0-f767     ★  ✔ done         135/135     90 %   94.2 %",
        "iterative_global-digits-s12-6445     ▶ pause asked   42/135        -        -",
        "rows-digits-s0-fdc8               !  × failed       135/135     90 %        -",
        "heads-digits-s0-7726                 · queued #2          -        -        -",
    ]


def test_ascii_says_the_same():
    assert drawn(80, ASCII) == [
        "name                                 state           epochs  last at    testv",
        "oneshot_global-digits-s0-f767     =  + done         135/135     90 %   94.2 %",
        "iterative_global-digits-s12-6445     > pause asked   42/135        -        -",
        "rows-digits-s0-fdc8               !  x failed       135/135     90 %        -",
        "heads-digits-s0-7726                 . queued #2          -        -        -",
    ]


def test_names_give_way_in_their_middle_and_keep_what_tells_runs_apart():
    assert drawn(50) == [
        "name             state          last at    test↓",
        "onesho…-f767  ★  ✔ done            90 %   94.2 %",
        "iterat…-6445     ▶ pause asked        -        -",
        "rows-d…-fdc8  !  × failed          90 %        -",
        "heads-…-7726     · queued #2          -        -",
    ]
    assert drawn(20)[1] == "one…-f767   94.2 %"


def test_wider_screens_have_more_columns():
    head, first, *_ = drawn(120)
    assert head.split() == (
        ["name", "state", "workload", "epochs", "dense", "last", "at", "test↓", "points", "started"]
    )
    assert first.endswith("digits    135/135   96.7 %     90 %   94.2 %    -2.5  11-26 14:03")
    head, first, second, *_ = drawn(200)
    assert head.split()[2:5] == ["preset", "workload", "seed"]
    assert "▶ running, pause asked  oneshot_global  digits       12   42/135" in second


def test_rows_are_never_wider_than_the_screen():
    for columns in range(3, 220):
        assert max(map(len, drawn(columns))) <= columns - 2


def test_the_column_that_rows_are_sorted_by_is_in_sight():
    for sort, title in [("dense", "dense↑"), ("seed", "seed↑"), ("updated", "updated↑")]:
        assert title in drawn(80, table=Table(RUNS, sort=sort))[0]
    assert "updated" not in drawn(200)[0]


def test_nothing_moves_when_a_run_goes_on():
    heads = set()
    for done in (0, 9, 10, 100):
        runs = [("a", brief(epochs_done=done))]
        heads.add(drawn(80, table=Table(runs))[0])
    assert len(heads) == 1


def test_a_time_that_no_clock_shows_is_missing():
    rows = drawn(200, table=Table([("a", brief(started=1e300)), ("b", brief(started=None))]))
    assert [row.split()[-1] for row in rows[1:]] == ["-", "-"]


def test_the_detail_of_a_run_says_that_its_worker_gives_no_sign_of_life(tmp_path):
    run = replace(told(tmp_path, started(), epoch(0)), stalled=30.0)
    chosen = run_detail.Chosen("run", run.summary.brief, run, None, None, "enter")
    lines = run_detail.draw(chosen, columns=72, rows=8, glyphs=BRAILLE)
    words = "stalled: no sign of life from its process for 30 s"
    assert plain(lines[1]).strip() == f"▶ running  {words}"


def test_the_detail_of_a_run_that_is_not_read_says_how_to_read_it():
    chosen = run_detail.Chosen("heads-digits-s0-7726", brief(), None, None, None, "enter")
    lines = run_detail.draw(chosen, columns=72, rows=8, glyphs=BRAILLE)
    assert [plain(line).rstrip() for line in lines] == [
        "── heads-digits-s0-7726 ────────────────────────────────────────────────",
        " ✔ done",
        " oneshot_global on digits, seed 0, 135/135 epochs, began 11-26 14:03, "
        "last heard of 11-26 14:04",
        " dense 96.7 %, 5 levels, the last at 90 %: 94.2 % (-2.5 points)",
        " enter shows more of it",
    ]
