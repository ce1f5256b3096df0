"""Studies on the bench: what is known of one, its picture, its row among runs, and its keys."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.tui.bench import made, opened, until
from tests.tui.screens import text
from tests.tui.studies import BEGUN, a_run, a_study, begun, held, tabled
from tests.tui.test_runs_table import brief
from vitprune_core.spec.study import load_study
from vitprune_core.store import events as e
from vitprune_core.store.brief import Brief
from vitprune_core.store.lock import claim, holder, inscribe
from vitprune_core.store.studydir import StudyDir
from vitprune_core.sweep import declare
from vitprune_tui.doing import hands
from vitprune_tui.doing.studies import declared, results
from vitprune_tui.doing.watcher import Watcher
from vitprune_tui.draw.bench import studied
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import plain, width
from vitprune_tui.draw.runs import table as runs_table
from vitprune_tui.draw.study import progress, table
from vitprune_tui.facts import filters, folding
from vitprune_tui.facts.filling import Counts, Filling, counts, filling, left, whole
from vitprune_tui.facts.judge_study import judge
from vitprune_tui.state import Cell, Declared, Lab, Results, Study
from vitprune_tui.widgets.dialogs import Confirm
from vitprune_tui.wrong import Unable, Wrong

GLYPHS = {"Braille": BRAILLE, "ASCII": ASCII}
SMALL = """# Small enough for a test.
workload: digits
seeds: [100, 101]
base:
  model: {patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}
  train: {epochs: 2, batch_size: 256}
  device: cpu
  precision: fp32
  kernels: eager
  keep_weights: none
arms:
  control: {prune: {sparsities: [0]}}
  global: {prune: {sparsities: [0.5]}}
"""


@pytest.fixture
def small(tmp_path) -> StudyDir:
    return a_study(tmp_path / "runs")


def looked(watcher: Watcher, study: str | None = None, times: int = 20) -> Lab:
    """After as many looks as it takes until everything has been read."""
    watcher.study = study
    for _ in range(times):
        watcher.look()
    return watcher.lab


def said(drawn) -> str:
    return "\n".join(plain(line) for line in drawn)


# What is read.


def test_of_a_study_arms_their_sparsities_seeds_and_looks_are_known(small):
    found = declared(small.study)
    assert found.arms == {"control": (0.0,), "global": (0.5, 0.9), "random": (0.5, 0.9)}
    assert (found.workload, found.seeds, found.looks) == ("digits", (100, 101, 102, 103), (2, 4))


def test_a_cell_is_the_mean_over_seeds_and_one_that_diverged_counts_as_chance(small):
    tabled(small, {("global", 0.5): [0.9, 0.8], ("global", 0.9): [0.5, None]})
    found = results(small.results)
    assert found.cells["global", 0.5] == Cell(2, pytest.approx(0.85), 0)
    assert found.cells["global", 0.9] == Cell(2, pytest.approx(0.3), 1)
    assert (found.dense, found.chance) == (pytest.approx(0.96), 0.1)


def test_without_a_table_there_is_nothing_in_it(small):
    small.results.unlink()
    assert results(small.results) == Results({})


def test_the_watcher_knows_a_study_before_its_first_run_and_counts_it_as_no_foreign_folder(small):
    for run in small.path.glob("*-s1*"):
        shutil.rmtree(run)
    lab = Watcher(small.path.parent).look()
    assert list(lab.studies) == ["small-digits"]
    assert (lab.foreign, lab.runs) == (0, {})


def test_the_first_look_reads_no_file_of_a_study_and_results_only_of_the_one_looked_at(small):
    a_study(small.path.parent, "other-digits")
    watcher = Watcher(small.path.parent)
    assert all(study == Study() for study in watcher.look().studies.values())
    lab = looked(watcher, "small-digits")
    assert all(study.declared for study in lab.studies.values())
    assert {name: bool(s.results) for name, s in lab.studies.items()} == {
        "small-digits": True,
        "other-digits": False,
    }


def test_while_nothing_is_new_nothing_is_told_and_what_is_new_is(small):
    watcher = Watcher(small.path.parent)
    before = looked(watcher, "small-digits", times=40)
    assert looked(watcher, "small-digits", times=40) is before
    time.sleep(0.01)
    tabled(small, {("control", 0.0): [0.5, 0.6]})
    cells = looked(watcher, "small-digits").studies["small-digits"].results.cells
    assert cells == {("control", 0.0): Cell(2, pytest.approx(0.55))}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "arms: 3\nseeds: [1]\nworkload: a",
        "{",
        "- 1",
        "\x00",
        "workload: a\nseeds: [x]\narms: {}",
    ],
)
def test_of_a_study_whose_file_is_none_the_reason_is_told_and_its_runs_stay(small, content):
    small.study.write_text(content)
    lab = looked(Watcher(small.path.parent))
    study = lab.studies["small-digits"]
    assert study.declared is None
    assert study.problem.startswith("study.yaml: ")
    arms = [arm.name for arm in filling("x", study, lab.inside["small-digits"]).arms]
    assert arms == ["control", "global", "random"]


@pytest.mark.parametrize("content", ["arm,seed\na,1\n", "a" * 200_000 + "\nb\n"])
def test_a_table_that_is_none_is_told(small, content):
    small.results.write_text(content)
    study = looked(Watcher(small.path.parent), "small-digits").studies["small-digits"]
    assert study.problem.startswith("results.csv: ")


def test_who_works_is_known_by_the_locks_that_are_held(small):
    watcher = Watcher(small.path.parent)
    assert looked(watcher).studies["small-digits"].hands == ()
    with held(small.hand("a", 0), small.hand("a", 1), small.hands / "a-0.sweep", host="a"):
        study = looked(watcher).studies["small-digits"]
        assert [hand.host for hand in study.hands] == ["a", "a"]
        assert len(study.sweeps) == 1
    assert looked(watcher).studies["small-digits"].hands == ()


# How far it is.

THREE = Declared("digits", (1, 2, 3, 4), (2, 4), {"a": (0.5, 0.9), "b": (0.5,)})


def of(*states: str, arm: str = "a", **changes) -> dict[str, Brief]:
    runs = (brief(state=s, preset=arm, seed=i, **changes) for i, s in enumerate(states))
    return {f"x/{arm}-{i}": run for i, run in enumerate(runs)}


def test_runs_are_counted_against_arms_times_seeds():
    runs = of("done", "running", "failed", "stopped")
    assert counts(Study(THREE), runs.values()) == Counts(planned=8, done=1, working=1, bad=1)
    assert counts(Study(), runs.values()).planned == 4


@pytest.mark.parametrize(
    ("states", "state"),
    [(("done", "running"), "running"), (("done",) * 8, "done"), ((), "queued"),
     (("done", "lost"), "failed"), (("done", "stopped"), "stopped")],
)  # fmt: skip
def test_a_study_has_a_state_like_a_run(states, state):
    assert whole(Study(THREE), of(*states)).state == state


def test_what_is_left_is_shared_among_the_hands_and_told_by_what_runs_of_the_arm_took():
    took = {"started": 0.0, "updated": 10.0}
    runs = {"a": list(of("done", **took).values()), "b": []}
    assert left(runs, seeds=3, hands=1) == pytest.approx(10 * 2 + 10 * 3)
    assert left(runs, seeds=3, hands=2) == pytest.approx(25)
    assert left(runs, seeds=3, hands=0) is None
    assert left({"a": []}, seeds=3, hands=1) is None
    slow = {"started": 0.0, "updated": 30.0}
    runs["b"] = list(of("done", arm="b", **slow).values())
    assert left(runs, seeds=3, hands=1) == pytest.approx(10 * 2 + 30 * 2)


def test_a_run_at_work_is_at_the_level_after_those_it_has_told():
    runs = {**of("running", levels=1), **of("running", arm="b", levels=0, dense=None)}
    a, b = filling("x", Study(THREE), runs).arms
    assert (a.at, b.at) == ((0.9,), (None,))


def test_runs_that_are_done_may_go_and_still_count():
    cells = {("a", 0.5): Cell(3, 0.9), ("b", 0.5): Cell(2, 0.9)}
    found = filling("x", Study(THREE, Results(cells, 0.96, 0.1)), of("done"))
    assert [arm.done for arm in found.arms] == [3, 2]
    assert found.counts.done == 5


# Its picture.


def a_filling(**changes) -> Filling:
    cells = {("a", 0.5): Cell(3, 0.955), ("a", 0.9): Cell(2, 0.8), ("b", 0.5): Cell(3, 0.11, 1)}
    study = Study(THREE, Results(cells, 0.96, 0.1), **changes)
    return filling("x-digits", study, of("done", "done", "running", levels=1))


@pytest.mark.parametrize(
    ("accuracy", "shade"),
    [
        (0.1, 0),
        (0.12, 0),
        (0.13, 1),
        (0.75, 1),
        (0.76, 2),
        (0.91, 3),
        (0.949, 3),
        (0.95, 4),
        (1, 4),
    ],
)
def test_a_shade_tells_how_far_below_the_dense_model_an_arm_is(accuracy, shade):
    assert table.step(Cell(3, accuracy), a_filling()) == shade


@pytest.mark.parametrize("glyphs", GLYPHS.values(), ids=GLYPHS)
@pytest.mark.parametrize("room", [5, 16, 30, 48, 78, 118, 198])
def test_rows_are_no_wider_than_the_room_and_stand_below_their_head(room, glyphs):
    found = a_filling()
    head = table.head(found, room, glyphs)
    rows = [table.row(found, at, room, glyphs) for at in range(2)]
    assert {width(row) for row in rows} <= {width(head), *range(width(head))}
    if room >= 16:
        assert all(width(line) <= room for line in (head, *rows))
    if room >= 48:
        assert plain(head).rstrip().endswith("90 %")
        assert "95.5 3/4" in plain(rows[0])


def test_a_study_of_many_arms_and_sparsities_is_told_as_far_as_it_fits():
    sparsities = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
    declared = Declared("digits", tuple(range(20)), (), {"iterative_global": sparsities})
    cells = {("iterative_global", s): Cell(12, 0.961) for s in sparsities}
    found = filling("x", Study(declared, Results(cells, 0.97, 0.1)), {})
    told = {room: plain(table.row(found, 0, room, BRAILLE)) for room in (46, 78, 118, 198)}
    assert told[46].count("█") == 9
    assert told[78].count("█ 96") == 9
    assert "12/20" in told[78]
    assert told[118].count("█ 96.1") == 9
    assert told[198].count("█ 96.1 12/20") == 9


def test_what_was_not_measured_yet_has_a_dash_and_what_is_none_of_its_sparsities_nothing():
    found = a_filling()
    bare = filling("x", Study(THREE), of("running", levels=0))
    told = plain(table.row(bare, 0, 78, BRAILLE))
    assert told.count("▶") == 2  # before the arm and where it works
    assert told.count("-") == 1
    assert plain(table.row(found, 1, 78, BRAILLE)).rstrip().endswith("3/4")


def test_it_is_told_how_far_a_study_is_who_works_and_what_ended_badly():
    keys = {"run.resume": "r"}
    told = said(progress.draw(a_filling(), keys, 80, 3, BRAILLE))
    assert "6/8 runs" in told
    assert "1 run at work" in told
    assert "2 arms x 4 seeds on digits, verdicts after 2 and 4" in told
    bad = filling("x", Study(THREE), of("failed", "stopped", "lost", "lost"))
    told = said(progress.draw(bad, keys, 80, 3, BRAILLE))
    assert "nobody works on it: r goes on  1 failed  2 lost  1 stopped" in told
    done = filling("x", Study(THREE), {**of(*["done"] * 4), **of(*["done"] * 4, arm="b")})
    assert "\ndone" in said(progress.draw(done, keys, 80, 3, BRAILLE))


# Its row among runs.


def a_lab() -> Lab:
    runs = {"single": brief(started=5.0), **of("done", "failed", started=9.0)}
    return Lab(".", runs, studies={"x": Study(THREE)})


def rows_of(lab: Lab, asked: str = "", sort: str = "started", open=()) -> folding.Rows:
    return folding.rows(lab, filters.parse(asked), sort, True, open)


def test_a_study_is_one_row_and_unfolded_its_runs_stand_below_it():
    assert [name for name, _ in rows_of(a_lab()).rows] == ["x", "single"]
    found = rows_of(a_lab(), open=("x",))
    assert [name for name, _ in found.rows] == ["x", "x/a-1", "x/a-0", "single"]
    assert found.left == 3


def test_a_filter_reaches_the_runs_inside_and_leaves_the_study_while_one_of_them_is_left():
    assert [name for name, _ in rows_of(a_lab(), "failed").rows] == ["x"]
    assert [name for name, _ in rows_of(a_lab(), "failed", open=("x",)).rows] == ["x", "x/a-1"]
    assert [name for name, _ in rows_of(a_lab(), "single").rows] == ["single"]


@pytest.mark.parametrize("sort", filters.SORTS)
def test_runs_stay_below_their_study_however_they_are_sorted(sort):
    names = [name for name, _ in rows_of(a_lab(), sort=sort, open=("x",)).rows]
    at = names.index("x")
    assert set(names[at + 1 : at + 3]) == {"x/a-0", "x/a-1"}


@pytest.mark.parametrize("glyphs", GLYPHS.values(), ids=GLYPHS)
def test_a_row_tells_how_many_are_done_at_work_and_bad(glyphs):
    found = rows_of(a_lab(), open=("x",))
    drawn = runs_table.Table(found.rows, studies=found.studies)
    lines = [plain(runs_table.row(drawn, at, 160, glyphs)) for at in range(4)]
    assert lines[0].startswith(f"{glyphs.unfolded} x ")
    assert "1/8 done, 1 bad" in lines[0]
    assert lines[1].startswith("  a-1")
    assert "1/8, 1 bad" in plain(runs_table.row(drawn, 0, 32, glyphs))


async def in_runs(pilot, *keys: str):
    await pilot.press("5")
    await until(pilot, lambda: pilot.app.view.room == "runs")
    await pilot.press(*keys)
    await pilot.pause()
    return pilot.app.view


async def test_keys_unfold_and_fold_a_study_and_enter_shows_how_it_fills_up(small):
    async with opened(small.path.parent) as pilot:
        view = await in_runs(pilot)
        assert [name for name, _ in view.table.runs] == ["small-digits"]
        await pilot.press("right")
        assert len(view.table.runs) == 6
        assert view.chosen == "small-digits"
        await pilot.press("down", "left")
        assert (len(view.table.runs), view.chosen) == (1, "small-digits")
        await pilot.press("enter")
        await until(pilot, lambda: "95.0 1/4" in text(pilot.app))
        assert pilot.app.view.room == "live"


async def test_marks_export_and_the_filter_reach_the_runs_of_a_study(small):
    async with opened(small.path.parent) as pilot:
        await in_runs(pilot, "space")
        assert pilot.app.state.marked == ()
        assert "that is for runs: right shows those of the study" in text(pilot.app)
        await pilot.press("right", "down", "space", "space")
        assert len(pilot.app.state.marked) == 2
        assert all(name.startswith("small-digits/") for name in pilot.app.state.marked)
        await pilot.press("n", "g", "e")
        await until(pilot, lambda: "Export 5 runs" in text(pilot.app))


async def test_from_a_study_to_the_run_of_an_arm_and_back(small):
    async with opened(small.path.parent) as pilot:
        await in_runs(pilot, "enter")
        await until(pilot, lambda: pilot.app.state.study and pilot.app.view.table.arm)
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.state.shown == "small-digits/global-s101-0123abcd")
        assert pilot.app.state.study is None
        await until(
            pilot, lambda: "back study" in text(pilot.app) or "esc study" in text(pilot.app)
        )
        await pilot.press("backspace")
        await until(pilot, lambda: pilot.app.state.study == "small-digits")
        await pilot.press("right_square_bracket")
        assert "that is the last study" in text(pilot.app)


async def test_the_bench_opens_at_a_study_that_is_worked_on_and_says_where_it_is(small):
    run = a_run(small, "global", 102, BEGUN + 400, e.Starting(host="bench", pid=7), *begun())
    with held(run.lock, small.hand("bench", 0)):
        async with opened(small.path.parent) as pilot:
            assert (pilot.app.view.room, pilot.app.state.study) == ("live", "small-digits")
            await until(pilot, lambda: "1 process on bench" in text(pilot.app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: pilot.app.state.shown == f"small-digits/{run.id}")


async def test_a_study_that_has_gone_is_shown_no_more(small):
    async with opened(small.path.parent) as pilot:
        await pilot.app.open_study("small-digits")
        shutil.rmtree(small.path)
        await until(pilot, lambda: pilot.app.state.study is None)
        await until(pilot, lambda: "No runs yet" in text(pilot.app))


# What is asked of it.


async def confirmed(pilot, key: str, answer: str, view) -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await pilot.press(answer)
    await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm) and not pilot.app.at_work)


async def test_a_study_nobody_works_on_cannot_be_stopped_and_is_moved_when_that_is_confirmed(small):
    async with opened(small.path.parent) as pilot:
        view = await in_runs(pilot)
        await confirmed(pilot, "x", "y", view)
        assert "nobody works on it, there is nothing to stop" in text(pilot.app)
        await confirmed(pilot, "D", "n", view)
        assert small.path.exists()
        await confirmed(pilot, "D", "y", view)
        await until(pilot, lambda: not pilot.app.state.lab.studies)
        assert (small.path.parent / ".trash" / "small-digits" / "study.yaml").exists()


async def test_what_is_for_runs_is_refused_for_a_study_and_says_so(small):
    async with opened(small.path.parent) as pilot:
        await in_runs(pilot)
        for key in ("p", "X"):
            await pilot.press(key)
            assert "of a study x stops all that work, r goes on" in text(pilot.app)


@pytest.mark.parametrize("lock", ["vm-0.lock", "vm-0.sweep"])
def test_a_study_is_not_moved_while_a_process_works_on_it(small, lock):
    with held(small.hands / lock), pytest.raises(Wrong, match="process 7 on bench works on it"):
        hands.remove(small.path.parent, small)
    with held(small.run("global-s100-0123abcd").lock), pytest.raises(Wrong, match="global-s100"):
        hands.remove(small.path.parent, small)
    assert small.path.exists()


def test_who_works_elsewhere_is_told_and_not_touched(small):
    with held(small.hand("far", 0), host="far"), pytest.raises(Unable, match="process 7 on far"):
        hands.stop(small)


@pytest.mark.parametrize("sweeps", [True, False])
def test_a_sweep_is_asked_and_else_its_hands(small, sweeps, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "kill", lambda pid, number: asked.append((pid, number)))
    places = {small.hand(socket.gethostname(), 0): 101}
    if sweeps:
        places[small.hands / "here-0.sweep"] = 102
    files = [claim(path) for path in places]
    for file, pid in zip(files, places.values(), strict=True):
        inscribe(file, attempt=0, pid=pid)
    assert hands.stop(small) == "small-digits: asked to stop after checkpoints"
    assert asked == [(102 if sweeps else 101, signal.SIGTERM)]
    for file in files:
        os.close(file)


def test_a_sweep_has_a_place_of_its_own_while_it_lives(small):
    with hands.seated(small):
        (first,) = hands.sweeps(small)
        assert (first.pid, first.host) == (os.getpid(), socket.gethostname())
        with hands.seated(small):  # as of a process that was given one when it was started
            assert hands.sweeps(small) == (first,)
    assert hands.sweeps(small) == ()


# On the bench.


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Studies of the user's own; where the bench looks for runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))

    def write(**studies: str):
        for name, content in studies.items():
            path = tmp_path / "presets" / "studies" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path / "runs"

    return write


def test_a_study_is_told_in_numbers(own):
    found = judge("small", None, own(small=SMALL))
    assert (found.workload, found.folder, found.runs) == ("digits", "small-digits", 4)
    assert (found.retrainings, found.problems, found.jobs >= 1) == (4, (), True)
    told = studied.sentence(found)
    assert told.startswith("2 arms x 2 seeds (100-101): 4 runs with 4 retrainings, ")
    assert told.endswith("It decides nothing.")
    assert studied.spans((1, 3, 5, 6, 7)) == "1, 3, 5-7"


def test_cycles_are_retrainings_and_dense_models_count_once_a_seed(own):
    more = SMALL.replace("sparsities: [0.5]}", "sparsities: [0.5]}, retrain: {cycles: 3}")
    once, thrice = (judge(name, None, own(small=SMALL, more=more)) for name in ("small", "more"))
    assert (once.retrainings, thrice.retrainings) == (4, 8)
    assert thrice.epochs - once.epochs == 2 * 2 * 1  # seeds x cycles x half of two epochs


def test_it_is_told_what_is_decided_and_what_arms_have_that_most_others_have_not():
    found = judge("quick", None, Path("nowhere"))
    told = said(studied.declaration(found, 60))
    assert "F1  More than 95 % can be removed" in told
    assert "rows_shuffled          50, 80 %  granularity row, distribution random" in told
    assert "It decides" not in studied.sentence(found)
    assert "decided after 8 seeds" in studied.sentence(found)


def test_a_workload_without_looks_is_told_to_decide_nothing():
    found = judge("quick", "synthetic", Path("nowhere"))
    assert found.workload == "synthetic"
    assert "shown and never decided on synthetic" in studied.sentence(found)


def test_a_study_that_was_declared_otherwise_cannot_be_begun(own):
    folder = own(small=SMALL)
    declare(StudyDir(folder / "small-digits"), load_study("small"))
    assert judge("small", None, folder).problems == ()
    own(small=SMALL.replace("[0.5]", "[0.6]"))
    (problem,) = judge("small", None, folder).problems
    assert "was declared with other arms, seeds, looks or thresholds" in problem


async def chosen(pilot, name: str):
    await pilot.app.switch("bench")
    await until(pilot, lambda: pilot.app.view.desk.presets)
    pilot.app.view.choose(f"studies/{name}")
    view = pilot.app.view
    await until(pilot, lambda: view.swept_on and view.swept_on.name == name)
    await pilot.pause()
    return view


async def test_a_wrong_study_tells_every_problem_with_its_place_and_is_not_started(own):
    wrong = SMALL.replace("sparsities: [0.5]", "sparsities: [0.5], granularity: weigth")
    async with opened(own(wrong=wrong), size=(120, 40)) as pilot:
        view = await chosen(pilot, "wrong")
        assert "presets/studies/wrong.yaml:" in text(pilot.app)
        assert "'weight'" in text(pilot.app)
        assert "wrong  wrong" in text(pilot.app)
        await pilot.press("enter")
        assert "to mend first" in text(pilot.app)
        assert view.sweeping is None


async def test_a_study_is_put_on_another_workload_and_copied_as_its_command(own):
    async with opened(own(small=SMALL), size=(120, 40)) as pilot:
        view = await chosen(pilot, "small")
        assert "studies/small on digits" in text(pilot.app)
        await pilot.press("w")
        await until(pilot, lambda: view.swept_on.workload == "fashion")
        assert view.copied == "vitprune sweep small --workload fashion"


async def test_page_keys_go_from_presets_to_studies_to_workloads_and_back(own):
    async with opened(own(), size=(120, 40)) as pilot:
        await pilot.app.switch("bench")
        view = pilot.app.view
        await until(pilot, lambda: view.desk.presets)
        kinds = []
        for key in ("pagedown", "pagedown", "pagedown", "pageup"):
            await pilot.press(key)
            kinds.append(view.desk.preset.kind)
        assert kinds == ["studies", "workloads", "workloads", "studies"]


async def test_enter_has_a_study_worked_off_by_processes_that_survive_the_bench(own):
    folder = own(small=SMALL)
    small = StudyDir(folder / "small-digits")
    async with opened(folder, size=(120, 40)) as pilot:
        await chosen(pilot, "small")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: pilot.app.state.study == "small-digits")
        await until(pilot, lambda: hands.hands(small))
    ended = time.monotonic() + 120
    while (hands.sweeps(small) or hands.hands(small)) and time.monotonic() < ended:
        time.sleep(0.1)
    assert small.hands.joinpath("sweep.txt").read_text().splitlines()[-1] == (
        "small-digits: 4 of 4 runs are done"
    )
    assert holder(small.hand(socket.gethostname(), 0)) is None
    async with opened(folder, size=(120, 40)) as pilot:
        await chosen(pilot, "small")
        await until(pilot, lambda: "nothing is left to do" in text(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.state.study == "small-digits")
        assert "nothing is left to do of small-digits" in text(pilot.app)


async def test_a_study_that_was_begun_somewhere_else_goes_on_from_its_own_folder(own, tmp_path):
    folder = own()
    elsewhere = tmp_path / "elsewhere" / "tiny.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(SMALL.replace("seeds: [100, 101]", "seeds: [100]"))
    from vitprune_tui.doing import sweeping

    work = sweeping.declared(str(elsewhere), folder, None, None)
    elsewhere.unlink()
    made(folder, "other")
    async with opened(folder) as pilot:
        await in_runs(pilot)
        pilot.app.view._choose([n for n, _ in pilot.app.view.table.runs].index("tiny-digits"))
        await pilot.press("r")
        await until(pilot, lambda: hands.sweeps(work.home))
        await until(pilot, lambda: not hands.sweeps(work.home))
        await until(pilot, lambda: "✔ 2/2" in text(pilot.app))
