import json
import multiprocessing
import socket
from dataclasses import replace

import pytest

from vitprune_core.store import events as e
from vitprune_core.store import export, queue
from vitprune_core.store.brief import VERSION, brief, crc_before, encode
from vitprune_core.store.history import History
from vitprune_core.store.lock import Held, Holder, hold, holder, inscribe
from vitprune_core.store.log import Entry, Log, entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.shown import as_shown
from vitprune_core.store.speed import latest_alike, seconds_per_epoch
from vitprune_core.store.summary import Summary, cache, fold, summarize, told
from vitprune_tui.draw import tables
from vitprune_tui.facts import comparison

SCORE = e.Score(accuracy=0.9, loss=0.3)
MATRIX = e.Matrix(density=0.1, heads=(0.1, 0.1), dead_rows=0, dead_columns=1)
CONFIG = {"workload": "digits", "seed": 3, "prune": {"schedule": "oneshot", "layers": "all"}}
CREATED = e.Created(
    preset="mine", request=("mine", "--workload", "digits", "--seed", "3"), config=CONFIG
)
STARTED = e.Started(
    config=CONFIG,
    fingerprint={"torch": "2"},
    parameters=100,
    prunable=90,
    taking_part=90,
    epochs=4,
    host="box",
)
STARTING = e.Starting(host="box", pid=7)
RESUMED = e.Resumed(after=2, step=9, worked=0.0, exact=True, differs=(), corrupt=())
AWAITED = e.DenseAwaited(hash="ab", by="other")
PAUSED = e.Paused(reason="asked to")
REUSED = e.DenseReused(hash="ab", trained_seconds=1.0, differs=())
DENSE = e.DenseTrained(hash="ab", epochs=2, validation=SCORE, test=SCORE, weights_sha256="d")


def epoch(round=0):
    return e.Epoch(
        round=round, cycle=0, epoch=0, sparsity=0.5 * round, loss=1.0, lr=0.1, validation=SCORE
    )


def level(sparsity=0.9, listed=True, **changes):
    made = e.Level(
        round=1,
        listed=listed,
        sparsity_asked=sparsity,
        sparsity=sparsity,
        sparsity_prunable=sparsity,
        sparsity_parameters=0.8,
        validation_before=SCORE,
        validation=SCORE,
        test_before=e.Score(accuracy=0.2, loss=2.0),
        test=SCORE,
        nonzero_parameters=20,
        compression=5.0,
        speedup=4.0,
        effective_sparsity=None,
        removable=None,
        epochs=1,
        collapsed=(),
        silent_heads=None,
        key_blind_heads=None,
        dead_neurons={},
        matrices={"blocks.0.attn.q": MATRIX},
        weights_sha256="w",
    )
    return replace(made, **changes)


DONE = [
    CREATED,
    STARTED,
    epoch(),
    epoch(),
    DENSE,
    epoch(1),
    level(),
    e.Finished(weights_sha256="w"),
]


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run-1").create()


def write(run, events):
    log = Log(run.log)
    for event in events:
        log.append(event)


def test_a_run_folds_into_what_a_reader_wants_to_know(run):
    write(run, DONE)
    s = summarize(run)
    assert (s.state, s.preset, s.parameters, s.epochs_done, s.epochs_planned) == (
        "done",
        "mine",
        100,
        3,
        4,
    )
    assert (s.dense.hash, s.dense.reused) == ("ab", False)
    assert s.levels[0].level == level()
    assert s.weights_sha256 == "w"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "queued"),
        ([CREATED], "queued"),
        ([CREATED, STARTING], "starting"),
        ([CREATED, STARTING, STARTED], "running"),
        ([CREATED, STARTED, AWAITED], "starting"),
        ([CREATED, STARTED, AWAITED, REUSED], "running"),
        ([CREATED, STARTED, REUSED, DENSE, AWAITED, e.WaitEnded(hash="ab"), epoch(1)], "running"),
        ([CREATED, STARTED, e.Acknowledged(request="pause")], "pausing"),
        ([CREATED, STARTED, e.Acknowledged(request="pause"), PAUSED], "paused"),
        ([CREATED, STARTED, PAUSED, e.Acknowledged(request="continue")], "paused"),
        ([CREATED, STARTED, PAUSED, e.Continued()], "running"),
        ([CREATED, STARTED, AWAITED, PAUSED, e.Continued()], "starting"),
        ([CREATED, STARTED, PAUSED, e.Acknowledged(request="pause"), PAUSED], "paused"),
        ([CREATED, STARTED, e.Acknowledged(request="stop")], "stopping"),
        ([CREATED, STARTED, e.Stopped(reason="x"), STARTING], "starting"),
        ([CREATED, STARTED, e.Stopped(reason="x"), STARTING, RESUMED], "running"),
        ([CREATED, STARTED, e.Stopped(reason="x")], "stopped"),
        ([CREATED, STARTED, e.Failed(reason="x")], "failed"),
        (DONE, "done"),
    ],
)
def test_states_follow_the_log(run, events, state):
    write(run, events)
    with hold(run.lock):
        assert summarize(run).state == state


def test_a_run_that_says_it_works_and_holds_no_lock_is_lost(run):
    write(run, [CREATED, STARTED])
    assert summarize(run).state == "lost"
    assert brief(run).state == "lost"


def test_seconds_count_from_the_dense_model(run):
    write(run, [CREATED, STARTED])
    records = list(entries(run.log))

    def told(events, schedule):
        config = {**CONFIG, "prune": {"schedule": schedule}}
        stamped = [records[0]._replace(seconds=1.0, event=event) for event in events]
        begun = [replace(CREATED, config=config), replace(STARTED, config=config)]
        return fold([*(records[0]._replace(event=event) for event in begun), *stamped])

    levels = [DENSE, epoch(1), level(0.5, listed=False), epoch(1), level(0.9)]
    assert told(levels, "iterative").levels[0].seconds == 4
    levels = [DENSE, epoch(1), level(0.5), epoch(1), level(0.9)]
    assert [r.seconds for r in told(levels, "oneshot").levels] == [2, 2]
    levels = [DENSE, epoch(1), level(0.0), epoch(1), level(0.9)]
    assert [r.seconds for r in told(levels, "iterative").levels] == [2, 2]


def test_a_reused_dense_model_says_what_it_took_and_is_no_measure_of_speed(run):
    reused = e.DenseReused(hash="ab", trained_seconds=40.0, differs=("torch",))
    write(run, [CREATED, STARTED, reused, epoch(), epoch(), DENSE, epoch(1)])
    s = summarize(run)
    assert (s.dense.reused, s.dense.seconds) == (True, 40.0)
    assert (s.epochs_done, s.epochs_here) == (3, 1)
    assert as_shown(run, s)["exact"] is False


def test_the_speed_of_an_epoch_is_that_of_a_run_that_computed_alike(tmp_path):
    alike = {"device": "cpu", "precision": "fp32", "kernels": "eager", "threads": 1}
    started = replace(STARTED, config={**CONFIG, **alike}, host=socket.gethostname())
    write(RunDir(tmp_path / "run").create(), [CREATED, started, epoch()])
    assert seconds_per_epoch(tmp_path, {**CONFIG, **alike}) is not None
    assert seconds_per_epoch(tmp_path, {**CONFIG, **alike, "kernels": "auto"}) is not None
    for other in ({"kernels": "compiled"}, {"precision": "bf16"}, {"threads": 2}):
        assert seconds_per_epoch(tmp_path, {**CONFIG, **alike, **other}) is None


def test_the_cache_changes_nothing_but_the_time_it_takes(run):
    write(run, DONE)
    folded, short = summarize(run), brief(run)
    cache(run)
    assert (summarize(run), brief(run)) == (folded, short)
    assert json.loads(run.summary.read_text())["summary"]["state"] == "done"


def test_the_log_is_read_on_from_where_the_cache_ends(run):
    write(run, DONE[:5])
    cache(run)
    write(run, DONE[5:])
    assert summarize(run).state == brief(run).state == "done"
    assert len(summarize(run).levels) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"version": 1}', "\x00"),
        '{"version": 0, "after": 0, "summary": {}}',
        '{"version": 1, "after": -5, "summary": {}}',
        '{"version": 1, "after": 5.0, "summary": {}}',
        *("[" * 100_000, '{"version": {}}', '{"version": "3", "after": []}'),
    ],
)
def test_a_cache_that_cannot_be_used_is_folded_anew(run, text):
    write(run, DONE)
    run.summary.write_text(text)
    assert summarize(run).state == brief(run).state == "done"


@pytest.mark.parametrize("inside", [5, "x", [[]], {"levels": 3, "config": 1}, {"state": []}])
def test_a_cache_of_other_values_is_folded_anew(run, inside):
    write(run, DONE)
    after = run.log.stat().st_size
    with run.log.open("rb") as log:
        crc_log = crc_before(log, after)
    head = {"version": VERSION, "after": after, "crc_log": crc_log, "brief": inside}
    run.summary.write_bytes(encode([head, {"summary": inside}]))
    assert summarize(run).state == brief(run).state == "done"


def test_a_cache_of_a_longer_log_is_not_believed(run):
    write(run, DONE)
    cache(run)
    data = run.log.read_bytes()
    run.log.write_bytes(data[: data.rindex(b'{"seq":8')])
    assert summarize(run).state == "lost"


def test_the_hash_is_that_of_the_last_listed_level_so_far(run):
    write(run, DONE[:5])
    assert summarize(run).weights_sha256 == "d"
    write(run, DONE[5:7])
    assert summarize(run).weights_sha256 == "w"
    write(run, [level(0.95, listed=False, weights_sha256="x")])
    assert summarize(run).weights_sha256 == "w"


def test_damaged_records_are_counted(run):
    write(run, DONE)
    data = run.log.read_bytes().replace(b'"Epoch"', b'"Epoxy"', 1)
    run.log.write_bytes(data)
    assert summarize(run).damaged == 1
    assert summarize(run).state == "done"


def test_what_show_prints_has_every_promised_key(run):
    write(run, DONE)
    shown = as_shown(run, summarize(run))
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown.keys() >= {
        *("id", "state", "preset", "workload", "seed", "config", "fingerprint", "exact"),
        *("pid", "host", "attempt", "dense", "levels", "weights_sha256"),
    }
    assert shown["dense"].keys() >= {
        *("parameters", "prunable", "val_accuracy", "test_accuracy", "epochs", "seconds"),
        "reused",
    }
    (first,) = shown["levels"]
    assert first.keys() >= {
        *("round", "sparsity_asked", "sparsity", "sparsity_prunable", "val_accuracy_before"),
        *("val_accuracy", "test_accuracy_before", "test_accuracy", "nonzero_parameters"),
        *("compression", "speedup", "effective_sparsity", "epochs", "seconds", "diverged"),
        *("collapsed", "silent_heads", "matrices"),
    }
    assert first["matrices"]["blocks.0.attn.q"]["heads"] == [0.1, 0.1]
    assert (first["test_accuracy_before"], first["test_accuracy"]) == (0.2, 0.9)
    assert (shown["pid"], shown["host"]) == (None, None)


def test_a_diverged_level_is_listed_with_nulls_and_the_same_keys(run):
    stop = e.Diverged(
        round=1, sparsity_asked=0.93, level=0.95, step=3, epoch=45, lr=0.1, gradient_norm=None
    )
    write(run, [*DONE[:-1], stop])
    shown = as_shown(run, summarize(run))
    good, bad = shown["levels"]
    assert shown["state"] == "failed"
    assert good.keys() == bad.keys()
    assert (bad["diverged"], bad["sparsity_asked"], bad["test_accuracy"]) == (True, 0.95, None)


def _holding(path, ready, done):
    with hold(path) as file:
        inscribe(file, attempt=2)
        ready.set()
        done.wait()


def test_a_lock_is_held_by_one_process_and_names_it(run):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_holding, args=(run.lock, ready, done))
    other.start()
    assert ready.wait(20)
    assert (holder(run.lock).pid, holder(run.lock).attempt) == (other.pid, 2)
    with pytest.raises(Held, match=f"process {other.pid} on "), hold(run.lock):
        pass
    other.kill()
    other.join()
    assert holder(run.lock) is None
    with hold(run.lock) as file:
        assert inscribe(file, attempt=3) == holder(run.lock)


def test_what_a_resumed_run_tells_again_counts_once(run):
    before = [CREATED, STARTING, STARTED, epoch(), epoch()]
    again = replace(RESUMED, after=4)
    write(run, [*before, e.Stopped(reason="x"), STARTING, again, epoch(), DENSE])
    s = summarize(run)
    assert s.epochs_done == 2
    assert s.exact


def test_a_cache_made_before_a_resume_is_not_believed(run):
    write(run, [CREATED, STARTING, STARTED, epoch(), epoch(), epoch()])
    cache(run)
    write(run, [replace(RESUMED, after=3), epoch()])
    assert summarize(run).epochs_done == 1


def test_followers_see_the_same_as_those_who_look_afterwards(run):
    write(run, [CREATED, STARTING, STARTED, epoch(), epoch(), replace(RESUMED, after=4), *DONE[4:]])
    *_, (_, followed) = told(run, entries(run.log), Summary())
    assert followed == summarize(run)


def test_a_run_that_was_made_and_not_queued_is_not_started_yet(run):
    write(run, [CREATED])
    assert (summarize(run).state, summarize(run).reason) == ("stopped", "not started yet")
    queue.add(run.path.parent, run.id)
    assert summarize(run).state == "queued"
    assert brief(run).state == "queued"


def test_a_queued_run_that_is_being_started_is_not_stopped(run, monkeypatch):
    write(run, [CREATED])
    asked = iter([None, "somebody"])  # between the two looks it is taken out of the queue
    monkeypatch.setattr("vitprune_core.store.summary.holder", lambda *a, **k: next(asked))
    assert summarize(run).state == "queued"


def test_a_lock_without_a_name_is_waited_for_by_nobody_who_only_looks(run, monkeypatch):
    write(run, [CREATED, STARTED])
    cache(run)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    with hold(run.lock):
        assert holder(run.lock, patience=False) == Holder("?", 0, 0)
        assert summarize(run).state == brief(run).state == "running"


def test_a_run_began_when_a_process_took_it_and_not_when_it_was_queued(run):
    write(run, [CREATED, STARTING, STARTED])
    records = [
        r._replace(time=t) for r, t in zip(entries(run.log), (10.0, 500.0, 503.0), strict=True)
    ]
    assert (fold(records).started, fold(records).begun) == (10.0, 500.0)
    again = records[-1]._replace(seq=4, time=600.0, event=replace(RESUMED, after=1))
    assert fold([*records, again]).begun == 600.0


@pytest.mark.parametrize("config", [{}, {"prune": [1], "data": None, "train": "x", "dense": 5}])
def test_a_config_of_any_shape_can_be_told(tmp_path, config):
    run = RunDir(tmp_path / "run").create()
    config = {**config, "seed": [1]}
    started = replace(STARTED, config=config, host=socket.gethostname())
    write(run, [replace(CREATED, config=config), started, epoch(), DENSE, level()])
    s = summarize(run)
    assert s.section("prune") == {}
    shown = as_shown(run, s)
    assert latest_alike(tmp_path, CONFIG) == s
    assert export.as_csv([("run", shown)]).count("\n") == 2
    exported = export.Exported("run", s, "", "", {})
    assert "lost" in export.markdown([exported, exported], "")
    assert "run: lost" in tables.run("run", s, None)
    subject = comparison.Subject("run", s, History.empty(), 0)
    assert comparison.differences([subject], [subject], "sparsity").y == (0.0,)
    assert len(comparison.grouped([subject, subject], seeds=True)) == 1
    assert (comparison.chance(s), comparison.layers_of(s)) == (0.0, "all")


def test_what_differs_at_a_resume_is_shown(run):
    other = replace(RESUMED, after=3, exact=False, differs=("torch", "threads"))
    write(run, [CREATED, STARTING, STARTED, other])
    shown = as_shown(run, summarize(run))
    assert (shown["exact"], shown["differs"]) == (False, ["torch", "threads"])
    assert summarize(run).differs == ("torch", "threads")


def test_seconds_of_pauses_and_loading_are_no_work():
    def at(seq, seconds, event):
        return Entry(seq, 1, 0.0, seconds, event, seq)

    records = [
        at(1, 100.0, CREATED),
        at(2, 100.0, STARTING),
        at(3, 100.0, STARTED),
        at(4, 1.0, e.Checkpointed(step=1, file="x", bytes=1)),
        at(5, 2.0, e.Acknowledged(request="pause")),
        at(6, 0.0, PAUSED),
        at(6, 100.0, e.Acknowledged(request="pause")),
        at(6, 0.0, PAUSED),
        at(6, 100.0, e.Acknowledged(request="continue")),
        at(7, 0.0, e.Continued()),
        at(8, 4.0, epoch()),
        at(9, 50.0, e.Checkpointed(step=2, file="y", bytes=1)),  # done again below
        at(10, 100.0, STARTING),
        at(11, 100.0, replace(RESUMED, after=8, worked=8.0)),
        at(12, 16.0, epoch()),
        at(13, 32.0, DENSE),
    ]
    s = fold(records)
    assert s.seconds_here == 1 + 2 + 4 + 8 + 16
    assert s.dense.seconds == 1 + 2 + 4 + 8 + 16 + 32
