"""A run as a reader sees it: its log folded into one value, live or after the fact."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any

from vitprune_core.store import events as e
from vitprune_core.store import queue
from vitprune_core.store.brief import ALIVE, Brief
from vitprune_core.store.lines import Stretch
from vitprune_core.store.lock import holder
from vitprune_core.store.log import Entry, kept
from vitprune_core.store.rundir import RunDir

ASKED = {"pause": "pausing", "stop": "stopping"}
IDLE = ("queued", "starting", "paused")
"""What passes in these states is no work."""
NO_WORK = (e.Created, e.Starting, e.Started, e.Resumed, e.Continued, e.WaitEnded, e.DenseAdopted)
"""What passed before these was loading, waiting or nothing."""
BEGINS = (e.Starting, e.Started, e.Resumed)
"""Any of them may be the first that a process has told: a resumed run takes others back."""


@dataclass(frozen=True, kw_only=True)
class Dense:
    hash: str
    epochs: int
    seconds: float
    validation: e.Score
    test: e.Score
    reused: bool


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A listed level and what it cost."""

    level: e.Level
    seconds: float
    """From the dense model to here, all rounds on the way."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    state: str = "queued"
    preset: str = ""
    request: tuple[str, ...] = ()
    """The words after `vitprune run` that ask for the same again."""
    config: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = True
    """Its bytes are those of a run that was never interrupted."""
    differs: tuple[str, ...] = ()
    """Why they are not: what was another when it was resumed."""
    host: str = ""
    attempt: int = 0
    parameters: int | None = None
    prunable: int | None = None
    taking_part: int | None = None
    reused: e.DenseReused | None = None
    """The shared dense model, when this run did not train it."""
    dense: Dense | None = None
    levels: tuple[Reached, ...] = ()
    diverged: e.Diverged | None = None
    round: int = 0
    sparsity: float = 0.0
    """Asked for in the current round."""
    epoch: e.Epoch | None = None
    """The latest one."""
    epochs_done: int = 0
    epochs_planned: int = 0
    epochs_here: int = 0
    """Trained by this run itself, for the speed of this host."""
    seconds_here: float = 0.0
    awaited: str | None = None
    """What the run waits for, or would if it were not paused."""
    kept_seconds: float | None = None
    """Of dense training, when an earlier attempt of this run did it and it is only told again."""
    unfinished: float = 0.0
    """Seconds of work since the engine told something."""
    retraced: int = 0
    retracing: int = 0
    """Epochs of the dense training that are trained again for weights to rewind to; 0: none."""
    branch_seconds: float = 0.0
    """Spent since the dense model on the way to the current round."""
    reason: str | None = None
    """Why the run stopped or failed."""
    weights_sha256: str | None = None
    """Of the last listed level so far, of the dense model before the first."""
    started: float | None = None
    """Unix seconds of the first record."""
    begun: float | None = None
    """When the first process began to work on it."""
    updated: float | None = None
    damaged: int = 0
    """Records that could not be read."""
    unknown: int = 0
    """Records of kinds that only a newer version knows."""

    def section(self, name: str) -> Mapping[str, Any]:
        return section(self.config, name)

    @property
    def brief(self) -> Brief:
        last = self.levels[-1].level if self.levels else None
        workload, seed = self.config.get("workload", ""), self.config.get("seed")
        return Brief(
            state=self.state,
            preset=self.preset,
            workload=workload if isinstance(workload, str) else "",
            seed=seed if type(seed) is int else None,
            epochs_done=self.epochs_done,
            epochs_planned=self.epochs_planned,
            dense=self.dense.test.accuracy if self.dense else None,
            levels=len(self.levels),
            sparsity=last.sparsity if last else None,
            accuracy=last.test.accuracy if last else None,
            started=self.started,
            updated=self.updated,
            damaged=self.damaged,
            unknown=self.unknown,
        )

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the epochs that this run trained itself; None before the first."""
        if not self.epochs_here:
            return None
        left = self.epochs_planned - self.epochs_done
        return left * self.seconds_here / self.epochs_here

    def then(self, entry: Entry) -> "Summary":
        """The summary after one more record."""
        if isinstance(entry.event, e.Damaged):
            return replace(self, damaged=self.damaged + 1)
        if isinstance(entry.event, e.Unknown):
            return replace(self, unknown=self.unknown + 1)
        idle = self.state in IDLE or isinstance(entry.event, NO_WORK)
        work = 0.0 if idle else entry.seconds
        process = isinstance(entry.event, e.PROCESS)
        begins = self.begun is None and isinstance(entry.event, BEGINS)
        before, self = (
            self,
            replace(
                self,
                attempt=entry.attempt,
                started=self.started or entry.time,
                begun=entry.time if begins else self.begun,
                updated=entry.time,
                branch_seconds=self.branch_seconds + work,
                unfinished=self.unfinished + work if process else 0.0,
            ),
        )
        return self._after(entry.event, before.unfinished + work)

    def after_stretch(self, stretch: Stretch) -> "Summary":
        """The same as `then` for each of its records.

        Sums are taken in the same order: they are equal to the last bit.
        """
        work = [0.0] * len(stretch.seconds) if self.state in IDLE else stretch.seconds
        unfinished, here = self.unfinished, self.seconds_here
        for seconds, trained in zip(work, stretch.trained, strict=True):
            unfinished += seconds
            if trained:
                here, unfinished = here + unfinished, 0.0
        number = sum(stretch.trained)
        after = self._after_epoch(stretch.epoch, 0.0)
        trained_here = after.epochs_here > self.epochs_here
        return replace(
            after,
            attempt=stretch.attempt,
            started=self.started or stretch.began,
            updated=stretch.ended,
            branch_seconds=reduce(add, work, self.branch_seconds),
            unfinished=unfinished,
            epochs_done=self.epochs_done + number,
            epochs_here=self.epochs_here + (number if trained_here else 0),
            seconds_here=here if trained_here else self.seconds_here,
        )

    def _after(self, event: e.Event, seconds: float) -> "Summary":
        """`seconds` of work led to this event, those before an interruption included."""
        match event:
            case e.Created():
                return replace(
                    self,
                    state="queued",
                    preset=event.preset,
                    request=event.request,
                    config=event.config,
                )
            case e.Starting():
                return replace(self, state="starting", host=event.host, reason=None)
            case e.Resumed():
                return replace(
                    self,
                    state="running",
                    reason=None,
                    exact=self.exact and event.exact,
                    differs=_both(self.differs, event.differs),
                    branch_seconds=self.branch_seconds + event.worked,
                    unfinished=self.unfinished + event.worked,
                )
            case e.Checkpointed() | e.DenseDamaged() | e.PrunedAlone():
                return self
            case e.Acknowledged():
                return replace(self, state=ASKED.get(event.request, self.state))
            case e.Paused():
                return replace(self, state="paused", reason=event.reason)
            case e.Continued():
                state = "starting" if self.awaited else "running"
                return replace(self, state=state, reason=self.awaited)
            case e.DenseAwaited():
                what = f"waiting for dense: {event.by} trains it"
                return replace(self, state="starting", reason=what, awaited=what)
            case e.WaitEnded() | e.DenseAdopted():
                return self._at_work()
            case e.DenseKept():
                return replace(self._at_work(), kept_seconds=event.trained_seconds)
            case e.Retracing():
                return replace(self._at_work(), retracing=event.epochs, retraced=0)
            case e.Retraced():
                return replace(self, retraced=event.epoch + 1)
            case e.Started():
                return replace(
                    self,
                    state="running",
                    config=event.config,
                    fingerprint=event.fingerprint,
                    host=event.host,
                    parameters=event.parameters,
                    prunable=event.prunable,
                    taking_part=event.taking_part,
                    epochs_planned=event.epochs,
                    branch_seconds=0.0,
                )
            case e.DenseReused():
                return replace(
                    self._at_work(),
                    reused=event,
                    exact=self.exact and not event.differs,
                    differs=_both(self.differs, event.differs),
                )
            case e.Epoch():
                return self._after_epoch(event, seconds)
            case e.DenseTrained():
                return self._after_dense(event)
            case e.Pruned():
                return replace(self, round=event.round, sparsity=event.sparsity_asked)
            case e.Level():
                return self._after_level(event)
            case e.Diverged():
                reason = f"diverged at {event.where}"
                return replace(self, state="failed", diverged=event, reason=reason)
            case e.Stopped():
                return replace(self, state="stopped", reason=event.reason)
            case e.Failed():
                return replace(self, state="failed", reason=event.reason)
            case e.Finished():
                return replace(self, state="done", weights_sha256=event.weights_sha256)

    def _after_epoch(self, event: e.Epoch, seconds: float) -> "Summary":
        self = replace(self, epoch=event, epochs_done=self.epochs_done + 1, retracing=0)
        if event.round == 0 and (self.reused or self.kept_seconds is not None):
            return self
        return replace(
            self,
            round=event.round,
            sparsity=event.sparsity,
            epochs_here=self.epochs_here + 1,
            seconds_here=self.seconds_here + seconds,
        )

    def _after_dense(self, event: e.DenseTrained) -> "Summary":
        dense = Dense(
            hash=event.hash,
            epochs=event.epochs,
            seconds=self._dense_seconds(),
            validation=event.validation,
            test=event.test,
            reused=self.reused is not None,
        )
        sha = event.weights_sha256
        return replace(self, dense=dense, branch_seconds=0.0, weights_sha256=sha)

    def _dense_seconds(self) -> float:
        if self.reused:
            return self.reused.trained_seconds
        return self.branch_seconds if self.kept_seconds is None else self.kept_seconds

    def _at_work(self) -> "Summary":
        return replace(self, state="running", reason=None, awaited=None)

    def _after_level(self, event: e.Level) -> "Summary":
        """One-shot levels and the control start from the dense model: their costs do not add up."""
        iterative = self.section("prune").get("schedule") == "iterative"
        on_trajectory = iterative and event.sparsity_asked > 0
        left = self.branch_seconds if on_trajectory else 0.0
        if not event.listed:
            return replace(self, branch_seconds=left)
        return replace(
            self,
            levels=(*self.levels, Reached(level=event, seconds=self.branch_seconds)),
            branch_seconds=left,
            weights_sha256=event.weights_sha256,
        )


def section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Part of a config that a log tells, whatever it says there."""
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def _both(some: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def fold(records: Iterable[Entry]) -> Summary:
    return reduce(Summary.then, kept(records), Summary())


def told(
    run: RunDir, records: Iterable[Entry], summary: Summary
) -> Iterator[tuple[Entry, Summary]]:
    """Each record as it comes, and the run after it: a resumed run takes some back.

    `summary` is that of the run before the first of them.
    """
    from vitprune_core.store.history import Reader

    for record in records:
        if isinstance(record.event, e.Resumed):
            reader = Reader(run)
            reader.read(until=record.end)
            summary = reader.summary
        else:
            summary = summary.then(record)
        yield record, summary


def summarize(run: RunDir) -> Summary:
    """The run now: the fold of its log, kept or made anew; `lost` when nobody is alive."""
    from vitprune_core.store.history import Reader  # which folds into a summary itself
    from vitprune_core.store.place import summary_of

    free = holder(run.lock, patience=False) is None
    if (summary := summary_of(run)) is None:
        reader = Reader(run)
        reader.read()
        summary = reader.summary
    return seen(run, summary, free)


def seen(run: RunDir, summary: Summary, free: bool) -> Summary:
    """With what the log cannot tell; `free`: nobody held the lock before the log was read."""
    if free and summary.state in ALIVE and _is_free(run):
        return replace(summary, state="lost", reason="the process that worked on it is gone")
    if free and summary.state == "queued" and not queue.has(run) and _is_free(run):
        return replace(summary, state="stopped", reason="not started yet")
    return summary


def cache(run: RunDir) -> None:
    """Write `summary.json`, so that the next reader goes on from there."""
    from vitprune_core.store.history import Reader

    reader = Reader(run)
    reader.read()
    reader.save()


def _is_free(run: RunDir) -> bool:
    """Asked after the log was read: a run that has just begun holds its lock by now."""
    return holder(run.lock, patience=False) is None
