"""The parts of Live, each a pure function: compared by their text."""

import time
from array import array
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from tests.tui.bench import (
    created,
    dense,
    epoch,
    finished,
    level,
    made,
    matrices,
    pruned,
    started,
)
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import FULL_DISK
from vitprune_core.store.columns import CODES, NAMES, History
from vitprune_core.store.history import Reader
from vitprune_core.store.summary import Summary
from vitprune_tui.doing.device import Load
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import plain, width
from vitprune_tui.draw.live import (
    by_sparsity,
    densities,
    logged,
    machine,
    no_run,
    numbers,
    over_epochs,
    phases,
    progress,
)
from vitprune_tui.draw.live.alerts import alerts
from vitprune_tui.draw.live.alerts import draw as alerts_drawn
from vitprune_tui.draw.live.phases import Stage, Where
from vitprune_tui.draw.told import told as sentence
from vitprune_tui.state import Lab, Opened, State

PLANNED = (Stage(0, 0.0, True, 60), *(Stage(1, s, True, 15) for s in (0.5, 0.8, 0.9)))
EVIL = "\x1b[31mred\x1b]0;title\x07 [b]bold[/b]\n\u202eback"


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def rows(draw, *facts, columns=80, rows=24, glyphs=BRAILLE):
    lines = draw(*facts, columns=columns, rows=rows, glyphs=glyphs)
    assert len(lines) <= rows
    return [plain(line).rstrip() for line in lines]


def at(stage, doing="retrain", epochs=0, reached=(), stages=PLANNED, state="running"):
    return Where(stages, stage, doing, epochs, tuple(reached), 0, state)


def told(folder, *events, **config):
    """The run as the watcher reads it."""
    run = made(folder, "run", *events, **config)
    reader = Reader(run)
    reader.read()
    return Opened(
        run=run,
        summary=reader.summary,
        history=reader.history,
        rows=len(reader.history),
        tested=tuple(reader.tested),
        latest=tuple(reader.latest),
        levels=(),
        holder=None,
    )


def where(run, stages=PLANNED):
    return phases.where(stages, run.summary, run.tested, run.history, run.rows)


# the phase strip


def test_stages_are_over_at_work_or_ahead():
    assert rows(phases.draw, at(2, epochs=4), rows=1) == [
        "✔ dense 60  ✔ 50 %  ▶ 80 % retrain  4/15  · 90 %"
    ]
    assert rows(phases.draw, at(0, "train", 7), rows=1, glyphs=ASCII) == [
        "> dense  7/60  . 50 %  . 80 %  . 90 %"
    ]


def test_with_room_each_stage_says_what_it_reached():
    assert rows(phases.draw, at(2, "prune", reached=(0.967, 0.95)), rows=2) == [
        "✔ dense 60  ✔ 50 %    ▶ 80 % prune    0/15  · 90 %",
        "  96.7 %      95.0 %",
    ]


def test_nothing_moves_behind_a_stage_that_is_pruned_and_then_retrained():
    pruning, retraining = (rows(phases.draw, at(2, d), rows=1)[0] for d in ("prune", "retrain"))
    assert pruning.index("· 90 %") == retraining.index("· 90 %")


def test_a_long_plan_shows_what_is_around_now():
    stages = (Stage(0, 0.0, True, 60), *(Stage(k, 1 - 0.8**k, False, 15) for k in range(1, 21)))
    (shown,) = rows(phases.draw, at(10, epochs=3, stages=stages), columns=60, rows=1)
    assert shown == "✔ 10 over  ▶ 89.3 % retrain  3/15  · 91.4 %  … 9 more"
    for now in range(22):
        for columns in (1, 10, 50, 80, 300):
            (line,) = phases.draw(at(now, stages=stages), columns, 1, BRAILLE)
            assert columns < 50 or width(line) <= columns


def test_a_stage_that_failed_is_marked():
    shown = rows(phases.draw, at(1, epochs=2, state="failed"), rows=1)[0]
    assert "× 50 % retrain  2/15" in shown


def test_where_a_run_is_follows_from_its_log(tmp_path):
    events = [started(), *(epoch(i) for i in range(3))]
    assert where(told(tmp_path / "a", *events)).words == "dense"
    events += [epoch(3), dense()]
    assert where(told(tmp_path / "b", *events)).words == "50 % prune"
    events += [pruned(0.5), epoch(2, 1, 0.5)]
    retraining = where(told(tmp_path / "c", *events))
    assert (retraining.words, retraining.at, retraining.epochs) == ("50 % retrain", 1, 1)
    events += [epoch(3, 1, 0.5), level(0.5, 0.9), pruned(0.8)]
    later = where(told(tmp_path / "d", *events))
    assert (later.words, later.epochs, later.reached) == ("80 % retrain", 0, (0.95, 0.9))


def test_without_a_plan_the_log_says_which_levels_there_are(tmp_path):
    run = told(tmp_path / "a", sparsities=[0.5, 0.9], schedule="oneshot")
    assert phases.guessed(run.summary, ()) == (
        Stage(0, 0.0, True, None),
        Stage(1, 0.5, True, None),
        Stage(1, 0.9, True, None),
    )
    assert phases.guessed(Summary(config={"prune": [1]}), (pruned(0.3),))[1].sparsity == 0.3


# progress


def summary(state="running", **changes):
    base = Summary(
        state=state,
        epochs_done=30,
        epochs_planned=120,
        epochs_here=30,
        seconds_here=60.0,
        started=999_900_000.0,
        begun=1_000_000_000.0,
        updated=1_000_000_100.0,
    )
    return replace(base, **changes)


def shown(state="running", name=None, words="80 % retrain", asked=None, columns=80, n=2, **changes):
    kept = {k: changes.pop(k) for k in ("place", "queued", "dispatcher", "holder") if k in changes}
    facts = progress.Progress(
        name, summary(state, **changes), words, asked, kept.pop("holder", None), **kept
    )
    return rows(progress.draw, facts, columns=columns, rows=n)


def test_progress_says_how_far_and_until_when():
    assert shown() == [
        "███████░░░░░░░░░░░░░░░░░░░░░░   30/120  25.0 %  ends 01:51, left 3 min 0 s",
        "running  80 % retrain  since 01:46, for 1 min",
    ]
    assert shown(columns=45)[0] == "██░░░░░░░   30/120  25.0 %  left 3 min 0 s"
    assert shown(columns=20)[0] == " 30/120  25.0 %  left 3 min 0 s"


def test_one_line_says_state_share_and_what_is_left():
    assert shown(n=1)[0].startswith("running  25.0 %  ends 01:51, left 3 min 0 s")


def test_an_end_on_another_day_is_told_with_its_day():
    assert "ends Mon 03:48, left 26 h 0 min" in shown(seconds_here=31_200.0)[0]


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ("number 2 of 3 in the queue; it starts when", {"place": 2, "queued": 3, "dispatcher": 1}),
        ("number 1 of 1 in the queue; nobody sees to the queue: r", {"place": 1, "queued": 1}),
    ],
)
def test_a_queued_run_says_its_place_and_who_starts_it(told, changes):
    assert told in shown("queued", **changes)[1]


def test_every_state_says_what_is_and_what_to_do():
    waits = "waiting for dense: other-run trains it"
    assert shown("starting", reason=waits)[1] == f"starting  {waits}"
    assert shown("paused", reason="asked to")[1] == "paused  asked to; p goes on"
    assert shown("stopped", reason="asked to")[1].endswith("r goes on from its last checkpoint")
    assert shown("lost", reason="it is gone")[1].startswith("lost  it is gone; r goes on")
    assert shown("failed", reason="no memory")[1] == "failed  no memory"
    assert shown("reading", reason="34 % of its log")[1] == "reading  34 % of its log"
    assert shown("running", retracing=45, retraced=3)[1] == (
        "running  dense again, epoch 3 of 45, for the weights to rewind to"
    )
    assert shown("done")[0].endswith("took 1 min 40 s")
    assert shown("done")[1] == "done  0 levels, 01:46 to 01:48"
    assert shown(asked="pause")[1].startswith("running  pause asked  80 % retrain")
    assert shown(name="a-run")[1].startswith("running  a-run  80 % retrain")


def test_what_is_no_time_is_told_as_dashes():
    first, second = shown(begun=1e149, updated=1e149)
    assert "ends --:--" in first
    assert "since --:--" in second
    assert "left ?" in shown(seconds_here=-1.0)[0]


# curves over epochs


def history(*rows_):
    """Epochs of round, sparsity and loss."""
    kept = History.empty()
    for i, (round, sparsity, loss) in enumerate(rows_):
        columns = (i + 1, round, sparsity, loss, 1e-3, 0.5, loss + 1)
        kept.extend([array(code, [v]) for code, v in zip(CODES, columns, strict=False)])
    return kept


FIVE = ((0, 0.0, 4.0), (0, 0.0, 2.0), (1, 0.0, 8.0), (1, 0.5, 6.0), (1, 0.5, 2.0))


def test_curves_are_broken_where_other_weights_go_on():
    kept = history(*FIVE)
    assert list(phases.starts(kept, 5)) == [0, 2, 3]
    made = over_epochs.losses(kept, 5, 8, (), None, False, 0.0)
    assert list(made.x) == [1, 2, 2, 3, 3, 4, 5]
    assert [y for y in made.y if not isnan(y)] == [4, 2, 8, 6, 2]
    assert [i for i, y in enumerate(made.y) if isnan(y)] == [2, 4]


def test_smoothing_begins_anew_with_a_stage():
    made = over_epochs.losses(history(*FIVE), 5, 8, (), None, False, 0.5)
    assert [y for y in made.y if not isnan(y)] == pytest.approx([4, 8 / 3, 8, 6, 10 / 3])


def test_the_axis_of_epochs_is_the_plan_and_longer_only_for_more_epochs(monkeypatch):
    axes = []
    monkeypatch.setattr(over_epochs, "chart", lambda *given: axes.append(given[4]) or [])
    for planned in (8, 5, 3):
        made = over_epochs.losses(history(*FIVE), 5, planned, (), None, False, 0.0)
        over_epochs.loss(made, 60, 8, BRAILLE)
    assert [axis.high for axis in axes] == [8, 5, 5]


def test_axes_only_grow():
    kept = history(*FIVE)
    first = over_epochs.losses(kept, 5, 8, (), None, False, 0.0).bounds
    assert over_epochs.losses(kept, 2, 8, (), first, False, 0.0).bounds == first
    assert over_epochs.grown_shares([[0.96, 0.99]], None) == (0.96, 0.99)
    assert over_epochs.grown_shares([[0.1]], (0.9, 1.0)) == (0.0, 1.0)


def test_a_thinned_history_is_drawn_by_the_epochs_of_its_rows(tmp_path):
    rows = [*range(1, 10), 500, *range(991, 1001), 1001, 1500, 2000]
    columns = vars(history(*((int(done > 1000), 0.5 * (done > 1000), 2.0) for done in rows)))
    thin = History(*[columns[name] for name in NAMES[:-1]], array("q", rows))
    made = over_epochs.losses(thin, len(thin), 2000, (), None, False, 0.0)
    assert list(made.x) == [*rows[:20], 1000, 1001, 1500, 2000]
    unknown = [replace(stage, epochs=None) for stage in PLANNED]
    assert over_epochs.ticks(unknown, thin, len(thin)) == {0.0: "dense", 1000.0: "50%"}
    run = told(tmp_path, started(), dense())
    there = phases.where(PLANNED, run.summary, (pruned(0.5),), thin, len(thin))
    assert (there.epochs, there.first) == (1000, 20)


def test_the_axis_of_epochs_is_told_by_stages():
    assert over_epochs.ticks(PLANNED, history(), 0) == {
        0.0: "dense",
        60.0: "50%",
        75.0: "80%",
        90.0: "90%",
    }
    unknown = [replace(stage, epochs=None) for stage in PLANNED]
    assert over_epochs.ticks(unknown, history(*FIVE), 5) == {0.0: "dense", 2.0: "50%", 3.0: "80%"}


def test_the_title_tells_scale_and_smoothing():
    made = over_epochs.losses(history(*FIVE), 5, 8, (), None, True, 0.8)
    assert rows(over_epochs.loss, made, columns=60, rows=8)[0] == (
        "log loss, smooth 0.8  ● training  ▲ validation"
    )
    assert (
        rows(over_epochs.loss, made, columns=39, rows=8)[0] == "log loss, smooth 0.8 ●train ▲val."
    )


# accuracy against sparsity


def test_all_planned_sparsities_stand_on_the_axis_from_the_start():
    nothing = by_sparsity.levels(PLANNED, Summary(), (), None)
    after = by_sparsity.levels(PLANNED, Summary(), (pruned(0.5, 0.4), level(0.5, 0.9)), None)
    assert (nothing.planned, nothing.listed) == ((0.5, 0.8, 0.9), (0.5, 0.8, 0.9))
    assert (after.before, after.after) == (((0.5, 0.4),), ((0.5, 0.9),))
    assert rows(by_sparsity.draw, nothing, columns=40, rows=7) == [
        "test  ● retrained  ▲ pruned",
        "100 %│",
        "     │",
        "     │           nothing yet",
        "  0 %│",
        "     └──────────────────────────────────",
        "        50%            80%         90%",
    ]
    assert rows(by_sparsity.draw, after, columns=40, rows=7) == [
        "test  ● retrained  ▲ pruned",
        "100 %│   ●",
        "     │",
        "     │",
        " 50 %│   ▲",
        "     └──────────────────────────────────",
        "        50%            80%         90%",
    ]


def test_a_run_without_pruning_says_so():
    assert rows(by_sparsity.draw, by_sparsity.levels(PLANNED[:1], Summary(), (), None)) == [
        "test  ● retrained  ▲ pruned",
        "no pruning in this run",
    ]


# numbers


def test_numbers_stand_in_columns_of_fixed_width(tmp_path):
    run = told(
        tmp_path,
        started(config={**created().config, "data": {"name": "digits", "validation": 180}}),
        *(epoch(i, accuracy=0.9 + i / 100, loss=1.5) for i in range(4)),
        dense(0.95),
        pruned(0.5),
        epoch(2, 1, 0.5, 0.92, 0.25),
        level(0.5, 0.93),
    )
    made = numbers.numbers(run.summary, where(run), run.tested, run.history, run.rows)
    assert rows(numbers.draw, made, columns=40, rows=4) == [
        "validation   92.0 %  last test    93.0 %",
        "loss         0.2500  at             50 %",
        "val. +-        -3.0  test +-        -2.0",
        "lr          1.0e-03  dense test   95.0 %",
    ]
    assert len(rows(numbers.draw, made, columns=10, rows=3)) == 3


def test_the_best_of_a_stage_stands_out_while_it_is_the_latest(tmp_path):
    events = [started(), epoch(0, accuracy=0.99), dense(), pruned(0.5)]
    for accuracy, told_ in ((0.91, "good"), (0.92, "good"), (0.9, "")):
        events.append(epoch(len(events), 1, 0.5, accuracy))
        run = told(tmp_path / str(len(events)), *events)
        made = numbers.numbers(run.summary, where(run), run.tested, run.history, run.rows)
        best = "91.0 %" if accuracy == 0.91 else "92.0 %"
        assert ("best val.", best, told_) in made


def test_images_a_second_follow_from_the_dataset():
    data = {"data": {"name": "digits", "validation": 180}}
    assert numbers._speed(summary(config=data), 0.5) == "2,500"
    assert numbers._speed(summary(config={"data": {"name": [], "validation": ""}}), 0.5) == "-"


# densities


def test_a_block_a_line_with_shade_and_number():
    event = pruned(0.9)
    assert rows(densities.draw, (event,), columns=38, rows=4) == [
        "kept at 90 %  full = 10 %",
        "  q     k     v     o     fc1   fc2",
        "0 █  10 █  10 █  10 █  10 █  10 █  10",
        "1 █  10 █  10 █  10 █  10 █  10 █  10",
    ]


def test_what_is_empty_or_silent_is_named():
    event = pruned(0.5)
    gone = e.Matrix(density=0.0, heads=(0.0, 0.0, 0.0), dead_rows=0, dead_columns=0)
    half = e.Matrix(density=0.4, heads=(0.0, 0.6, 0.6), dead_rows=0, dead_columns=0)
    changed = {**event.matrices, "blocks.0.attn.q": gone, "blocks.1.attn.v": half}
    changed["blocks.1.attn.o"] = replace(half, heads=(0.6, 0.6, 0.0))
    shown = rows(densities.draw, (replace(event, matrices=changed),), columns=60, rows=8)
    assert shown[-1] == "× empty 0.q  × silent heads 1.0 1.2"
    assert "×" in shown[2]


def test_many_blocks_stand_side_by_side_as_shades():
    event = replace(pruned(0.5), matrices=matrices(0.5, depth=12))
    shown = rows(densities.draw, (event,), columns=38, rows=6)
    assert len(shown) <= 6
    assert all(str(block) in "\n".join(shown) for block in range(12))


def test_heads_have_a_line_where_there_is_room():
    shown = rows(densities.draw, (pruned(0.5),), columns=110, rows=12)
    assert shown[3].split() == ["███"] * 4


# alerts and log


def test_a_run_that_cannot_be_read_says_why():
    brief = Summary(state="unreadable").brief
    lab = Lab(Path("runs"), {"one": brief}, read=True, unreadable={"one": "Permission denied"})
    keys = dict.fromkeys(("live.previous", "live.next"), "x")
    first = rows(no_run.draw, State(lab, shown="one"), keys)[0]
    assert first == "one cannot be read: Permission denied"


LOAD = Load(1.0, 2, 1, 1, 2, 5e8, None)


def test_alerts_are_words_and_the_worst_comes_first(tmp_path):
    diverged = e.Diverged(
        round=1, sparsity_asked=0.8, level=0.8, step=7, epoch=46, lr=3e-3, gradient_norm=12.5
    )
    collapsed = replace(pruned(0.8), matrices=matrices(0.0, depth=1))
    run = told(tmp_path / "a", started(), epoch(0), dense(), collapsed, diverged)
    run = replace(
        run, summary=replace(run.summary, damaged=2, unknown=50, exact=False, differs=("threads",))
    )
    found = [words for _, words in alerts(replace(run, stalled=15.0), LOAD)]
    assert found[0] == (
        "diverged: not a number at step 7 of epoch 46, learning rate 0.003, "
        "gradient norm before it 12.5"
    )
    assert found[1] == "stalled: no sign of life from its process for 15 s"
    assert "disk nearly full: 477 MiB free" in found
    assert "collapsed: 6 matrices empty at 80 %: blocks.0.attn.q" in "\n".join(found)
    assert "damaged: 2 records of the log skipped" in found
    assert "written by a newer version: 50 records not understood" in found
    assert "not exact: another threads since it was begun" in found
    everything = alerts(replace(run, stalled=15.0), LOAD)
    assert rows(alerts_drawn, everything, columns=40, rows=2)[1] == "! and 6 more"


def test_a_full_disk_and_a_failure_are_alerts(tmp_path):
    paused = told(tmp_path / "a", started(), e.Paused(reason=f"{FULL_DISK}: 3 GB needed"))
    assert alerts(paused, None) == (("bad", f"{FULL_DISK}: 3 GB needed"),)
    failed = told(tmp_path / "b", started(), e.Failed(reason=EVIL))
    ((style, words),) = alerts(failed, None)
    assert style == "bad"
    assert "\x1b" not in words
    assert alerts(told(tmp_path / "c", started()), None) == ()


def test_the_log_is_told_in_words_and_scrolls_back(tmp_path):
    run = told(tmp_path, *finished(0.5))
    lines = logged.lines_of(run.latest, run.summary)
    shown = rows(logged.draw, lines, 0, rows=3)
    assert [row[10:] for row in shown] == [
        "    50 %  test 60.0 %   pruned, not retrained",
        "    50 %  test 85.0 %   retrained, -10.0 points against dense",
        "done",
    ]
    back = rows(logged.draw, lines, 1, rows=3)
    assert back == [*shown[:2], "… 1 later"]


HOSTILE = (
    e.Created(preset="p", request=(EVIL,), config={}),
    started(fingerprint={"device": EVIL, "threads": EVIL}),
    e.Starting(host=EVIL, pid=1),
    e.Acknowledged(request=EVIL),
    e.Paused(reason=EVIL),
    e.DenseAwaited(hash=EVIL, by=EVIL),
    e.WaitEnded(hash=EVIL),
    e.DenseDamaged(hash=EVIL, kept_as=EVIL),
)


@pytest.mark.parametrize("event", HOSTILE, ids=lambda event: type(event).__name__)
def test_what_is_told_of_an_event_is_clean(event):
    for words in (sentence(event, Summary()), logged._words(event, Summary())):
        assert words is None or not {"\x1b", "\x07", "\n", "\u202e"} & set(words)


def test_a_machine_that_nobody_works_on_has_no_load():
    assert rows(machine.draw, None, None) == ["nobody works on it"]
