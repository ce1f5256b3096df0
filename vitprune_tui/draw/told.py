"""What happened in a run, in words: a line for an event that stays on the screen."""

from vitprune_core.store import events as e
from vitprune_core.store.clean import clean
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import text


def told(event: e.Found, s: Summary) -> str | None:
    """What stays on the screen of an event: a clean line, or nothing."""
    words = _told(event, s)
    return words and clean(words)


def _told(event: e.Found, s: Summary) -> str | None:
    match event:
        case e.Started():
            where = (
                f"{event.fingerprint.get('device')}, {event.fingerprint.get('threads')} thread(s)"
            )
            size = f"{event.parameters:,} parameters, {event.taking_part:,} weights take part"
            return f"{size}; {where}; {event.epochs} epochs planned"
        case e.Starting():
            return f"process {event.pid} on {event.host} loads torch and the images"
        case e.Resumed():
            since = (
                "its beginning" if event.step is None else f"the checkpoint of step {event.step}"
            )
            inexact = f" (not exact: another {', '.join(event.differs)})" if event.differs else ""
            lost = (
                f", {len(event.corrupt)} damaged checkpoint(s) kept aside" if event.corrupt else ""
            )
            return f"goes on from {since}{inexact}{lost}"
        case e.Acknowledged():
            return f"{event.request}: acknowledged"
        case e.Paused():
            return f"paused: {event.reason}"
        case e.Continued():
            return "continued"
        case e.DenseAwaited():
            return f"waiting for dense model {event.hash}, which {event.by} trains"
        case e.WaitEnded():
            return f"no need to wait for dense model {event.hash} any more"
        case e.DenseAdopted():
            where = "anew" if event.step is None else f"on from its step {event.step}"
            return f"{event.of}, which trained dense model {event.hash}, is gone: {where}"
        case e.Retracing():
            return (
                f"{event.epochs} epochs of dense training once more, for the weights to rewind to"
            )
        case e.DenseKept():
            return "the dense model is there already: this run trained it before"
        case e.DenseReused():
            other = f" (trained with another {', '.join(event.differs)})" if event.differs else ""
            return f"dense model {event.hash} is there already{other}: the run starts at pruning"
        case e.DenseDamaged():
            return f"dense model {event.hash} is damaged, kept as {event.kept_as}: trained again"
        case e.DenseTrained():
            test = f"dense     test {text.percent(event.test.accuracy)}"
            if not event.epochs:
                return f"{test}   given, not trained"
            took = text.duration(s.dense.seconds) if s.dense else "?"
            return f"{test}   {'trained before' if s.reused else 'trained'} in {took}"
        case e.Pruned():
            return f"{_at(event)}  test {text.percent(event.test.accuracy)}   pruned, not retrained"
        case e.PrunedAlone():
            score, at = text.percent(event.test.accuracy), text.sparsity(event.sparsity)
            return f"{event.matrix} alone at {at}: test {score}, not retrained"
        case e.Level():
            against = event.test.accuracy - s.dense.test.accuracy if s.dense else None
            what = f"retrained, {text.points(against)} points against dense"
            return f"{_at(event)}  test {text.percent(event.test.accuracy)}   {what}"
        case e.Diverged():
            return f"diverged at {event.where}"
        case e.Stopped():
            return f"stopped: {event.reason}"
        case e.Failed():
            return f"failed: {event.reason}"
        case e.Damaged():
            return f"a damaged record of {event.bytes} bytes"
    return None


def _at(event: e.Pruned | e.Level) -> str:
    return f"{text.sparsity(event.sparsity_asked):>8}"
