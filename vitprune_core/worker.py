"""The process that does the work on a run: hold it, execute its config, append what happens."""

from collections.abc import Iterator

from vitprune_core.engine.data import load, loader
from vitprune_core.engine.device import resolve
from vitprune_core.engine.execute import execute
from vitprune_core.spec.config import Config, dump
from vitprune_core.store.events import Created, Failed, Level, Stopped
from vitprune_core.store.lock import hold
from vitprune_core.store.log import Entry, Log
from vitprune_core.store.rundir import RunDir, write
from vitprune_core.store.summary import cache


def check(config: Config) -> None:
    """What can be known to fail before a run is made; raises `DataError` or `DeviceError`."""
    resolve(config)
    loader(config)


def work(run: RunDir, created: Created, config: Config) -> Iterator[Entry]:
    """Do everything that `config` asks for in this process, yielding each record of the log.

    An exception of any kind is told in the log and goes on to the caller.
    """
    with hold(run.lock, attempt=1):
        log = Log(run.log)
        try:
            yield log.append(created)
            config = resolve(config)
            write(run.config, dump(config).encode())
            for event in execute(config, load(config), run):
                yield log.append(event)
                if isinstance(event, Level):
                    cache(run)
        except (KeyboardInterrupt, GeneratorExit):
            log.append(Stopped(reason="interrupted"))
            raise
        except Exception as error:
            log.append(Failed(reason=f"{type(error).__name__}: {error}"))
            raise
        finally:
            log.sync()
            cache(run)
