"""What can be known to fail before a run is made: `python -m vitprune_core.engine.check < CONFIG`.

Says why on stderr and exits with 1. torch, which takes seconds, is loaded only where it is asked.
"""

import sys

import yaml

from vitprune_core.engine.sources import DataError, locate
from vitprune_core.spec.config import Config


def check(config: Config) -> None:
    """Raises `DataError` or `DeviceError`."""
    locate(config.data.name)
    if config.device == "cuda":
        from vitprune_core.engine.device import resolve

        resolve(config)


if __name__ == "__main__":
    try:
        check(Config.model_validate(yaml.safe_load(sys.stdin), strict=False))
    except (DataError, RuntimeError) as error:
        sys.exit(str(error))
