"""What can be known to fail before a run is made: `python -m vitprune_core.engine.check < CONFIG`.

Images that are not on this machine are fetched. How far that is goes to stderr as it happens; why
a run would fail is all there is on stdout; the exit code is 2 where the request is wrong, else 1.
torch, which takes seconds, is loaded only where it is asked.
"""

import sys

import yaml

from vitprune_core.engine.images.fetch import obtain
from vitprune_core.spec.config import Config


def check(config: Config) -> None:
    """Raises `DataError`, `DeviceError` or `GivenError`."""
    if config.device == "cuda" or config.kernels == "compiled":  # before a download in vain
        from vitprune_core.engine.device import resolve

        resolve(config)
    if config.dense:
        from vitprune_core.engine.given import read_given

        read_given(config)
    obtain(config.data.name)


def main() -> int:
    try:
        check(Config.model_validate(yaml.safe_load(sys.stdin), strict=False))
    except RuntimeError as error:  # as all are; paths may have bytes that are no text
        sys.stdout.buffer.write(str(error).encode(errors="backslashreplace"))
        return getattr(error, "code", 1)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
